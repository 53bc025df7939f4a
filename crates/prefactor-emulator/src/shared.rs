//! What the handlers and the [`Emulator`](crate::Emulator) share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::action::{Action, ActionName, Scope};
use crate::call;
use crate::database::{Database, Effect};
use crate::error::ApiError;
use crate::faults::{Faults, Injector};
use crate::handlers::response;
use crate::journal::Journal;
use crate::rules;
use crate::store::{Call, Store};

pub(crate) struct Shared {
    pub(crate) token: String,
    pub(crate) account_token: String,
    pub(crate) injector: Injector,
    pub(crate) journal: Journal,
    store: Mutex<Store>,
    /// Where effects are kept; none when memory is all there is.
    database: Option<Database>,
}

/// A request that may change something, as it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) scope: Scope,
    /// None for bulk.
    pub(crate) name: Option<ActionName>,
    /// The id in the path.
    pub(crate) target: Option<&'a str>,
    pub(crate) body: &'a Bytes,
}

impl Shared {
    pub(crate) fn new(
        token: String,
        account_token: String,
        injector: Injector,
        journal: Journal,
        store: Store,
        database: Option<Database>,
    ) -> Self {
        Self { token, account_token, injector, journal, store: Mutex::new(store), database }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scope_of(&self, token: &str) -> Option<Scope> {
        if token == self.account_token {
            Some(Scope::Account)
        } else if token == self.token {
            Some(Scope::Deployment)
        } else {
            None
        }
    }

    /// Puts these faults in place of those before.
    pub(crate) fn set_faults(&self, faults: Faults) {
        let mut store = self.store();
        let policy = faults.policy(store.policy().cancel);
        if *store.policy() != policy {
            store.set_policy(policy.clone());
            if let Some(database) = &self.database {
                database.append(Effect::Ruled(policy).entry(&mut store), Bytes::new());
            }
        }
        self.injector.set(faults);
    }

    /// Does one call that may change something and makes its answer a response.
    pub(crate) async fn call(
        &self,
        scope: Scope,
        name: ActionName,
        target: Option<&str>,
        body: Bytes,
    ) -> Response {
        if let Err(refusal) = self.injector.admit(1) {
            return response::refused(refusal);
        }
        let mut out = Vec::with_capacity(1024);
        let done = call::read(name, target, &body).and_then(|(action, key)| {
            key.as_deref().map_or(Ok(()), rules::check_idempotency_key)?;
            let request = Request { scope, name: Some(name), target, body: &body };
            self.work(request, |store, now| store.apply(Call { action, key, scope, now }, &mut out))
        });
        self.settled(answer(done, out)).await
    }

    /// Does one action that changes nothing.
    pub(crate) async fn read(&self, scope: Scope, action: Result<Action<'_>, ApiError>) -> Response {
        if let Err(refusal) = self.injector.admit(1) {
            return response::refused(refusal);
        }
        let mut out = Vec::with_capacity(1024);
        let done = action.and_then(|action| {
            self.store().apply(Call { action, key: None, scope, now: Utc::now() }, &mut out)
        });
        self.settled(answer(done, out)).await
    }

    /// Works on the store and keeps the request if it changed anything.
    pub(crate) fn work<T>(
        &self,
        request: Request<'_>,
        work: impl FnOnce(&mut Store, DateTime<Utc>) -> T,
    ) -> T {
        self.keep(work, |_| Effect::called(request), request.body.clone())
    }

    /// Ends a run as an operator would.
    pub(crate) fn terminate(&self, index: usize, reason: &str) -> Result<(), ApiError> {
        self.keep(
            |store, now| store.terminate_instance(index, reason, now),
            |store| Effect::terminated(store.instances()[index].id, reason),
            Bytes::new(),
        )
    }

    fn keep<T>(
        &self,
        work: impl FnOnce(&mut Store, DateTime<Utc>) -> T,
        effect: impl FnOnce(&Store) -> Effect,
        body: Bytes,
    ) -> T {
        let now = Utc::now();
        let mut store = self.store();
        let before = store.sequence();
        let done = work(&mut store, now);
        // Under the lock, so that effects are kept in the order in which they happened.
        if let Some(database) = &self.database {
            let effect = effect(&store);
            // Made in any case: what had no effect may have drawn ids.
            let entry = effect.entry(&mut store);
            if store.sequence() != before {
                database.append(entry, body);
            }
        }
        done
    }

    /// Holds an answer back until all it could tell of is kept. What could not be kept must not be called a success.
    pub(crate) async fn settled(&self, answer: Response) -> Response {
        match &self.database {
            None => answer,
            Some(database) => match database.settled().await {
                Ok(()) => answer,
                Err(error) => response::error(&error),
            },
        }
    }

    /// Closes the database, once everything is written.
    pub(crate) fn close(&self) {
        if let Some(database) = &self.database {
            database.close();
        }
    }
}

fn answer(done: Result<(), ApiError>, out: Vec<u8>) -> Response {
    match done {
        Ok(()) => response::json(200, out),
        Err(error) => response::error(&error),
    }
}

/// Without the tokens.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("injector", &self.injector).finish_non_exhaustive()
    }
}
