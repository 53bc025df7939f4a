//! The open spans of an instance, so that its finish can close what the caller left open.

use std::collections::HashMap;

use prefactor_pfid::Stem;

use crate::random_key::RandomKeyed;

/// The spans that were created and not finished, with the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct SpanTable {
    open: HashMap<Stem, u64, RandomKeyed>,
    created: u64,
}

impl SpanTable {
    pub(crate) fn open(&mut self, span: Stem) {
        self.open.insert(span, self.created);
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

    /// Empties the table; children come before their parents, since those were created first.
    pub(crate) fn close_all(&mut self) -> Vec<Stem> {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable_by_key(|(_, created)| std::cmp::Reverse(*created));
        open.into_iter().map(|(span, _)| span).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem(n: u8) -> Stem {
        Stem::new(1, [n; 10]).expect("a small time")
    }

    #[test]
    fn a_span_closes_once() {
        let mut table = SpanTable::default();
        table.open(stem(1));

        assert!(table.close(stem(1)));
        assert!(!table.close(stem(1)));
        assert!(!table.close(stem(2)));
    }

    #[test]
    fn what_is_left_open_is_closed_from_the_leaves_up() {
        let mut table = SpanTable::default();
        for n in 1..=4 {
            table.open(stem(n));
        }
        table.close(stem(2));

        assert_eq!(table.close_all(), [stem(4), stem(3), stem(1)]);
        assert_eq!(table.close_all(), []);
    }
}
