//! A Prefactor API in memory, for tests, demos and development without an account.
