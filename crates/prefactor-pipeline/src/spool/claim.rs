//! The right to a record on disk, which goes with an operation.

use std::num::NonZeroU64;

/// The numbers of the records that an operation stands for: its own, and that of the finish it was merged with.
///
/// Invariant: all of an operation is on disk, or nothing of it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim([Option<NonZeroU64>; 2]);

impl Claim {
    pub(crate) fn of(sequence: u64) -> Self {
        Self([NonZeroU64::new(sequence), None])
    }

    /// Whether there is nothing on disk.
    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [None; 2]
    }

    /// Takes over what another operation had, that becomes one item with this one.
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        for sequence in other.take() {
            // A create and its finish are two, and nothing else is ever merged.
            if let Some(free) = self.0.iter_mut().find(|mine| mine.is_none()) {
                *free = NonZeroU64::new(sequence);
            }
        }
    }

    /// The numbers, which are somebody else's business from now on.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = u64> + use<> {
        std::mem::take(&mut self.0).into_iter().flatten().map(NonZeroU64::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_operation_has_both_records_and_lets_go_of_them_once() {
        let (mut create, mut finish) = (Claim::of(7), Claim::of(9));

        create.absorb(&mut finish);

        assert!(finish.is_empty() && !create.is_empty());
        assert_eq!(create.take().collect::<Vec<_>>(), [7, 9]);
        assert!(create.is_empty());
        assert_eq!(create.take().count(), 0);
    }
}
