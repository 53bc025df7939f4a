//! Shutting down when `main` ends, however it ends.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::prefactor::{Prefactor, Report};

/// Shuts its pipeline down when it is dropped: at the end of `main`, after an early return with `?`, and while a panic
/// unwinds. Made by [`Prefactor::shutdown_on_drop`].
///
/// Outside of async code the drop waits until everything is delivered, at most for the time given. Inside of a runtime
/// nothing may wait: there the drop only gives the order, and delivering goes on in the background for that time, as long as
/// the process lives. An async `main` ends with [`shutdown`](Self::shutdown) instead.
///
/// ```
/// use prefactor_pipeline::Prefactor;
/// use std::time::Duration;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let prefactor = Prefactor::disabled(); // or from_env()?
///     let _guard = prefactor.shutdown_on_drop(Duration::from_secs(5));
///     // The service; it may return early with `?`.
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "a guard that is dropped at once shuts the pipeline down at once"]
pub struct ShutdownGuard {
    prefactor: Option<Prefactor>,
    timeout: Duration,
}

impl ShutdownGuard {
    pub(crate) const fn new(prefactor: Prefactor, timeout: Duration) -> Self {
        Self { prefactor: Some(prefactor), timeout }
    }

    /// Shuts down and tells how it went.
    pub async fn shutdown(mut self) -> Report {
        match self.prefactor.take() {
            Some(prefactor) => prefactor.shutdown(self.timeout).await,
            None => Report::nothing(),
        }
    }
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        let Some(prefactor) = self.prefactor.take() else { return };
        if Handle::try_current().is_ok() {
            prefactor.begin_shutdown(self.timeout);
        } else {
            prefactor.shutdown_blocking(self.timeout);
        }
    }
}
