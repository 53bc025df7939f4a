use proptest::prelude::*;

use super::*;

const TICK: Duration = Duration::from_millis(1);

/// A client that sends as much as it may, and an API with a token bucket, which also refuses some requests at random.
struct World {
    allowance: Allowance,
    now: Instant,
    /// Requests per second: what the client can send, and what the API allows.
    speed: f64,
    limit: f64,
    /// Of a hundred requests, so many are refused in any case.
    refuses: u32,
    /// What a refusal asks everyone to wait.
    retry_after: Option<Duration>,
    tokens: f64,
    /// Seconds whose worth may be used at once.
    burst: f64,
    items: usize,
    rng: fastrand::Rng,
}

impl World {
    fn new(speed: f64, limit: f64, refuses: u32) -> Self {
        let now = Instant::now();
        let (allowance, rng) = (Allowance::new(now), fastrand::Rng::with_seed(1));
        Self {
            allowance,
            now,
            speed,
            limit,
            refuses,
            retry_after: None,
            tokens: limit,
            burst: 1.0,
            items: 10,
            rng,
        }
    }

    /// What was accepted per second, and which share was refused, in the last half of so many seconds.
    fn run(&mut self, seconds: u32) -> (f64, f64) {
        let (mut accepted, mut refused) = (0.0, 0.0);
        let (begun, mut free_at) = (self.now, self.now);
        let measured_from = begun + Duration::from_secs(seconds.into()) / 2;
        while self.now < begun + Duration::from_secs(seconds.into()) {
            self.now += TICK;
            self.tokens =
                (self.tokens + self.limit * TICK.as_secs_f64()).min((self.limit * self.burst).max(1.0));
            if free_at > self.now || self.allowance.next().is_some_and(|next| next > self.now) {
                continue;
            }
            free_at = self.now + Duration::from_secs_f64(1.0 / self.speed);
            self.allowance.sent(self.items, self.now);
            let (admitted, was_unlimited) = (self.tokens >= 1.0, self.allowance.is_unlimited());
            let until = self.now + self.retry_after.unwrap_or(Duration::from_millis(750));
            let count = f64::from(u8::from(self.now >= measured_from));
            if admitted && self.rng.u32(..100) >= self.refuses {
                self.tokens -= 1.0;
                self.allowance.accepted(self.items, self.now, self.now);
                accepted += count;
            } else {
                let everyone_pauses = (was_unlimited || self.retry_after.is_some()).then_some(until);
                self.allowance.refused(self.items, self.now, self.now, everyone_pauses);
                refused += count;
                free_at = everyone_pauses.unwrap_or(free_at);
            }
        }
        (accepted / f64::from(seconds) * 2.0, refused / (accepted + refused))
    }
}

#[track_caller]
fn assert_near(limit: f64, (accepted, refused): (f64, f64)) {
    assert!((0.8 * limit..=1.1 * limit).contains(&accepted), "{accepted} a second accepted of {limit}");
    assert!(refused < 0.1, "{refused} of all refused at {limit} a second");
}

#[test]
fn a_limit_that_halves_and_one_that_rises_are_found() {
    let mut world = World::new(500.0, 100.0, 0);
    assert_near(100.0, world.run(60));

    world.limit = 50.0;
    assert_near(50.0, world.run(30));

    world.limit = 400.0;
    assert_near(400.0, world.run(60));
}

#[test]
fn a_single_refusal_is_forgotten_and_changes_nothing() {
    let mut world = World::new(100.0, f64::MAX, 0);
    let start = world.now;
    world.allowance.refused(10, start, start, Some(start));

    world.run(4);

    assert!(world.allowance.is_unlimited());
}

#[test]
fn one_refusal_in_a_hundred_costs_little_more_than_the_pause_that_it_asks_for() {
    let mut world = World::new(170.0, f64::MAX, 1);
    world.retry_after = Some(Duration::from_secs(1));
    let possible = 100.0 / (100.0 / world.speed + 1.0);

    let (accepted, _) = world.run(3_600);

    assert!(accepted > 0.75 * possible, "{accepted} a second of {possible}");
}

/// Nothing is gained by a pause, since the API allows no burst.
#[test]
fn a_limit_is_kept_to_where_refusals_are_few_but_cost_much_time() {
    for retry_after in [1, 5] {
        let mut world = World::new(500.0, 100.0, 0);
        world.retry_after = Some(Duration::from_secs(retry_after));
        world.burst = 0.1;

        world.run(60);
        assert!(!world.allowance.is_unlimited(), "{retry_after}");
        let (accepted, _) = world.run(600);

        assert!(accepted > 40.0, "{accepted} a second of 100 behind pauses of {retry_after} s");
    }
}

