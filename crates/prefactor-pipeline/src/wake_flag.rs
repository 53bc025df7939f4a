//! Who tells an actor that there is work: exactly one of those who bring some, and only where it would not look anyway.

use crate::sync::{AtomicBool, Ordering, fence};

/// Whether an actor will look into its queue without being told again. Asleep at first.
#[derive(Debug, Default)]
pub(crate) struct WakeFlag(AtomicBool);

impl WakeFlag {
    /// Called by a producer behind its push; `true` where the producer must wake the actor.
    pub(crate) fn pushed(&self) -> bool {
        // Pairs with the fence in `falls_asleep`: either this thread sees the actor asleep, or the actor sees the item.
        fence(Ordering::SeqCst);
        !self.0.load(Ordering::Relaxed) && self.is_to_wake()
    }

    /// Whether the actor sleeps; the caller must wake it then, and nobody else will.
    fn is_to_wake(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// Called by the actor when it has nothing to do. `false` means that something arrived meanwhile: go on.
    pub(crate) fn falls_asleep(&self, is_empty: impl FnOnce() -> bool) -> bool {
        // Not a mere store, so that all changes of the flag are in one order that everybody sees.
        self.0.swap(false, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        // Whoever sets the flag back is the one who wakes: here, that is this actor itself.
        is_empty() || !self.is_to_wake()
    }

    /// A new actor is about to look.
    pub(crate) fn wakes_up(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sync::{AtomicU64, model, thread};

    /// A queue that only counts, an actor, and the wake-ups that were sent to it.
    #[derive(Default)]
    struct Station {
        flag: WakeFlag,
        queued: AtomicU64,
        wake_ups: AtomicU64,
    }

    impl Station {
        fn push(&self) {
            self.queued.fetch_add(1, Ordering::Release);
            if self.flag.pushed() {
                self.wake_ups.fetch_add(1, Ordering::AcqRel);
            }
        }

        fn take_all(&self) -> u64 {
            self.queued.swap(0, Ordering::AcqRel)
        }

        /// What an actor does that was woken.
        fn work(&self) -> u64 {
            let mut done = self.take_all();
            while !self.flag.falls_asleep(|| self.queued.load(Ordering::Acquire) == 0) {
                done += self.take_all();
            }
            done
        }
    }

    #[test]
    fn nothing_waits_for_an_actor_that_sleeps() {
        model(|| {
            let station = Arc::new(Station::default());
            station.flag.wakes_up();
            let producers: Vec<_> = (0..2)
                .map(|_| {
                    let station = Arc::clone(&station);
                    thread::spawn(move || station.push())
                })
                .collect();

            let done = station.work();
            for producer in producers {
                producer.join().expect("it does not panic");
            }

            let left = station.take_all();
            let wake_ups = station.wake_ups.load(Ordering::Acquire);
            assert_eq!(done + left, 2);
            assert!(left == 0 || wake_ups > 0, "{left} items wait, and nobody has told the actor");
            assert!(wake_ups <= 1, "{wake_ups} wake-ups for one sleep");
        });
    }

    #[test]
    fn a_sleeping_actor_is_woken_once_for_a_run_of_items() {
        model(|| {
            let station = Arc::new(Station::default());
            let other = Arc::clone(&station);
            let producer = thread::spawn(move || other.push());
            station.push();
            producer.join().expect("it does not panic");

            assert_eq!(station.wake_ups.load(Ordering::Acquire), 1);
        });
    }
}
