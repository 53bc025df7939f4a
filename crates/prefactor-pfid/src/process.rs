//! The two generators that need no owner: one per process, one per thread.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use crate::{Generator, Partition, Pfid, Stem};

static PROCESS: Mutex<Option<Generator>> = Mutex::new(None);

thread_local! {
    // Has no destructor, so it can also be reached while the thread's other locals are being dropped.
    static THREAD: RefCell<Generator> = RefCell::new(Generator::system());
}

/// Makes an id that is greater than all that this function has made before, on any thread of the process.
///
/// Takes a lock: [`thread_stem`] is for hot paths.
///
/// ```
/// use prefactor_pfid::{Partition, generate};
///
/// let partition = Partition::new(42)?;
/// assert!(generate(partition) < generate(partition));
/// # Ok::<(), prefactor_pfid::PfidError>(())
/// ```
#[must_use]
pub fn generate(partition: Partition) -> Pfid {
    let mut generator = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    generator.get_or_insert_with(Generator::system).generate(partition)
}

/// Makes a stem that is greater than all that this function has made before on the calling thread.
///
/// The caller passes the time in milliseconds since the Unix epoch, having read the clock anyway. Takes no lock and costs
/// a few nanoseconds. Stems of different threads do not collide, since each thread has its own 80 random bits; only their
/// order within a millisecond is open.
///
/// ```
/// use prefactor_pfid::thread_stem;
///
/// let first = thread_stem(1_700_000_000_000);
/// let second = thread_stem(1_700_000_000_000);
/// assert!(first < second);
/// assert_eq!(first.timestamp_ms(), 1_700_000_000_000);
/// ```
#[must_use]
#[inline]
pub fn thread_stem(unix_ms: u64) -> Stem {
    THREAD.with_borrow_mut(|generator| generator.next_stem_at(unix_ms))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn ids_of_all_threads_grow_and_differ() {
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(|| (0..1_000).map(|_| generate(Partition::MAX)).collect::<Vec<_>>()))
            .collect();

        let ids: Vec<Vec<Pfid>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();

        assert!(ids.iter().all(|ids| ids.is_sorted_by(|a, b| a < b)));
        assert_eq!(ids.iter().flatten().collect::<HashSet<_>>().len(), 4_000);
    }

    #[test]
    fn stems_of_different_threads_differ_in_the_same_millisecond() {
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| thread_stem(7))).collect();

        let stems: HashSet<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();

        assert_eq!(stems.len(), 4);
    }
}
