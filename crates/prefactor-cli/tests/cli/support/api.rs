//! An emulator of a test's own.

use std::process::Command;

use prefactor_emulator::{Emulator, Faults};
use tokio::runtime::Runtime;

use super::{Said, prefactor, run, run_with};

/// Ids that tests choose themselves; they have the emulator's partition.
pub(crate) const RUN: &str = "01hwv2xc00002byh00000000000000rn";
pub(crate) const SPAN: &str = "01hwv2xc00002byh0000000000000spn";

pub(crate) struct Api {
    pub(crate) emulator: Emulator,
    /// What the emulator runs on; it goes last.
    _runtime: Runtime,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::with_faults(Faults::new())
    }

    pub(crate) fn with_faults(faults: Faults) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let emulator = Emulator::builder().journal(1_000).faults(faults);
        let emulator = runtime.block_on(emulator.start()).expect("an emulator");
        Self { emulator, _runtime: runtime }
    }

    /// The command, with this API's address and its account-wide token.
    pub(crate) fn prefactor(&self, args: &[&str]) -> Command {
        let mut command = prefactor();
        command
            .env("PREFACTOR_API_URL", self.emulator.url())
            .env("PREFACTOR_API_TOKEN", self.emulator.account_token())
            .args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        run(&mut self.prefactor(args))
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Said {
        run_with(&mut self.prefactor(args), input)
    }

    /// Runs what must do what is asked.
    #[track_caller]
    pub(crate) fn done(&self, args: &[&str]) -> String {
        self.run(args).output().trim_end().to_owned()
    }

    /// Registers the run [`RUN`] and starts it at noon.
    #[track_caller]
    pub(crate) fn active_run(&self) {
        let agent = self.emulator.agent_id().to_string();
        self.done(&["instances", "register", "--agent", &agent, "--version", "v1", "--id", RUN]);
        self.done(&["instances", "start", RUN, "--at", "2024-05-01T12:00:00Z"]);
    }

    /// Creates the span [`SPAN`], a second after noon.
    #[track_caller]
    pub(crate) fn active_span(&self) {
        self.done(&[
            "spans",
            "create",
            RUN,
            "agent:llm",
            "--id",
            SPAN,
            "--started-at",
            "2024-05-01T12:00:01Z",
            "--payload",
            r#"{"model": "m"}"#,
        ]);
    }
}
