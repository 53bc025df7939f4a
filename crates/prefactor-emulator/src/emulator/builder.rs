//! How an emulator is set up and started.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use prefactor_pfid::{Partition, Pfid};
use tokio_util::sync::CancellationToken;

use super::{Emulator, StartError};
use crate::database::{Database, DatabaseError, Effect};
use crate::faults::{Faults, Injector};
use crate::journal::Journal;
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
