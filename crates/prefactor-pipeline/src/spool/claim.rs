//! The right to a record on disk, which goes with an operation.

/// The numbers of the records that an operation stands for: its own, and that of the finish it was merged with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim([Option<std::num::NonZeroU64>; 2]);

impl Claim {
    pub(crate) fn of(sequence: u64) -> Self {
        Self([std::num::NonZeroU64::new(sequence), None])
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
                *free = std::num::NonZeroU64::new(sequence);
            }
        }
    }

    /// The numbers, which are somebody else's business from now on.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = u64> + use<> {
        std::mem::take(&mut self.0).into_iter().flatten().map(std::num::NonZeroU64::get)
    }
}
