//! One client per group of endpoints, borrowed from the [`PrefactorClient`](crate::PrefactorClient).

mod agents;
mod bulk;
mod instances;
mod ping;
mod spans;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::IdempotencyKey;
use crate::error::{ClientError, PrefactorError};

pub use agents::AgentClient;
pub use bulk::BulkClient;
pub use instances::AgentInstanceClient;
pub use spans::AgentSpanClient;

/// A body whose fields stand under `details`, with the key beside them.
#[derive(Serialize)]
struct Detailed<'a, T> {
    details: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
}

/// Checks that an id is one step of a path, so that no id addresses another endpoint.
fn segment(id: &str) -> Result<&str, PrefactorError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !id.is_empty() && id.bytes().all(good) {
        Ok(id)
    } else {
        Err(PrefactorError::Client(ClientError::Id { id: id.to_owned() }))
    }
}

/// The fields of a query as parameters.
fn params(query: &impl Serialize) -> Result<Vec<(String, String)>, PrefactorError> {
    let fields: Map<String, Value> = serde_json::to_value(query)
        .and_then(serde_json::from_value)
        .map_err(|error| PrefactorError::Client(ClientError::Body(error)))?;
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_step_of_a_path() {
        assert!(segment("013xrzp12g3nqk8n04hmasw9nf6yy093").is_ok());
        for bad in ["", ".", "..", "a/b", "a?b", "a#b", "a b", "%2e", "ä"] {
            assert!(segment(bad).is_err(), "{bad}");
        }
    }
}
