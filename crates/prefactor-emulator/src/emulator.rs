//! The running emulator and how it is set up.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use prefactor_pfid::{Partition, Pfid};
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::database::{Database, DatabaseError, Effect};
use crate::faults::{Faults, Injector};
use crate::journal::{Journal, RequestRecord};
use crate::record::{AgentRecord, InstanceRecord, SpanRecord};
use crate::router;
use crate::rules::CancelRule;
use crate::server;
use crate::shared::Shared;
use crate::store::{Ids, Store};

/// The deployment-scoped token of an emulator that was given none.
pub const DEFAULT_TOKEN: &str = "emulator-token";

/// The account-wide token of an emulator that was given none.
pub const DEFAULT_ACCOUNT_TOKEN: &str = "emulator-account-token";

/// The partition of an emulator that was given none.
const DEFAULT_PARTITION: u32 = 77_777;

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

/// Sets up an [`Emulator`].
#[must_use]
pub struct EmulatorBuilder {
    listen: String,
    token: String,
    account_token: String,
    partition: Option<Partition>,
    agents: Vec<String>,
    faults: Faults,
    journal: usize,
    cancel_rule: CancelRule,
    database: Option<PathBuf>,
    finished_kept: Option<usize>,
}

impl EmulatorBuilder {
    /// Where to listen; `127.0.0.1:0`, a free port, when not set. It has no encryption and its control paths ask for
    /// no token: keep it on the loopback interface.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// The deployment-scoped token; [`DEFAULT_TOKEN`] when not set.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// The account-wide token; [`DEFAULT_ACCOUNT_TOKEN`] when not set.
    pub fn account_token(mut self, token: impl Into<String>) -> Self {
        self.account_token = token.into();
        self
    }

    /// The account's partition: ids that clients choose must have it. A database keeps the one it began with.
    pub fn partition(mut self, partition: Partition) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Adds an agent beside the default one. A PFID of the account's partition becomes its id; any other text its
    /// `external_identifier` and its name.
    pub fn agent(mut self, id_or_identifier: impl Into<String>) -> Self {
        self.agents.push(id_or_identifier.into());
        self
    }

    /// The faults in force from the start.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Keeps the last `capacity` requests. Not set, it keeps none: under load they cost time and memory.
    pub fn journal(mut self, capacity: usize) -> Self {
        self.journal = capacity;
        self
    }

    /// Follows the reference, in which only what is pending can be cancelled. Not set, what is active can be as well,
    /// as the Python SDK has it.
    pub fn strict_cancel(mut self, strict: bool) -> Self {
        self.cancel_rule = if strict { CancelRule::PendingOnly } else { CancelRule::PendingOrActive };
        self
    }

    /// Forgets the spans of runs that have finished, but for those of the last `runs`, in memory. The runs stay, with the
    /// counts of their spans. Not set, nothing is forgotten.
    pub fn keep_finished(mut self, runs: usize) -> Self {
        self.finished_kept = Some(runs);
        self
    }

    /// Keeps everything in this file, which is made if there is none. What was answered with success is there again at
    /// the next start, also after a crash of the process; idempotency keys too. Not set, it forgets.
    ///
    /// ```
    /// use prefactor_emulator::Emulator;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("emulator.db");
    /// let first = Emulator::builder().database(&file).start().await?;
    /// let account = first.account_id();
    /// first.shutdown().await;
    ///
    /// let second = Emulator::builder().database(&file).start().await?;
    /// assert_eq!(second.account_id(), account);
    /// # Ok(())
    /// # }
    /// ```
    pub fn database(mut self, file: impl Into<PathBuf>) -> Self {
        self.database = Some(file.into());
        self
    }

