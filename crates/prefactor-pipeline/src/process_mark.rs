//! After a `fork` the child has a copy of everything but the threads: of the pipeline it has the queues and nobody who works
//! on them, and of every lock that a thread held at that moment a copy that nobody unlocks.

/// The process that something was made in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessMark(u32);

impl ProcessMark {
    pub(crate) fn new() -> Self {
        Self(std::process::id())
    }

    /// Whether this is a child of that process. Costs a system call, so it is asked where one is made anyway.
    pub(crate) fn is_other(self) -> bool {
        self.0 != std::process::id()
    }
}
