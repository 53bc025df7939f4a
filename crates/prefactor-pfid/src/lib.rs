//! Prefactor's identifier: 160 bits that hold a time, an account's partition and randomness.
