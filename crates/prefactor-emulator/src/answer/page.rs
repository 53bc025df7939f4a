//! How a list is shown: `summaries` with where in the whole they stand.

use super::json::ObjectWriter;
use crate::params::list::{Direction, Page, SortField};

/// Writes a whole list answer; `entry` writes one element of `shown`, the page cut out of `item_count` items.
pub(crate) fn page<T>(
    out: &mut Vec<u8>,
    shown: &[T],
    item_count: usize,
    page: Page,
    (field, direction): (SortField, Direction),
    mut entry: impl FnMut(&mut Vec<u8>, &T),
) {
    let mut answer = ObjectWriter::open(out);
    answer.text("status", "success");
    let summaries = answer.field("summaries");
    summaries.push(b'[');
    for (index, item) in shown.iter().enumerate() {
        if index > 0 {
            summaries.push(b',');
        }
        entry(summaries, item);
    }
    summaries.push(b']');

    let position = Position::of(page, shown.len(), item_count);
    let mut pagination = answer.object("pagination");
    pagination.number("item_count", item_count as u64);
    pagination.number("item_start", position.item_start);
    pagination.number("item_end", position.item_end);
    pagination.number("page_count", item_count.div_ceil(page.size) as u64);
    // Counted from one, like the items.
    pagination.number("page_index", (page.offset / page.size) as u64 + 1);
    pagination.number("page_offset", page.offset as u64);
    pagination.number("page_size", page.size as u64);
    pagination.optional_number("next_page_offset", position.next);
    pagination.optional_number("previous_page_offset", position.previous);
    pagination.close();

    let mut sorting = answer.object("sorting");
    sorting.text("field", field.as_str());
    sorting.text("direction", if direction == Direction::Asc { "asc" } else { "desc" });
    sorting.close();
    answer.close();
}

#[derive(Debug, PartialEq)]
struct Position {
    /// Counted from one; zero when the page is empty.
    item_start: u64,
    item_end: u64,
    next: Option<u64>,
    previous: Option<u64>,
}

impl Position {
    fn of(page: Page, shown: usize, item_count: usize) -> Self {
        let end = page.offset.saturating_add(shown);
        Self {
            item_start: if shown == 0 { 0 } else { page.offset as u64 + 1 },
            item_end: if shown == 0 { 0 } else { end as u64 },
            next: (end < item_count).then_some(end as u64),
            previous: (page.offset > 0).then(|| page.offset.saturating_sub(page.size) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_its_neighbours() {
        let position = |offset, shown| Position::of(Page { offset, size: 10 }, shown, 25);

        assert_eq!(position(0, 10), Position { item_start: 1, item_end: 10, next: Some(10), previous: None });
        assert_eq!(
            position(20, 5),
            Position { item_start: 21, item_end: 25, next: None, previous: Some(10) }
        );
        assert_eq!(position(4, 10).previous, Some(0));
        assert_eq!(Position::of(Page { offset: 0, size: 10 }, 0, 0).item_start, 0);
    }
}
