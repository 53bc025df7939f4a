//! The running emulator: what a test sees of it and does to it.

mod builder;
mod error;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use prefactor_pfid::Pfid;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use builder::{DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN, EmulatorBuilder};
pub use error::{StartError, TerminateError};

use crate::faults::Faults;
use crate::journal::RequestRecord;
use crate::record::{AgentRecord, InstanceRecord, SpanRecord};
use crate::shared::Shared;
use crate::store::Store;

/// A running Prefactor API. Dropping it stops it.
///
/// ```
/// use prefactor_emulator::{Emulator, Faults, ServerError};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::builder().token("secret").journal(100).start().await?;
/// emulator.set_faults(Faults::new().server_error(ServerError::new().status(503).times(1)));
///
/// let request = "GET /api/v1/ping HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n";
/// let mut answers = Vec::new();
/// for _ in 0..2 {
///     let mut stream = tokio::net::TcpStream::connect(emulator.address()).await?;
///     stream.write_all(request.as_bytes()).await?;
///     let mut answer = String::new();
///     stream.read_to_string(&mut answer).await?;
///     answers.push(answer);
/// }
///
/// assert!(answers[0].starts_with("HTTP/1.1 503"));
/// assert!(answers[1].starts_with("HTTP/1.1 200"));
/// assert_eq!(emulator.journal().len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Emulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    url: String,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts one with the defaults, on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// See [`EmulatorBuilder::start`].
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Sets one up.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// Where it listens, as `http://127.0.0.1:PORT`. The API is under `/api/v1`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The deployment-scoped token: what an SDK runs with.
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// The account-wide token: lists, terminations and agents need it.
    pub fn account_token(&self) -> &str {
        &self.shared.account_token
    }

    /// The account's id.
    pub fn account_id(&self) -> Pfid {
        self.shared.store().account_id()
    }

    /// The one environment's id.
    pub fn environment_id(&self) -> Pfid {
        self.shared.store().environment_id()
    }

    /// The agent the deployment-scoped token stands for.
    pub fn agent_id(&self) -> Pfid {
        self.shared.store().default_agent_id()
    }

    /// Puts these faults in place of those before, with nothing spent of them.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// Ends all faults. Requests that wait in a black hole lose their connection.
    pub fn clear_faults(&self) {
        self.set_faults(Faults::new());
    }

    /// All instances in the order in which they were registered.
    pub fn instances(&self) -> Vec<InstanceRecord> {
        self.shared.store().instances().iter().map(InstanceRecord::of).collect()
    }

    /// The instance of this id.
    pub fn instance(&self, id: impl fmt::Display) -> Option<InstanceRecord> {
        self.with_instance(&id, |store, index| InstanceRecord::of(&store.instances()[index]))
    }

    /// The spans of an instance in the order in which they were created; none if there is no such instance.
    pub fn spans(&self, instance_id: impl fmt::Display) -> Vec<SpanRecord> {
        let records = self.with_instance(&instance_id, |store, index| {
            let id = store.instances()[index].id;
            store.spans_of(index).map(|span| SpanRecord::of(span, id)).collect()
        });
        records.unwrap_or_default()
    }

    /// How many spans there are in all. Cheap, for loops that wait for many.
    pub fn span_count(&self) -> usize {
        self.shared.store().span_count()
    }

    /// How many actions were answered from an idempotency key seen before, without a second effect.
    pub fn replay_count(&self) -> u64 {
        self.shared.store().replayed()
    }

    /// All agents.
    pub fn agents(&self) -> Vec<AgentRecord> {
        let store = self.shared.store();
        store.agents().iter().filter(|agent| !agent.is_deleted()).map(AgentRecord::of).collect()
    }

    /// The last requests of the API, oldest first. Empty unless [`EmulatorBuilder::journal`] turned it on.
    pub fn journal(&self) -> Vec<RequestRecord> {
        self.shared.journal.records()
    }

    /// Ends a run as an operator would: the answers to its span calls say so from now on.
    ///
    /// # Errors
    ///
    /// There is no such instance, or it has ended already.
    pub fn terminate(&self, instance_id: impl fmt::Display, reason: &str) -> Result<(), TerminateError> {
        let index = self
            .with_instance(&instance_id, |_, index| index)
            .ok_or_else(|| TerminateError::UnknownInstance { id: instance_id.to_string() })?;
        self.shared
            .terminate(index, reason)
            .map_err(|_| TerminateError::AlreadyEnded { id: instance_id.to_string() })
    }

    /// Stops it: closes the port, cuts every connection, and closes the database when there is one.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // The task only ends in an error when its runtime goes away, and then it has stopped as well.
            let _ = server.await;
        }
        self.shared.close();
    }

    fn with_instance<T>(&self, id: &dyn fmt::Display, read: impl FnOnce(&Store, usize) -> T) -> Option<T> {
        let id = id.to_string().parse().ok()?;
        let store = self.shared.store();
        let index = store.instance_at(id)?;
        Some(read(&store, index))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Without the tokens.
impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.url).finish_non_exhaustive()
    }
}
