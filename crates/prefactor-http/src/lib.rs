//! Typed async HTTP client for the Prefactor API.
