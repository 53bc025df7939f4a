//! Where a stage's work waits.
//!
//! ractor mailboxes carry wake-ups and orders, inboxes carry work. An inbox outlives its actor, so an actor that
//! panics is restarted with everything it had not yet taken; and a producer pays for one wake-up per run of items,
//! not for a message per item.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use ractor::{ActorRef, Message};

use crate::process_mark::ProcessMark;
use crate::wake_flag::WakeFlag;

/// A message that means no more than "look into your inbox".
pub(crate) trait Wake: Message {
    fn wake() -> Self;
}

/// An unbounded queue of `T` and the actor, speaking `M`, that empties it. Pushing never blocks.
pub(crate) struct Inbox<T, M: Wake> {
    queue: Sender<T>,
    waiting: Receiver<T>,
    flag: WakeFlag,
    process: ProcessMark,
    /// Locked by a producer only to wake an actor that sleeps or naps.
    actor: Mutex<Option<ActorRef<M>>>,
}

impl<T, M: Wake> Inbox<T, M> {
    pub(crate) fn new() -> Self {
        let (queue, waiting) = crossbeam_channel::unbounded();
        Self {
            queue,
            waiting,
            flag: WakeFlag::default(),
            process: ProcessMark::new(),
            actor: Mutex::new(None),
        }
    }

    pub(crate) fn push(&self, item: T) {
        // A channel refuses what nobody can receive any more, and the receiver is right here.
        let _ = self.queue.send(item);
        if self.flag.pushed() {
            self.wake_now();
        }
    }

    /// Makes the actor look into the queue now, also when it is awake but waiting for a timer of its own.
    pub(crate) fn wake_now(&self) {
        if self.process.is_other() {
            // The actor is in the parent, and this queue is a copy of its own.
            return;
        }
        let actor = self.actor.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(actor) = actor.as_ref() {
            // A dead actor is being replaced; its successor looks into the queue first of all.
            let _ = actor.cast(M::wake());
        }
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.waiting.try_recv().ok()
    }

    /// Called by the actor when it has nothing to do. `false` means that something arrived meanwhile: go on.
    pub(crate) fn sleep(&self) -> bool {
        self.flag.falls_asleep(|| self.waiting.is_empty())
    }

    /// Makes `actor` the one that empties this inbox, and wakes it for what is there already.
    pub(crate) fn attach(&self, actor: ActorRef<M>) {
        *self.actor.lock().unwrap_or_else(PoisonError::into_inner) = Some(actor);
        self.flag.wakes_up();
        self.wake_now();
    }
}

impl<T, M: Wake> fmt::Debug for Inbox<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
