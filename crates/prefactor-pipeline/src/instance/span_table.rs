//! The open spans of an instance, so that its finish can close what the caller left open.

use std::collections::HashMap;

use prefactor_pfid::Stem;

use crate::clock::Timestamp;
use crate::random_key::RandomKeyed;

/// The spans that were created and not finished, with the order of their creation and the time of their start.
#[derive(Debug, Default)]
pub(crate) struct SpanTable {
    open: HashMap<Stem, (u64, Timestamp), RandomKeyed>,
    created: u64,
}

impl SpanTable {
    pub(crate) fn open(&mut self, span: Stem, started_at: Timestamp) {
        self.open.insert(span, (self.created, started_at));
        self.created += 1;
    }

    /// `false` where the span is not open: it was finished before, or never created.
    pub(crate) fn close(&mut self, span: Stem) -> bool {
        let was_open = self.open.remove(&span).is_some();
        if self.open.is_empty() && self.open.capacity() > 64 {
            self.open = HashMap::default();
        }
        was_open
    }

    /// Empties the table, and tells when each span began; children come before their parents, since those were created first.
    pub(crate) fn close_all(&mut self) -> Vec<(Stem, Timestamp)> {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable_by_key(|(_, (created, _))| std::cmp::Reverse(*created));
        open.into_iter().map(|(span, (_, started_at))| (span, started_at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::at;

    fn stem(n: u8) -> Stem {
        Stem::new(1, [n; 10]).expect("a small time")
    }

    #[test]
    fn a_span_closes_once() {
        let mut table = SpanTable::default();
        table.open(stem(1), at(1));

        assert!(table.close(stem(1)));
        assert!(!table.close(stem(1)));
        assert!(!table.close(stem(2)));
    }

    #[test]
    fn what_is_left_open_is_closed_from_the_leaves_up() {
        let mut table = SpanTable::default();
        for n in 1..=4 {
            table.open(stem(n), at(n.into()));
        }
        table.close(stem(2));

        assert_eq!(table.close_all(), [4, 3, 1].map(|n| (stem(n), at(n.into()))));
        assert_eq!(table.close_all(), []);
    }
}
