//! How deep JSON nests: what nests without end could be kept, but hardly anything could read it again.

/// Levels that a value may have; as many as readers of JSON commonly take.
pub(super) const MAX_DEPTH: usize = 128;

/// Whether a value, which must be JSON, has more levels than that.
pub(super) fn is_too_deep(json: &str) -> bool {
    openings(json.as_bytes()) > MAX_DEPTH && depth(json) > MAX_DEPTH
}

/// How many levels there could be at most. Nearly always few enough, and quick: counted in bytes, many at once.
fn openings(json: &[u8]) -> usize {
    // `{` and `[` differ in one bit alone.
    let count = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>();
    json.chunks(usize::from(u8::MAX)).map(|bytes| usize::from(count(bytes))).sum()
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn the_last_level_is_taken_and_one_more_is_not() {
        assert!(!is_too_deep(&nested(MAX_DEPTH)));
        assert!(is_too_deep(&nested(MAX_DEPTH + 1)));
        assert!(is_too_deep(&nested(1_000_000)));
    }

    #[test]
    fn wide_is_not_deep() {
        assert!(!is_too_deep(&format!("[{}]", ["{\"a\":[1]}"; 1_000].join(","))));
        assert!(!is_too_deep(&format!("[{:?}]", "[{\"\\".repeat(1_000))));
    }
}
