//! The accounts of all instances, for the pipeline's own ledger and for flushing all of them.

use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use prefactor_pfid::Stem;

use crate::account::Account;
use crate::ledger::Tally;
use crate::random_key::RandomKeyed;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    accounts: DashMap<Stem, Arc<Account>, RandomKeyed>,
    /// What was accepted by instances that are gone. Held while one leaves and while all are added up, so that a sum
    /// never misses one that is just leaving, nor counts it twice.
    gone: Mutex<Tally>,
}

impl Registry {
    pub(crate) fn enter(&self, instance: Stem, account: Arc<Account>) {
        self.accounts.insert(instance, account);
    }

    pub(crate) fn leave(&self, instance: Stem) {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, account)) = self.accounts.remove(&instance) {
            *gone += account.accepted();
        }
    }

    /// What all instances have accepted, since the beginning.
    pub(crate) fn accepted(&self) -> Tally {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        self.accounts.iter().fold(*gone, |sum, entry| sum + entry.accepted())
    }

    pub(crate) fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.iter().map(|entry| Arc::clone(entry.value())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_leaves_takes_nothing_out_of_the_sum() {
        let registry = Registry::default();
        let keys = [1, 2].map(|n| Stem::new(n, [0; 10]).expect("a small time"));
        for key in keys {
            let account = Arc::new(Account::default());
            account.accept(10);
            registry.enter(key, account);
        }

        registry.leave(keys[0]);
        registry.leave(keys[0]);

        assert_eq!(registry.accepted(), Tally::new(2, 20));
        assert_eq!(registry.accounts().len(), 1);
    }
}