    /// Starts it on the current tokio runtime, of whatever kind. It runs for as long as that runtime does.
    ///
    /// # Errors
    ///
    /// The address can't be listened on, an agent's id has another partition than the account, or the database can't
    /// be used.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, or in one without its IO driver.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let now = Utc::now();
        let (database, mut store) = self.account(now).await?;
        if let Some(runs) = self.finished_kept {
            store.keep_finished(runs);
        }
        let policy = self.faults.policy(self.cancel_rule);
        if *store.policy() != policy {
            store.set_policy(policy.clone());
            keep(database.as_ref(), &mut store, Effect::Ruled(policy));
        }
        for agent in self.agents {
            if agent.parse::<Pfid>().is_ok_and(|id| id.partition() != store.partition()) {
                return Err(StartError::ForeignAgent { id: agent });
            }
            if !store.has_agent(&agent) {
                store.add_given_agent(&agent, now);
                keep(database.as_ref(), &mut store, Effect::AgentAdded { agent });
            }
        }

        let listen = |source| StartError::Listen { address: self.listen.clone(), source };
        let listener = server::bind(&self.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let shared = Arc::new(Shared::new(
            self.token,
            self.account_token,
            Injector::new(self.faults),
            Journal::new(self.journal),
            store,
            database,
        ));
        let stop = CancellationToken::new();
        let router = router::router(shared.clone(), address);
        let server = tokio::spawn(server::serve(listener, router, stop.clone()));
        Ok(Emulator { shared, address, url: format!("http://{address}"), stop, server: Some(server) })
    }

    /// A new account, or the one in the database.
    async fn account(&self, now: DateTime<Utc>) -> Result<(Option<Database>, Store), StartError> {
        let partition =
            self.partition.or_else(|| Partition::new(DEFAULT_PARTITION).ok()).unwrap_or(Partition::MAX);
        let Some(file) = self.database.clone() else {
            return Ok((None, Store::new(Ids::new(partition), now)));
        };
        let failed = {
            let file = file.clone();
            move |source| StartError::Database { file, source }
        };
        let opened = tokio::task::spawn_blocking(move || Database::open(&file, partition, now)).await;
        let gone = |error| Err(DatabaseError::Failed(Box::new(error)));
        let (database, store) = opened.unwrap_or_else(gone).map_err(failed)?;
        match self.partition {
            Some(asked) if asked != store.partition() => {
                Err(StartError::OtherPartition { found: store.partition(), asked })
            }
            _ => Ok((Some(database), store)),
        }
    }
}

/// Keeps an effect that no request had.
fn keep(database: Option<&Database>, store: &mut Store, effect: Effect) {
    if let Some(database) = database {
        database.append(effect.entry(store), Bytes::new());
    }
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            token: DEFAULT_TOKEN.to_owned(),
            account_token: DEFAULT_ACCOUNT_TOKEN.to_owned(),
            partition: None,
            agents: Vec::new(),
            faults: Faults::new(),
            journal: 0,
            cancel_rule: CancelRule::default(),
            database: None,
            finished_kept: None,
        }
    }
}

/// Without the tokens.
impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorBuilder")
            .field("listen", &self.listen)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Why an emulator did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address can't be listened on: it is no address, not this machine's, or taken.
    #[error("can't listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database can't be used.
    #[error("the database {} can't be used", file.display())]
    Database {
        /// The file that was asked for.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DatabaseError,
    },
    /// The account in the database has another partition than the one that was asked for.
    #[error("the account in the database has the partition {found}, not {asked}")]
    OtherPartition {
        /// That of the database.
        found: Partition,
        /// The one that was asked for.
        asked: Partition,
    },
    /// An agent's id does not belong to the account.
    #[error("the agent {id} has another partition than the account")]
    ForeignAgent {
        /// The id that was asked for.
        id: String,
    },
}

/// Why a run was not terminated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TerminateError {
    /// There is no such instance.
    #[error("there is no instance {id}")]
    UnknownInstance {
        /// The id that was asked for.
        id: String,
    },
    /// The run has ended already.
    #[error("the instance {id} has already ended")]
    AlreadyEnded {
        /// The id that was asked for.
        id: String,
    },
}
