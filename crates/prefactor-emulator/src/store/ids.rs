//! Where ids come from that no client chose.

use std::collections::VecDeque;

use prefactor_pfid::{Generator, Partition, Pfid};

/// Makes ids of the account, tells which it has made, and gives again those of an earlier run: they are the only thing in
/// an effect that depends on chance.
#[derive(Debug)]
pub(crate) struct Ids {
    partition: Partition,
    generator: Generator,
    /// None unless somebody asks.
    made: Option<Vec<Pfid>>,
    again: VecDeque<Pfid>,
}

impl Ids {
    pub(crate) fn new(partition: Partition) -> Self {
        Self { partition, generator: Generator::system(), made: None, again: VecDeque::new() }
    }

    /// From now on the ids that are made are noted.
    pub(crate) fn noted(mut self) -> Self {
        self.made = Some(Vec::new());
        self
    }

    pub(crate) fn partition(&self) -> Partition {
        self.partition
    }

    pub(crate) fn next(&mut self) -> Pfid {
        if let Some(id) = self.again.pop_front() {
            return id;
        }
        let id = self.generator.generate(self.partition);
        if let Some(made) = &mut self.made {
            made.push(id);
        }
        id
    }

    /// The ids made since this was last asked.
    pub(crate) fn take_made(&mut self) -> Vec<Pfid> {
        self.made.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Gives these before any new one.
    pub(crate) fn repeat(&mut self, ids: Vec<Pfid>) {
        self.again = ids.into();
    }

    /// True when all that was to be given again has been given.
    pub(crate) fn is_up_to_date(&self) -> bool {
        self.again.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_given_again_and_then_new_ids_follow() {
        let mut first = Ids::new(Partition::MAX).noted();
        let made = vec![first.next(), first.next()];
        assert_eq!(first.take_made(), made);

        let mut second = Ids::new(Partition::MAX).noted();
        second.repeat(made.clone());

        assert!(!second.is_up_to_date());
        assert_eq!(vec![second.next(), second.next()], made);
        assert!(second.is_up_to_date());
        let fresh = second.next();
        assert!(!made.contains(&fresh));
        assert_eq!(second.take_made(), [fresh]);
    }
}
