//! Decides for each request which faults strike it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::config::Faults;
use super::kinds::{RetryAfter, Trigger};
use super::rate::{Bucket, RateLimit, whole_seconds};

/// What struck a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Taken and never answered.
    BlackHole,
    /// The connection was closed before the work.
    DropBefore,
    /// The connection was closed after the work.
    DropAfter,
    /// Refused for its length.
    BodyTooLarge,
    /// Refused with 429.
    TooManyRequests,
    /// Refused because a rate was exceeded.
    RateLimited,
    /// Refused because a bulk request had too many items.
    TooManyItems,
    /// Refused with an error of the API.
    ServerError,
    /// Answered with a page.
    HtmlBody,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlackHole => "black hole",
            Self::DropBefore => "dropped before the work",
            Self::DropAfter => "dropped after the work",
            Self::BodyTooLarge => "body too large",
            Self::TooManyRequests => "too many requests",
            Self::RateLimited => "rate limited",
            Self::TooManyItems => "too many items",
            Self::ServerError => "server error",
            Self::HtmlBody => "html body",
        })
    }
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Decision {
    /// Waited in any case, also before a refusal.
    pub(crate) latency: Option<Duration>,
    /// Instead of the work.
    pub(crate) interruption: Option<Interruption>,
    /// After the work, if it comes to that.
    pub(crate) drop_after: bool,
}

/// What happens instead of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    BlackHole,
    DropBefore,
    BodyTooLarge { limit: usize },
    TooManyRequests(RetryAfter),
    RateLimited { seconds: u64 },
    ServerError(u16),
    HtmlBody(u16),
}

impl Interruption {
    pub(crate) fn kind(self) -> FaultKind {
        match self {
            Self::BlackHole => FaultKind::BlackHole,
            Self::DropBefore => FaultKind::DropBefore,
            Self::BodyTooLarge { .. } => FaultKind::BodyTooLarge,
            Self::TooManyRequests(_) => FaultKind::TooManyRequests,
            Self::RateLimited { .. } => FaultKind::RateLimited,
            Self::ServerError(_) => FaultKind::ServerError,
            Self::HtmlBody(_) => FaultKind::HtmlBody,
        }
    }
}

/// Why the work on a request does not begin, once it is known how many actions it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    TooManyItems { limit: usize },
    RateLimited { seconds: u64 },
}

/// The faults in force.
#[derive(Debug)]
pub(crate) struct Injector {
    state: Mutex<State>,
    /// Tells requests in the black hole when it is gone.
    black_hole: watch::Sender<bool>,
}

impl Injector {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { black_hole: watch::Sender::new(faults.black_hole), state: Mutex::new(State::new(faults)) }
    }

    /// Starts over with other faults: their seed, nothing spent.
    pub(crate) fn set(&self, faults: Faults) {
        let has_black_hole = faults.black_hole;
        *self.state() = State::new(faults);
        self.black_hole.send_replace(has_black_hole);
    }

    pub(crate) fn faults(&self) -> Faults {
        self.state().faults.clone()
    }

    pub(crate) fn decide(&self, path: &str, body_bytes: usize) -> Decision {
        self.state().decide(path, body_bytes, Instant::now())
    }

    /// Lets so many actions pass, or not.
    pub(crate) fn admit(&self, items: usize) -> Result<(), Refusal> {
        self.state().admit(items, Instant::now())
    }

    pub(crate) async fn black_hole_gone(&self) {
        // An error says that the sender is gone, and with it everything that could wait here.
        let _ = self.black_hole.subscribe().wait_for(|is_set| !is_set).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct State {
    faults: Faults,
    rng: fastrand::Rng,
    spent: Spent,
    requests: Option<Bucket>,
    items: Option<Bucket>,
}

/// How often each fault has struck.
#[derive(Debug, Default)]
struct Spent {
    latency: u64,
    drop_before: u64,
    too_many_requests: u64,
    server_error: u64,
    html_body: u64,
    drop_after: u64,
}

impl State {
    fn new(faults: Faults) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(faults.seed),
            spent: Spent::default(),
            requests: faults.rate_limit.as_ref().and_then(RateLimit::requests),
            items: faults.rate_limit.as_ref().and_then(RateLimit::items),
            faults,
        }
    }

    fn decide(&mut self, path: &str, body_bytes: usize, now: Instant) -> Decision {
        let latency = self.latency(path);
        let interruption = self.interruption(path, body_bytes, now);
        let drop_after = interruption.is_none()
            && self.faults.drop_after.as_ref().is_some_and(|fault| {
                strikes(&mut self.rng, &mut self.spent.drop_after, fault.trigger(), path)
            });
        Decision { latency, interruption, drop_after }
    }

    fn admit(&mut self, items: usize, now: Instant) -> Result<(), Refusal> {
        if let Some(limit) = self.faults.max_items.filter(|limit| items > *limit) {
            return Err(Refusal::TooManyItems { limit });
        }
        let limited = self.items.as_mut().map_or(Ok(()), |bucket| bucket.take(items, now));
        limited.map_err(|wait| Refusal::RateLimited { seconds: whole_seconds(wait) })
    }

    fn latency(&mut self, path: &str) -> Option<Duration> {
        let fault = self.faults.latency.as_ref()?;
        if !strikes(&mut self.rng, &mut self.spent.latency, fault.trigger(), path) {
            return None;
        }
        Some(fault.distribution.draw((fault.min_ms, fault.max_ms), &mut self.rng))
    }

    /// The first that strikes, in this order.
    fn interruption(&mut self, path: &str, body_bytes: usize, now: Instant) -> Option<Interruption> {
        let Self { faults, rng, spent, requests, .. } = self;
        if faults.black_hole {
            return Some(Interruption::BlackHole);
        }
        if let Some(fault) = &faults.drop_before
            && strikes(rng, &mut spent.drop_before, fault.trigger(), path)
        {
            return Some(Interruption::DropBefore);
        }
        if let Some(limit) = faults.max_body_bytes.filter(|limit| body_bytes > *limit) {
            return Some(Interruption::BodyTooLarge { limit });
        }
        if let Some(Err(wait)) = requests.as_mut().map(|bucket| bucket.take(1, now)) {
            return Some(Interruption::RateLimited { seconds: whole_seconds(wait) });
        }
        if let Some(fault) = &faults.too_many_requests
            && strikes(rng, &mut spent.too_many_requests, fault.trigger(), path)
        {
            return Some(Interruption::TooManyRequests(fault.retry_after));
        }
        if let Some(fault) = &faults.server_error
            && strikes(rng, &mut spent.server_error, fault.trigger(), path)
        {
            return Some(Interruption::ServerError(fault.status));
        }
        if let Some(fault) = &faults.html_body
            && strikes(rng, &mut spent.html_body, fault.trigger(), path)
        {
            return Some(Interruption::HtmlBody(fault.status));
        }
        None
    }
}

