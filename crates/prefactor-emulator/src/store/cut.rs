//! Cuts a page out of a list. Pure.
//!
//! Lists are in the order in which their things arrived unless another is asked for. A list of a million things is read
//! in thousands of pages, so a page of it costs no more than a page of ten; in another order only the page is sorted,
//! and the rest put before it or behind.

use std::ops::Range;

use crate::params::list::{Direction, Page, SortField};

/// A thing that lists can be sorted by.
pub(super) trait Sortable {
    /// What stands for it in an order.
    fn key(&self, field: SortField) -> SortKey<'_>;
}

/// Keys of one field are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SortKey<'a> {
    Id(prefactor_pfid::Pfid),
    Text(&'a str),
    /// What has not happened comes first.
    Moment(Option<chrono::DateTime<chrono::Utc>>),
}

/// The things of a list by their numbers: counted in the order in which they arrived.
#[derive(Debug)]
pub(super) enum Numbers {
    /// From none to so many.
    All(usize),
    /// These, in order.
    Some(Vec<usize>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(numbers) => numbers.len(),
        }
    }

    fn at(&self, place: usize) -> usize {
        match self {
            Self::All(_) => place,
            Self::Some(numbers) => numbers[place],
        }
    }
}

/// The numbers of the things on a page. Things of the same key are in the order in which they arrived, or in its
/// reverse, so every thing is on one page.
pub(super) fn cut<'t, T: Sortable + 't>(
    numbers: &Numbers,
    page: Page,
    (field, direction): (SortField, Direction),
    thing: impl Fn(usize) -> &'t T,
) -> Vec<usize> {
    let all = numbers.len();
    let start = page.offset.min(all);
    let end = page.offset.saturating_add(page.size).min(all);
    let places = match direction {
        Direction::Asc => start..end,
        Direction::Desc => all - end..all - start,
    };
    let mut shown: Vec<usize> = match field {
        // Things arrive in this order: see `Store::moment`.
        SortField::Inserted => places.map(|place| numbers.at(place)).collect(),
        _ => {
            let keys = (0..all).map(|place| numbers.at(place));
            sorted_part(keys.map(|number| (thing(number).key(field), number)).collect(), places)
        }
    };
    if direction == Direction::Desc {
        shown.reverse();
    }
    shown
}

/// What would stand in these places if everything were sorted.
fn sorted_part(mut keys: Vec<(SortKey<'_>, usize)>, places: Range<usize>) -> Vec<usize> {
    let mut part = &mut keys[..];
    if places.end < part.len() {
        part = part.select_nth_unstable(places.end).0;
    }
    if places.start < part.len() {
        part.select_nth_unstable(places.start);
    }
    let part = &mut part[places.start..];
    part.sort_unstable();
    part.iter().map(|(_, number)| *number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Word(&'static str);

    impl Sortable for Word {
        fn key(&self, _: SortField) -> SortKey<'_> {
            SortKey::Text(self.0)
        }
    }

    const WORDS: [Word; 7] = [Word("d"), Word("a"), Word("c"), Word("a"), Word("b"), Word("d"), Word("a")];

    fn pages(numbers: &Numbers, size: usize, order: (SortField, Direction)) -> Vec<usize> {
        let page = |offset| cut(numbers, Page { offset, size }, order, |number| &WORDS[number]);
        (0..=numbers.len()).step_by(size).flat_map(page).collect()
    }

    #[test]
    fn pages_of_every_size_make_up_the_sorted_list() {
        let some = Numbers::Some(vec![0, 2, 3, 6]);
        for size in 1..=8 {
            let by = |numbers, field, direction| pages(numbers, size, (field, direction));
            let all = Numbers::All(7);

            assert_eq!(by(&all, SortField::Name, Direction::Asc), [1, 3, 6, 4, 2, 0, 5], "{size}");
            assert_eq!(by(&all, SortField::Name, Direction::Desc), [5, 0, 2, 4, 6, 3, 1], "{size}");
            assert_eq!(by(&all, SortField::Inserted, Direction::Asc), [0, 1, 2, 3, 4, 5, 6], "{size}");
            assert_eq!(by(&all, SortField::Inserted, Direction::Desc), [6, 5, 4, 3, 2, 1, 0], "{size}");
            assert_eq!(by(&some, SortField::Name, Direction::Asc), [3, 6, 2, 0], "{size}");
            assert_eq!(by(&some, SortField::Inserted, Direction::Desc), [6, 3, 2, 0], "{size}");
        }
    }

    #[test]
    fn behind_the_end_is_an_empty_page() {
        for offset in [7, 8, usize::MAX] {
            for field in [SortField::Name, SortField::Inserted] {
                for direction in [Direction::Asc, Direction::Desc] {
                    let page = Page { offset, size: 100 };
                    assert!(cut(&Numbers::All(7), page, (field, direction), |n| &WORDS[n]).is_empty());
                }
            }
        }
    }
}
