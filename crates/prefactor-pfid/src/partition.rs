use std::fmt;

use crate::PfidError;

/// The 30-bit number that every id of one account has in common.
///
/// ```
/// use prefactor_pfid::Partition;
///
/// assert_eq!(Partition::new(123_456_789)?.get(), 123_456_789);
/// assert!(Partition::new(1 << 30).is_err());
/// # Ok::<(), prefactor_pfid::PfidError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u32);

impl Partition {
    /// The largest partition, 2³⁰ − 1.
    pub const MAX: Self = Self((1 << 30) - 1);

    /// Checks that the number fits in 30 bits.
    ///
    /// # Errors
    /// [`PfidError::Partition`] when it does not.
    pub const fn new(value: u32) -> Result<Self, PfidError> {
        if value <= Self::MAX.0 { Ok(Self(value)) } else { Err(PfidError::Partition { value }) }
    }

    /// The number, below 2³⁰.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The low 30 bits of a number, for callers that have dealt with the others.
    pub(crate) const fn from_low_bits(value: u32) -> Self {
        Self(value & Self::MAX.0)
    }
}

impl TryFrom<u32> for Partition {
    type Error = PfidError;

    fn try_from(value: u32) -> Result<Self, PfidError> {
        Self::new(value)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
