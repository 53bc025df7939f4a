//! `Retry-After`: seconds are taken as they are, a date means the time until then, and nothing else means anything.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Timelike, Utc};
use prefactor_http::{RetryPolicy, parse_retry_after};

/// The last second that a date of HTTP can name.
const LAST_SECOND: u64 = 253_402_300_799;

/// The input is the header's value; its first bytes are also taken for a time, written as a date and read back.
pub fn check(input: &[u8]) {
    let now = DateTime::from_timestamp(1_714_564_800, 0).expect("a time");
    if let Ok(value) = str::from_utf8(input) {
        check_value(value, now);
    }
    if let Some(bytes) = input.first_chunk::<8>() {
        let seconds = u64::from_le_bytes(*bytes) % (LAST_SECOND + 1);
        let date = DateTime::from_timestamp(seconds as i64, 0).expect("a time");
        let written = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(parse_retry_after(&written, now), Some(until(date, now)), "{written}");
    }
}

fn check_value(value: &str, now: DateTime<Utc>) {
    let wait = parse_retry_after(value, now);
    let trimmed = value.trim();
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = trimmed.parse().unwrap_or(u64::MAX);
        assert_eq!(wait, Some(Duration::from_secs(seconds)));
    } else if let Some(wait) = wait {
        assert!(wait <= until(DateTime::from_timestamp(LAST_SECOND as i64, 0).expect("a time"), now));
    } else if let Ok(date) = NaiveDateTime::parse_from_str(value, "%a, %d %b %Y %H:%M:%S GMT") {
        let date = date.and_utc();
        let is_plain = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string() == value;
        let fits = (0..=LAST_SECOND as i64).contains(&date.timestamp()) && date.nanosecond() < 1_000_000_000;
        assert!(!(is_plain && fits), "a date was not understood: {value}");
    }
    let policy = RetryPolicy::default();
    assert!(policy.delay(0, wait, 1.0) <= policy.max_delay(), "nothing waits longer than the longest");
}

fn until(date: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (date - now).to_std().unwrap_or_default()
}
