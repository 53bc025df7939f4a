//! What was answered to which key. Errors are not remembered: their transaction had no effect, so a retry may do better.

use rustc_hash::FxHashMap;
use slab::Slab;

use super::{Instance, Span};
use crate::action::ActionName;
use crate::answer::View;
use crate::error::ApiError;

#[derive(Debug, Default)]
pub(super) struct SeenKeys(FxHashMap<Box<str>, Seen>);

#[derive(Debug)]
struct Seen {
    action: ActionName,
    replay: Replay,
}

/// How the original answer is given again. Spans are many: theirs is written anew from the span itself.
#[derive(Debug)]
pub(super) enum Replay {
    Span {
        index: usize,
        view: View,
    },
    /// Boxed, because few keys have one and every key would pay for its size.
    Answer(Box<Answer>),
}

/// An answer as it was given, and what it was about.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) target: Option<Box<str>>,
    pub(super) bytes: Box<[u8]>,
}

impl SeenKeys {
    /// A key belongs to one request: to meet it again in a different one is a conflict.
    pub(super) fn find(
        &self,
        key: &str,
        action: ActionName,
        target: Option<&str>,
        spans: &Slab<Span>,
        instances: &[Instance],
    ) -> Result<Option<&Replay>, ApiError> {
        let Some(seen) = self.0.get(key) else { return Ok(None) };
        let is_same_target = match &seen.replay {
            Replay::Span { index, view } => {
                let span = &spans[*index];
                let id = if *view == View::AsCreated { instances[span.instance].id } else { span.id };
                target.and_then(|target| target.parse().ok()) == Some(id)
            }
            Replay::Answer(answer) => answer.target.as_deref() == target,
        };
        if seen.action == action && is_same_target {
            return Ok(Some(&seen.replay));
        }
        Err(ApiError::conflict(format!(
            "The idempotency key belongs to another request ({}).",
            seen.action.as_str()
        )))
    }

    pub(super) fn remember(&mut self, key: &str, action: ActionName, replay: Replay) {
        self.0.insert(key.into(), Seen { action, replay });
    }

    /// Forgets the keys of spans that are gone.
    pub(super) fn keep_those_of(&mut self, spans: &Slab<Span>) {
        self.0.retain(|_, seen| match &seen.replay {
            Replay::Span { index, .. } => spans.contains(*index),
            Replay::Answer(_) => true,
        });
    }
}