#[test]
fn a_window_without_an_answer_says_nothing() {
    let start = Instant::now();
    let mut allowance = Allowance::new(start);
    allowance.refused(10, start, start, Some(start));
    for number in 0..=20 {
        let sent_at = start + number * WINDOW / 20;
        let now = sent_at + Duration::from_millis(50);
        if number % 2 == 0 {
            allowance.refused(10, sent_at, now, None);
        } else {
            allowance.accepted(10, sent_at, now);
        }
    }
    let rate = |allowance: &Allowance| match &allowance.phase {
        Phase::Paced(pace) => pace.rate,
        phase => panic!("{phase:?}"),
    };
    let guess = rate(&allowance);

    let later = start + 10 * WINDOW;
    allowance.accepted(10, later, later);

    assert_eq!(rate(&allowance), guess);
}

#[test]
fn what_was_accepted_before_an_outage_is_not_what_is_allowed_behind_it() {
    let mut world = World::new(500.0, 200.0, 0);
    world.run(30);
    world.refuses = 100;
    world.run(10);

    (world.refuses, world.limit, world.tokens) = (0, 10.0, 0.0);

    for second in 0..20 {
        world.run(1);
        if let Phase::Paced(pace) = &world.allowance.phase {
            assert!(pace.rate[0] < 50.0, "{pace:?} in second {second}");
        }
    }
}

#[test]
fn where_everything_is_refused_one_request_a_second_finds_out_whether_that_is_over() {
    let mut world = World::new(100.0, 1_000.0, 100);
    let (accepted, _) = world.run(20);
    assert_eq!(accepted, 0.0);
    let next = world.allowance.next().expect("a pace");
    world.allowance.sent(10, next);
    assert_eq!(world.allowance.next(), Some(next + Duration::from_secs(1)));

    world.refuses = 0;
    world.run(12);

    let (accepted, refused) = world.run(4);
    assert_eq!((accepted, refused), (100.0, 0.0));
}

#[test]
fn a_pace_that_nobody_objects_to_is_forgotten() {
    let mut world = World::new(200.0, 50.0, 0);
    world.run(20);
    assert!(!world.allowance.is_unlimited());

    world.limit = f64::MAX;
    world.run(FORGOTTEN + 5);

    assert!(world.allowance.is_unlimited());
}

#[test]
fn larger_requests_wait_longer_where_items_are_what_was_slow() {
    let mut world = World::new(200.0, 20.0, 0);
    world.run(20);
    let wait = |allowance: &mut Allowance, items| {
        let at = allowance.next().expect("a pace");
        allowance.sent(items, at);
        allowance.next().expect("a pace") - at
    };

    let (small, large) = (wait(&mut world.allowance, 1), wait(&mut world.allowance, 40));

    assert!(large > small * 2, "{small:?} {large:?}");
    assert!(wait(&mut world.allowance, 100_000) <= Duration::from_secs(1), "but never longer than a second");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_limit_is_found_and_kept(limit in 4_u32..200) {
        let limit = f64::from(limit);
        assert_near(limit, World::new(500.0, limit, 0).run(120));
    }

    /// Lowering the pace does not help against refusals at random.
    #[test]
    fn an_api_that_refuses_at_random_never_brings_it_to_a_standstill(speed in 20_u32..200, refuses in 1_u32..=30) {
        let speed = f64::from(speed);
        let possible = speed * f64::from(100 - refuses) / 100.0;

        let (accepted, _) = World::new(speed, f64::MAX, refuses).run(120);

        prop_assert!(accepted > possible / 3.0, "{accepted} a second of {possible}");
    }

    #[test]
    fn whatever_is_answered_the_next_request_may_go_within_a_second(
        answers in prop::collection::vec((0_u64..3_000, 0_u64..3_000, any::<bool>(), 1_usize..500), 1..200),
    ) {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(now);
        for (wait, took, accepted, items) in answers {
            now += Duration::from_millis(wait);
            now = allowance.next().map_or(now, |next| next.max(now));
            let sent_at = now;
            allowance.sent(items, now);
            now += Duration::from_millis(took);
            if accepted {
                allowance.accepted(items, sent_at, now);
            } else {
                allowance.refused(items, sent_at, now, Some(now));
            }
            prop_assert!(allowance.next().is_none_or(|next| next <= now + Duration::from_secs(1)));
        }
    }
}
