pub(crate) mod forest;

use std::time::{Duration, Instant};

use prefactor::{Builder, Ledger, Prefactor, Tally};
use prefactor_emulator::{Emulator, EmulatorBuilder};
use prefactor_http::RetryPolicy;

/// Long enough for anything that works on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// An emulator on a runtime of its own, so that a test may use whatever runtime it is about, or none.
pub(crate) struct Server {
    emulator: Option<Emulator>,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Emulator::builder())
    }

    pub(crate) fn with(builder: EmulatorBuilder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the emulator");
        let emulator = runtime.block_on(builder.start()).expect("a port on loopback");
        Self { emulator: Some(emulator), runtime }
    }

    /// A pipeline for this server, with waits that suit a test.
    pub(crate) fn pipeline(&self) -> Builder {
        let quick = RetryPolicy::default()
            .with_initial_delay(Duration::from_millis(5))
            .with_max_delay(Duration::from_millis(50));
        Prefactor::builder()
            .api_url(self.url().parse().expect("the emulator's url"))
            .api_token(self.token().parse().expect("the emulator's token"))
            .linger(Duration::from_millis(5))
            .probe_interval(Duration::from_millis(20))
            .retry_policy(quick)
    }
}

impl std::ops::Deref for Server {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        self.emulator.as_ref().expect("the emulator lives as long as the server")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The emulator must stop inside of its runtime.
        let _inside = self.runtime.enter();
        drop(self.emulator.take());
    }
}

/// Waits for what somebody else will have done sooner or later.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "it never happened within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Asserts that every accepted operation was delivered, and that no byte is held for any.
pub(crate) fn assert_all_delivered(prefactor: &Prefactor, ledger: &Ledger) {
    assert_eq!(ledger.delivered, ledger.accepted, "{ledger}");
    assert_settled(prefactor, ledger);
}

/// Asserts that the ledger adds up with nothing in flight, by counters that are kept apart: what was accepted is
/// counted at the calls, what became of it where it is settled, and the bytes in use by the budget.
pub(crate) fn assert_settled(prefactor: &Prefactor, ledger: &Ledger) {
    let sum = ledger.delivered + ledger.rejected_total() + ledger.lost_total();
    assert_eq!(ledger.accepted, sum, "{ledger}");
    assert_eq!(ledger.in_flight(), Tally::default());
    assert_eq!(prefactor.memory_in_use(), 0);
}
