//! Which records of a segment are acknowledged.

/// A set of small numbers: the places of records in their segment.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    words: Vec<u64>,
    count: u64,
}

impl Acks {
    /// `false` where it was in there already.
    pub(crate) fn insert(&mut self, place: u64) -> bool {
        let (word, bit) = ((place / 64) as usize, 1 << (place % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    pub(crate) fn contains(&self, place: u64) -> bool {
        self.words.get((place / 64) as usize).is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }
}

/// Sorted numbers as ranges of their first and last.
pub(crate) fn ranges(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers.iter().copied() {
        match ranges.last_mut() {
            Some((_, last)) if number <= last.saturating_add(1) => *last = (*last).max(number),
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_counts_once() {
        let mut acks = Acks::default();

        assert!(acks.insert(3) && acks.insert(200) && !acks.insert(3));

        assert_eq!(acks.count(), 2);
        assert!(acks.contains(3) && acks.contains(200));
        assert!(!acks.contains(4) && !acks.contains(1_000));
    }

    #[test]
    fn neighbours_become_one_range() {
        assert_eq!(ranges(&[1, 2, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
        assert_eq!(ranges(&[]), []);
        assert_eq!(ranges(&[u64::MAX]), [(u64::MAX, u64::MAX)]);
    }
}
