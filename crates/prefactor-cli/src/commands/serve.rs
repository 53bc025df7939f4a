//! `prefactor serve`: the emulator as a process.

use std::io::{self, Write};

use prefactor_emulator::{Emulator, StartError};
use thiserror::Error;

use crate::args::ServeArgs;

#[derive(Debug, Error)]
pub(crate) enum ServeError {
    #[error("the runtime could not be started")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the signals that stop it can't be listened to")]
    Signals(#[source] io::Error),
    #[error("nobody reads where it listens")]
    Announce(#[source] io::Error),
}

pub(crate) fn run(args: ServeArgs) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    runtime.block_on(serve(args))
}

async fn serve(args: ServeArgs) -> Result<(), ServeError> {
    // Before the port is announced: who reads the line may send the signal at once.
    let stop = StopSignals::listen().map_err(ServeError::Signals)?;
    let emulator = Emulator::builder()
        .listen(&args.listen)
        .token(args.token())
        .account_token(args.account_token())
        .faults(args.faults.unwrap_or_default())
        .start()
        .await?;
    announce(emulator.url()).map_err(ServeError::Announce)?;
    stop.wait().await;
    emulator.shutdown().await;
    Ok(())
}

/// Flushed, for a pipe would keep it: scripts wait for this line.
fn announce(url: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {url}")?;
    stdout.flush()
}

#[cfg(unix)]
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct StopSignals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl StopSignals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn wait(mut self) {
        self.0.recv().await;
    }
}
