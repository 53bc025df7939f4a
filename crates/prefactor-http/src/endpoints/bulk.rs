use reqwest::Method;

use crate::{BulkRequest, BulkResponse, PrefactorClient, PrefactorError};

/// Many operations in one request: [`PrefactorClient::bulk`] (API contract, Bulk).
///
/// ```no_run
/// # async fn run(client: prefactor_http::PrefactorClient) -> Result<(), prefactor_http::PrefactorError> {
/// use prefactor_http::{BulkItem, BulkRequest, IdempotencyKey};
///
/// let list = BulkItem::new("agents/list", IdempotencyKey::random());
/// let request = BulkRequest::new(vec![list.clone()])?;
/// let response = client.bulk().execute(&request).await?;
/// let agents = response.output(&list).and_then(|output| output.summaries());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct BulkClient<'a> {
    client: &'a PrefactorClient,
}

impl PrefactorClient {
    /// The endpoint for many operations in one request.
    #[must_use]
    pub fn bulk(&self) -> BulkClient<'_> {
        BulkClient { client: self }
    }
}

impl BulkClient<'_> {
    /// Executes the operations in order. That it succeeds says nothing about each of them: see
    /// [`BulkResponse::output`].
    ///
    /// # Errors
    /// [`PrefactorError`] when the request as a whole fails.
    pub async fn execute(self, request: &BulkRequest) -> Result<BulkResponse, PrefactorError> {
        self.client.request(Method::POST, "/api/v1/bulk").json_data(request).fetch().await
    }
}
