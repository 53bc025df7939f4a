use reqwest::Method;
use serde_json::Value;

use crate::{PrefactorClient, PrefactorError};

impl PrefactorClient {
    /// Asks whether the API is there and takes the token. The contents of the answer are not documented.
    ///
    /// # Errors
    /// [`PrefactorError::Auth`] for a token that it does not take; [`PrefactorError`] otherwise.
    pub async fn ping(&self) -> Result<Value, PrefactorError> {
        self.request(Method::GET, "/api/v1/ping").send().await
    }
}
