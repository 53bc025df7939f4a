use std::fmt;

/// A set of HTTP status codes, 100–599.
///
/// ```
/// use prefactor_http::StatusCodes;
///
/// assert!(StatusCodes::TRANSIENT.contains(599));
/// assert!(!StatusCodes::TRANSIENT.contains(404));
///
/// // What the Python client retries.
/// let narrow = StatusCodes::from_iter([429, 500, 502, 503, 504]);
/// assert!(!narrow.contains(501));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusCodes([u64; StatusCodes::WORDS]);

impl StatusCodes {
    const FIRST: u16 = 100;
    const LAST: u16 = 599;
    const WORDS: usize = 8;

    /// No status at all.
    pub const NONE: Self = Self([0; Self::WORDS]);

    /// 429 and every 5xx, which the API contract (Transport) calls transient. The default, rather than the Python client's
    /// narrower 429, 500, 502, 503, 504: a gateway in front of the service answers with others too, such as 520–529.
    pub const TRANSIENT: Self = {
        let mut codes = Self::NONE.with(429);
        let mut code = 500;
        while code <= Self::LAST {
            codes = codes.with(code);
            code += 1;
        }
        codes
    };

    /// The set with one more code. A number that is no status code is left out.
    #[must_use]
    pub const fn with(mut self, code: u16) -> Self {
        if code >= Self::FIRST && code <= Self::LAST {
            let index = (code - Self::FIRST) as usize;
            self.0[index / 64] |= 1 << (index % 64);
        }
        self
    }

    /// Whether the code is in the set.
    #[must_use]
    pub const fn contains(&self, code: u16) -> bool {
        if code < Self::FIRST || code > Self::LAST {
            return false;
        }
        let index = (code - Self::FIRST) as usize;
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    /// The codes in the set, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (Self::FIRST..=Self::LAST).filter(|code| self.contains(*code))
    }

    /// Reads a list with commas, as in `PREFACTOR_RETRY_ON_STATUS_CODES`. Entries that are no status code are ignored (API
    /// contract, Transport); `None` when none is left, so that a mistyped list does not turn retries off.
    #[must_use]
    pub fn from_list(list: &str) -> Option<Self> {
        let codes: Self = list.split(',').filter_map(|entry| entry.trim().parse().ok()).collect();
        (codes != Self::NONE).then_some(codes)
    }
}

impl Default for StatusCodes {
    /// [`StatusCodes::TRANSIENT`].
    fn default() -> Self {
        Self::TRANSIENT
    }
}

impl FromIterator<u16> for StatusCodes {
    fn from_iter<I: IntoIterator<Item = u16>>(codes: I) -> Self {
        codes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for StatusCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_is_429_and_every_5xx() {
        let expected: Vec<u16> = std::iter::once(429).chain(500..=599).collect();

        assert_eq!(StatusCodes::TRANSIENT.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn numbers_that_are_no_status_are_left_out() {
        for code in [0, 99, 600, 611, u16::MAX] {
            assert_eq!(StatusCodes::NONE.with(code), StatusCodes::NONE);
            assert!(!StatusCodes::TRANSIENT.contains(code));
        }
    }

    #[test]
    fn wrong_entries_of_a_list_are_ignored() {
        let codes = StatusCodes::from_list("429, 503,,abc,-1,99,700,5oo,503").unwrap();

        assert_eq!(codes.iter().collect::<Vec<_>>(), [429, 503]);
        assert_eq!(StatusCodes::from_list("abc"), None);
        assert_eq!(StatusCodes::from_list(""), None);
    }
}
