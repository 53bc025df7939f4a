//! What the API has said of a run's spans, as far as later operations depend on it.

use std::collections::{HashMap, VecDeque};

use prefactor_pfid::{Pfid, Stem};

use crate::random_key::RandomKeyed;

/// So many finished spans are remembered, since children of theirs may still wait or come: a parent whose finish was merged
/// into its create is finished before any child of it is sent.
const FINISHED_KEPT: usize = 10_000;

/// Empty for a run whose spans were all created under the ids that they were given here, as is the rule.
#[derive(Debug, Default)]
pub(crate) struct SpanAnswers {
    answers: HashMap<Stem, SpanAnswer, RandomKeyed>,
    finished: VecDeque<Stem>,
}

#[derive(Clone, Copy, Debug)]
enum SpanAnswer {
    /// It was not created: its finish and its children have no chance either.
    Refused,
    /// It has another id than it was given here.
    Assigned(Pfid),
}

impl SpanAnswers {
    pub(crate) fn refuse(&mut self, span: Stem) {
        self.answers.insert(span, SpanAnswer::Refused);
    }

    pub(crate) fn is_refused(&self, span: Stem) -> bool {
        matches!(self.answers.get(&span), Some(SpanAnswer::Refused))
    }

    pub(crate) fn assign(&mut self, span: Stem, id: Pfid) {
        self.answers.insert(span, SpanAnswer::Assigned(id));
    }

    /// The id that the API has given to the span, if that is another one than ours.
    pub(crate) fn assigned(&self, span: Stem) -> Option<Pfid> {
        match self.answers.get(&span)? {
            SpanAnswer::Assigned(id) => Some(*id),
            SpanAnswer::Refused => None,
        }
    }

    /// The span is finished: what is known of it is forgotten when enough others have finished after it.
    pub(crate) fn finish(&mut self, span: Stem) {
        if self.answers.contains_key(&span) {
            self.finished.push_back(span);
        }
        if self.finished.len() > FINISHED_KEPT
            && let Some(oldest) = self.finished.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{partition, stem};

    #[test]
    fn what_is_known_of_finished_spans_does_not_grow() {
        let mut answers = SpanAnswers::default();
        let id = |n| stem(100_000 + n).with_partition(partition());
        answers.refuse(stem(0));

        for n in 1..20_000 {
            answers.assign(stem(n), id(n));
            answers.finish(stem(n));
        }

        assert_eq!(answers.answers.len(), 1 + FINISHED_KEPT);
        assert!(answers.is_refused(stem(0)), "it is still open");
        assert_eq!(answers.assigned(stem(19_999)), Some(id(19_999)), "a late child finds its parent");
        assert_eq!(answers.assigned(stem(1)), None);
    }
}
