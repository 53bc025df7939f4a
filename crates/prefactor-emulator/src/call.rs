//! Reads the calls that change something: a body, and the id in the path where there is one. Bulk items are read in
//! [`params::bulk`](crate::params::bulk).

use crate::action::{Action, ActionName};
use crate::error::ApiError;
use crate::params::agents::{NamedAgent, WriteAgent};
use crate::params::instances::{FinishInstance, RecordQuality, Register, StartInstance, TerminateInstance};
use crate::params::spans::{CreateSpan, FinishSpan};
use crate::read::{self, Text};

type Keyed<'a> = (Action<'a>, Option<Text<'a>>);

/// Reads one call and its idempotency key. The path's id takes the place of one in the body.
pub(crate) fn read<'a>(
    name: ActionName,
    target: Option<&'a str>,
    body: &'a [u8],
) -> Result<Keyed<'a>, ApiError> {
    macro_rules! on {
        ($params:ident.$id:ident, $action:ident) => {{
            let mut params = read::body::<$params<'_>>(body)?;
            params.$id = target.map(Text::from);
            let key = params.idempotency_key.take();
            Ok((Action::$action(params), key))
        }};
    }
    match name {
        ActionName::RegisterInstance => {
            let mut params = read::body::<Register<'_>>(body)?;
            let key = params.idempotency_key.take();
            Ok((Action::RegisterInstance(params), key))
        }
        ActionName::StartInstance => on!(StartInstance.agent_instance_id, StartInstance),
        ActionName::FinishInstance => on!(FinishInstance.agent_instance_id, FinishInstance),
        ActionName::RecordQuality => on!(RecordQuality.agent_instance_id, RecordQuality),
        ActionName::TerminateInstance => on!(TerminateInstance.agent_instance_id, TerminateInstance),
        ActionName::CreateSpan => {
            let mut params = read::body::<CreateSpan<'_>>(body)?;
            // The key may stand beside `details` or inside; beside wins.
            let inside = params.details.0.idempotency_key.take();
            let key = params.idempotency_key.take().or(inside);
            Ok((Action::CreateSpan(params), key))
        }
        ActionName::FinishSpan => on!(FinishSpan.agent_span_id, FinishSpan),
        ActionName::CreateAgent => {
            let (params, key) = wrapped(body)?;
            Ok((Action::CreateAgent(params.into_details()), key))
        }
        ActionName::UpdateAgent => {
            let (params, key) = wrapped(body)?;
            Ok((Action::UpdateAgent(target.map(Text::from), params.into_details()), key))
        }
        ActionName::RetireAgent => on!(NamedAgent.agent_id, RetireAgent),
        ActionName::ReinstateAgent => on!(NamedAgent.agent_id, ReinstateAgent),
        ActionName::DeleteAgent => on!(NamedAgent.agent_id, DeleteAgent),
        ActionName::ShowInstance
        | ActionName::ListInstances
        | ActionName::ListSpans
        | ActionName::ShowAgent
        | ActionName::ListAgents => Err(ApiError::of_status(500)),
    }
}

/// Single calls put everything under `details`.
fn wrapped(body: &[u8]) -> Result<(WriteAgent<'_>, Option<Text<'_>>), ApiError> {
    let mut params: WriteAgent<'_> = read::body(body)?;
    if params.details.is_none() {
        return Err(ApiError::required("details"));
    }
    let key = params.idempotency_key.take();
    Ok((params, key))
}
