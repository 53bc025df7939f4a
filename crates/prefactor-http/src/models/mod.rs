//! What goes over the wire. Answers tolerate unknown fields and words; requests are checked before they are sent.

mod agent;
mod bulk;
mod control;
mod instance;
mod payload;
mod register;
mod request;
mod response;
mod span;
mod status;
mod tolerant;

pub use agent::{
    Agent, AvailableActions, CreateAgentRequest, ListAgentsQuery, ShowAgentQuery, UpdateAgentRequest,
};
pub use bulk::{
    BulkItem, BulkOutput, BulkOutputError, BulkRequest, BulkRequestError, BulkResponse, OutputStatus,
};
pub use control::Control;
pub use instance::{
    AgentInstance, AgentInstanceSpanCounts, FinishInstanceRequest, ListInstancesQuery, RecordQualityRequest,
    RegisterInstanceRequest, StartInstanceRequest, TerminateInstanceRequest,
};
pub use payload::Payload;
pub use register::{
    AgentSchemaVersionForRegister, AgentVersionForRegister, QualitySchemaForCreate, RuntimeEnvironment,
    SpanTypeSchemaForCreate,
};
pub use response::{ApiResponse, ListResponse, Pagination, Sorting};
pub use span::{AgentSpan, CreateSpanRequest, FinishSpanRequest, ListSpansQuery};
pub use status::{AgentStatus, FinishStatus, InstanceStatus, Purpose, SpanStatus};