/// Draws only for requests the fault could strike at all, and counts when it does.
fn strikes(rng: &mut fastrand::Rng, spent: &mut u64, trigger: Trigger<'_>, path: &str) -> bool {
    let strikes = trigger.path.is_none_or(|text| path.contains(text))
        && trigger.times.is_none_or(|times| *spent < times)
        && rng.f64() < trigger.probability;
    *spent += u64::from(strikes);
    strikes
}

#[cfg(test)]
mod tests {
    use super::super::kinds::{DropAfter, DropBefore, Latency, ServerError, TooManyRequests};
    use super::*;

    fn kinds(state: &mut State, paths: &[&str]) -> Vec<Option<FaultKind>> {
        paths
            .iter()
            .map(|path| state.decide(path, 0, Instant::now()).interruption.map(Interruption::kind))
            .collect()
    }

    #[test]
    fn a_fault_with_times_is_spent() {
        let mut state = State::new(Faults::new().server_error(ServerError::new().times(2)));

        let struck = kinds(&mut state, &["/bulk"; 4]);

        assert_eq!(struck, [Some(FaultKind::ServerError), Some(FaultKind::ServerError), None, None]);
    }

    #[test]
    fn a_fault_of_a_path_spares_the_others() {
        let mut state =
            State::new(Faults::new().too_many_requests(TooManyRequests::new().times(1).path("/bulk")));

        let struck = kinds(&mut state, &["/ping", "/api/v1/bulk", "/api/v1/bulk"]);

        assert_eq!(struck, [None, Some(FaultKind::TooManyRequests), None]);
    }

    #[test]
    fn the_same_seed_brings_the_same_faults() {
        let run = |seed| {
            let faults = Faults::new()
                .seed(seed)
                .drop_before(DropBefore::new().probability(0.3))
                .drop_after(DropAfter::new().probability(0.3))
                .latency(Latency::new().max_ms(1_000));
            let mut state = State::new(faults);
            (0..50).map(|_| state.decide("/bulk", 0, Instant::now())).collect::<Vec<_>>()
        };

        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn probability_is_what_it_says() {
        let struck = |probability| {
            let faults = Faults::new().drop_before(DropBefore::new().probability(probability));
            let mut state = State::new(faults);
            (0..1_000).filter(|_| state.decide("/bulk", 0, Instant::now()).interruption.is_some()).count()
        };

        assert_eq!(struck(0.0), 0);
        assert_eq!(struck(1.0), 1_000);
        assert!((200..300).contains(&struck(0.25)), "{}", struck(0.25));
    }

    #[test]
    fn a_body_may_have_the_limit_and_not_a_byte_more() {
        let mut state = State::new(Faults::new().max_body_bytes(10));

        assert_eq!(state.decide("/bulk", 10, Instant::now()), Decision::default());
        assert_eq!(
            state.decide("/bulk", 11, Instant::now()).interruption,
            Some(Interruption::BodyTooLarge { limit: 10 })
        );
    }
}
