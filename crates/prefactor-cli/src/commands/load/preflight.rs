//! A look before the load: is there an API, and does it take the token?
//!
//! Without it a mistyped address or token shows only when the time to deliver is over, as losses.

use std::time::Duration;

use prefactor_http::{HttpClientConfig, PrefactorClient};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::runtime::block_on;

const TIMEOUT: Duration = Duration::from_secs(5);
const RETRIES: u32 = 2;
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// Fails when nothing that is sent there would be taken. An API that is busy or broken may be what is to be measured.
pub(super) fn check(connection: &Connection) -> Result<(), Failure> {
    let Connection { url, token } = connection.clone();
    let config = HttpClientConfig::new(url, token)
        .with_request_timeout(TIMEOUT)
        .with_max_retries(RETRIES)
        .with_initial_retry_delay(FIRST_DELAY);
    let answer = block_on(async { Ok(PrefactorClient::new(config)?.ping().await) })?;
    match answer {
        Err(error) if error.status().is_some() && error.is_retryable() => Ok(()),
        answer => answer.map(drop).map_err(Failure::from),
    }
}
