//! Prefactor's identifier: 160 bits that hold a time, an account's partition and randomness.
//!
//! | part | bits | text | bytes |
//! |---|---|---|---|
//! | Unix time in milliseconds | 48 | 10 characters, the first one `0`–`7` | 6 |
//! | partition of the account | 2 zero bits + 30 | 6 characters | 4 |
//! | random | 80 | 16 characters | 10 |
//!
//! The text is lower-case Crockford Base32 and sorts as the bytes do (API contract, Identifiers).
//!
//! ```
//! use prefactor_pfid::{Partition, Pfid};
//!
//! let id: Pfid = "013xrzp12g3nqk8n04hmasw9nf6yy093".parse()?;
//! assert_eq!(id.partition(), Partition::new(123_456_789)?);
//! assert_eq!(id.to_string(), "013xrzp12g3nqk8n04hmasw9nf6yy093");
//! # Ok::<(), prefactor_pfid::PfidError>(())
//! ```
//!
//! A [`Stem`] is an id whose partition is not known yet: time and randomness are fixed at the moment of a call, the
//! partition is filled in later. [`generate`] and [`thread_stem`] make ids; a [`Generator`] of one's own takes any clock
//! and any source of randomness.
//!
//! With the feature `serde` (on by default) a [`Pfid`] is a string in human-readable formats and 20 bytes in others.

mod crockford;
mod error;
mod generator;
mod partition;
mod pfid;
mod process;
#[cfg(feature = "serde")]
mod serde;
mod source;
mod stem;

pub use error::PfidError;
pub use generator::Generator;
pub use partition::Partition;
pub use pfid::Pfid;
pub use process::{generate, thread_stem};
pub use source::{Clock, Randomness, SystemRandomness, WallClock};
pub use stem::Stem;
