//! Every action of the API, read but not yet done. Single calls and bulk items both become one of these.

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::params::agents::{AgentDetails, NamedAgent, WriteAgent};
use crate::params::instances::{
    FinishInstance, RecordQuality, Register, ShowInstance, StartInstance, TerminateInstance,
};
use crate::params::list::List;
use crate::params::spans::{CreateSpan, FinishSpan};
use crate::read::{self, Text};

/// Who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// One agent in one environment: what an SDK runs with.
    Deployment,
    /// The whole account.
    Account,
}

macro_rules! action_names {
    ($($variant:ident => $text:literal),+ $(,)?) => {
        /// The names of the actions, which are also the `_type`s of bulk items.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ActionName {
            $($variant),+
        }

        impl ActionName {
            pub(crate) fn find(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

action_names! {
    RegisterInstance => "agent_instances/register",
    StartInstance => "agent_instances/start",
    FinishInstance => "agent_instances/finish",
    RecordQuality => "agent_instances/record_quality",
    TerminateInstance => "agent_instances/terminate",
    ShowInstance => "agent_instances/show",
    ListInstances => "agent_instances/list",
    CreateSpan => "agent_spans/create",
    FinishSpan => "agent_spans/finish",
    ListSpans => "agent_spans/list",
    CreateAgent => "agents/create",
    UpdateAgent => "agents/update",
    ShowAgent => "agents/show",
    ListAgents => "agents/list",
    RetireAgent => "agents/retire",
    ReinstateAgent => "agents/reinstate",
    DeleteAgent => "agents/delete",
}

impl ActionName {
    /// True for what a deployment-scoped token can't do.
    pub(crate) const fn needs_account_token(self) -> bool {
        !matches!(
            self,
            Self::RegisterInstance
                | Self::StartInstance
                | Self::FinishInstance
                | Self::RecordQuality
                | Self::ShowInstance
                | Self::CreateSpan
                | Self::FinishSpan
        )
    }
}

/// One action with its parameters.
#[derive(Debug)]
pub(crate) enum Action<'a> {
    RegisterInstance(Register<'a>),
    StartInstance(StartInstance<'a>),
    FinishInstance(FinishInstance<'a>),
    RecordQuality(RecordQuality<'a>),
    TerminateInstance(TerminateInstance<'a>),
    ShowInstance(ShowInstance<'a>),
    ListInstances(List<'a>),
    CreateSpan(CreateSpan<'a>),
    FinishSpan(FinishSpan<'a>),
    ListSpans(List<'a>),
    CreateAgent(AgentDetails<'a>),
    UpdateAgent(Option<Text<'a>>, AgentDetails<'a>),
    ShowAgent(NamedAgent<'a>),
    ListAgents(List<'a>),
    RetireAgent(NamedAgent<'a>),
    ReinstateAgent(NamedAgent<'a>),
    DeleteAgent(NamedAgent<'a>),
}

impl<'a> Action<'a> {
    /// Reads the parameters of a bulk item: flat beside `_type`, or under `details` for a span's creation.
    pub(crate) fn read(name: ActionName, item: &'a [u8]) -> Result<Self, ApiError> {
        Ok(match name {
            ActionName::RegisterInstance => Self::RegisterInstance(read::object(item)?),
            ActionName::StartInstance => Self::StartInstance(read::object(item)?),
            ActionName::FinishInstance => Self::FinishInstance(read::object(item)?),
            ActionName::RecordQuality => Self::RecordQuality(read::object(item)?),
            ActionName::TerminateInstance => Self::TerminateInstance(read::object(item)?),
            ActionName::ShowInstance => Self::ShowInstance(read::object(item)?),
            ActionName::ListInstances => Self::ListInstances(read::object(item)?),
            ActionName::CreateSpan => Self::CreateSpan(CreateSpan::from_item(item)?),
            ActionName::FinishSpan => Self::FinishSpan(read::object(item)?),
            ActionName::ListSpans => Self::ListSpans(read::object(item)?),
            ActionName::CreateAgent => {
                Self::CreateAgent(read::object::<WriteAgent<'_>>(item)?.into_details())
            }
            ActionName::UpdateAgent => {
                let write: WriteAgent<'_> = read::object(item)?;
                Self::UpdateAgent(write.agent_id.clone(), write.into_details())
            }
            ActionName::ShowAgent => Self::ShowAgent(read::object(item)?),
            ActionName::ListAgents => Self::ListAgents(read::object(item)?),
            ActionName::RetireAgent => Self::RetireAgent(read::object(item)?),
            ActionName::ReinstateAgent => Self::ReinstateAgent(read::object(item)?),
            ActionName::DeleteAgent => Self::DeleteAgent(read::object(item)?),
        })
    }

    pub(crate) fn name(&self) -> ActionName {
        match self {
            Self::RegisterInstance(_) => ActionName::RegisterInstance,
            Self::StartInstance(_) => ActionName::StartInstance,
            Self::FinishInstance(_) => ActionName::FinishInstance,
            Self::RecordQuality(_) => ActionName::RecordQuality,
            Self::TerminateInstance(_) => ActionName::TerminateInstance,
            Self::ShowInstance(_) => ActionName::ShowInstance,
            Self::ListInstances(_) => ActionName::ListInstances,
            Self::CreateSpan(_) => ActionName::CreateSpan,
            Self::FinishSpan(_) => ActionName::FinishSpan,
            Self::ListSpans(_) => ActionName::ListSpans,
            Self::CreateAgent(_) => ActionName::CreateAgent,
            Self::UpdateAgent(..) => ActionName::UpdateAgent,
            Self::ShowAgent(_) => ActionName::ShowAgent,
            Self::ListAgents(_) => ActionName::ListAgents,
            Self::RetireAgent(_) => ActionName::RetireAgent,
            Self::ReinstateAgent(_) => ActionName::ReinstateAgent,
            Self::DeleteAgent(_) => ActionName::DeleteAgent,
        }
    }

    /// The existing thing the action is about, as the request names it: with the action it says whether a repeated
    /// key belongs to a repeated request.
    pub(crate) fn target(&self) -> Option<&str> {
        match self {
            Self::StartInstance(params) => params.agent_instance_id.as_deref(),
            Self::FinishInstance(params) => params.agent_instance_id.as_deref(),
            Self::RecordQuality(params) => params.agent_instance_id.as_deref(),
            Self::TerminateInstance(params) => params.agent_instance_id.as_deref(),
            Self::CreateSpan(params) => Some(&params.details.0.agent_instance_id),
            Self::FinishSpan(params) => params.agent_span_id.as_deref(),
            Self::UpdateAgent(id, _) => id.as_deref(),
            Self::RetireAgent(params) | Self::ReinstateAgent(params) | Self::DeleteAgent(params) => {
                params.agent_id.as_deref()
            }
            _ => None,
        }
    }
}
