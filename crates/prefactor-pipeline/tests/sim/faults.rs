//! What goes wrong with a request, and with an item.

use std::time::Duration;

use fastrand::Rng;

use crate::scenario::pick;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it is processed and answered.
    None,
    /// Nobody listens.
    Refuse,
    /// A status instead of an answer.
    Status(u16, Option<Duration>),
    /// A page instead of an answer.
    Html(u16),
    /// So many items are processed, and then there is a status.
    StopAt(usize, u16),
    /// So many items are processed and answered; the rest is left for later.
    AnswerSome(usize),
    /// So many items are processed, and the connection breaks.
    BreakAfter(usize),
    /// It is processed, and half of the answer arrives.
    Truncate,
    /// An answer that says nothing of any item.
    SayNothing,
    /// It is processed, but the client has given up.
    LandAndTimeOut,
    /// It is processed after the client has given up.
    LandLate(Duration),
    /// It is delivered twice.
    Duplicate,
    /// It takes its time.
    Slow(Duration),
    /// The transport itself panics.
    Panic,
}

impl Fault {
    /// Whether the client gets an answer that says something of its items, or of the request as a whole.
    pub(crate) fn is_understood(self) -> bool {
        matches!(
            self,
            Self::None | Self::AnswerSome(_) | Self::Duplicate | Self::Slow(_) | Self::Status(400, _)
        )
    }

    /// Whether it looks like an outage to the client.
    pub(crate) fn is_trouble(self) -> bool {
        !matches!(
            self,
            Self::None
                | Self::AnswerSome(_)
                | Self::Duplicate
                | Self::Slow(_)
                | Self::Status(400 | 401 | 403 | 413 | 429, _)
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    Refuse,
    Unavailable,
    TooMany,
    TooLarge,
    Unauthorized,
    Html,
    StopAt,
    AnswerSome,
    BreakAfter,
    Truncate,
    SayNothing,
    LandAndTimeOut,
    LandLate,
    Duplicate,
    Slow,
    Panic,
}

const ALL: [FaultKind; 16] = [
    FaultKind::Refuse,
    FaultKind::Unavailable,
    FaultKind::TooMany,
    FaultKind::TooLarge,
    FaultKind::Unauthorized,
    FaultKind::Html,
    FaultKind::StopAt,
    FaultKind::AnswerSome,
    FaultKind::BreakAfter,
    FaultKind::Truncate,
    FaultKind::SayNothing,
    FaultKind::LandAndTimeOut,
    FaultKind::LandLate,
    FaultKind::Duplicate,
    FaultKind::Slow,
    FaultKind::Panic,
];

/// How much goes wrong, and when.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    kinds: Vec<FaultKind>,
    /// Of a hundred requests, so many go wrong.
    requests: u32,
    /// Of a hundred items, so many fail for a while.
    items: u32,
    /// Of a thousand items, so many are refused for good.
    refusals: u32,
    /// Times in which every request goes wrong in one way.
    spells: Vec<(Duration, Duration, FaultKind)>,
    /// The most bytes and items of a request.
    pub(crate) most_bytes: Option<usize>,
    pub(crate) most_items: Option<usize>,
    /// The bad weather is over.
    pub(crate) is_over: bool,
}

impl Weather {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let kinds: Vec<_> = (0..rng.usize(1..5)).map(|_| pick(rng, &ALL)).collect();
        let spells = (0..rng.usize(0..3))
            .map(|_| {
                let from = Duration::from_millis(rng.u64(0..20_000));
                (from, from + pick(rng, &[1, 10, 120].map(Duration::from_secs)), pick(rng, &ALL))
            })
            .collect();
        Self {
            kinds,
            requests: pick(rng, &[0, 10, 30, 60, 90]),
            items: pick(rng, &[0, 0, 5, 30]),
            refusals: pick(rng, &[0, 0, 0, 20]),
            spells,
            most_bytes: pick(rng, &[None, None, None, Some(2_500)]),
            most_items: pick(rng, &[None, None, None, Some(5)]),
            is_over: false,
        }
    }

    /// What becomes of a request of so many items.
    pub(crate) fn fault(&self, rng: &mut Rng, at: Duration, items: usize) -> Fault {
        if self.is_over {
            return Fault::None;
        }
        let spell = self.spells.iter().find(|(from, until, _)| (*from..*until).contains(&at));
        let kind = match spell {
            Some((_, _, kind)) => *kind,
            None if rng.u32(..100) < self.requests => pick(rng, &self.kinds),
            None => return Fault::None,
        };
        draw(rng, kind, items)
    }

    /// The error code of an item, where it fails.
    pub(crate) fn item_error(&self, rng: &mut Rng) -> Option<&'static str> {
        if self.is_over {
            None
        } else if rng.u32(..100) < self.items {
            const PASSING: [&str; 5] =
                ["internal_error", "service_unavailable", "too_many_requests", "not_found", "a_new_code"];
            Some(pick(rng, &PASSING))
        } else if rng.u32(..1_000) < self.refusals {
            Some(pick(
                rng,
                &["validation_errors", "validation_error", "bad_request", "conflict", "unauthorized"],
            ))
        } else {
            None
        }
    }
}

fn draw(rng: &mut Rng, kind: FaultKind, items: usize) -> Fault {
    let retry_after = |rng: &mut Rng| {
        let seconds = pick(rng, &[None, None, Some(0), Some(1), Some(30), Some(86_400)]);
        seconds.map(Duration::from_secs)
    };
    match kind {
        FaultKind::Refuse => Fault::Refuse,
        FaultKind::Unavailable => Fault::Status(pick(rng, &[500, 502, 503, 504]), retry_after(rng)),
        FaultKind::TooMany => Fault::Status(429, retry_after(rng)),
        // One item alone would be refused for good, and rightly so.
        FaultKind::TooLarge if items > 1 => Fault::Status(413, None),
        FaultKind::TooLarge => Fault::None,
        FaultKind::Unauthorized => Fault::Status(pick(rng, &[401, 403]), None),
        FaultKind::Html => Fault::Html(pick(rng, &[200, 302, 400, 404, 502])),
        FaultKind::StopAt => Fault::StopAt(rng.usize(..items), 500),
        FaultKind::AnswerSome => Fault::AnswerSome(rng.usize(1..=items)),
        FaultKind::BreakAfter => Fault::BreakAfter(rng.usize(..=items)),
        FaultKind::Truncate => Fault::Truncate,
        FaultKind::SayNothing => Fault::SayNothing,
        FaultKind::LandAndTimeOut => Fault::LandAndTimeOut,
        FaultKind::LandLate => Fault::LandLate(Duration::from_millis(rng.u64(1..10_000))),
        FaultKind::Duplicate => Fault::Duplicate,
        FaultKind::Slow => Fault::Slow(Duration::from_millis(rng.u64(1..60_000))),
        FaultKind::Panic => Fault::Panic,
    }
}
