//! What is made of an answer, without a server, for the fuzzer. No part of the API.

use serde::de::DeserializeOwned;

use crate::{ApiToken, PrefactorError, RawResponse, envelope};

/// Reads the answer to a request that was sent with this token.
///
/// # Errors
/// As the methods of the endpoints.
pub fn read<T: DeserializeOwned>(answer: RawResponse, token: &ApiToken) -> Result<T, PrefactorError> {
    envelope::read(&envelope::succeeded(answer, token)?, token)
}
