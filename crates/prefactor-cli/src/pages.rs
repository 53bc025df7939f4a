//! Lists that come in pages, in the memory of one page.

use std::ops::ControlFlow;

use prefactor_http::{ListResponse, PrefactorError};

use crate::failure::Failure;

/// What the API gives at most.
pub(crate) const PAGE_SIZE: u64 = 100;

/// Asks for page after page, by offset, and hands each on, until the list ends or the visitor has enough.
pub(crate) async fn each_page<T>(
    from: u64,
    fetch: impl AsyncFn(u64) -> Result<ListResponse<T>, PrefactorError>,
    mut visit: impl AsyncFnMut(Vec<T>) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    let mut offset = from;
    loop {
        let page = fetch(offset).await?;
        let next = next_offset(offset, &page);
        if visit(page.summaries).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match next {
            Some(next) => offset = next,
            None => return Ok(ControlFlow::Continue(())),
        }
    }
}

/// Where the next page begins. Paging may be left out of an answer: then a full page is taken to have a successor. An offset
/// that leads back would never end.
fn next_offset<T>(offset: u64, page: &ListResponse<T>) -> Option<u64> {
    let length = u64::try_from(page.summaries.len()).unwrap_or_default();
    match &page.pagination {
        _ if length == 0 => None,
        Some(pagination) => pagination.next_page_offset.filter(|next| *next > offset),
        None => (length >= PAGE_SIZE).then_some(offset + length),
    }
}

/// How many things of a list are wanted.
#[derive(Debug)]
pub(crate) struct Limit(Option<u64>);

impl Limit {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self(limit)
    }

    /// Counts one.
    pub(crate) fn take(&mut self) -> ControlFlow<()> {
        if let Some(left) = &mut self.0 {
            *left = left.saturating_sub(1);
        }
        if self.0 == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The size of pages that bring no more than is wanted, as far as it can be.
    pub(crate) fn page_size(&self) -> u64 {
        self.0.map_or(PAGE_SIZE, |left| left.clamp(1, PAGE_SIZE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(length: usize, pagination: Option<serde_json::Value>) -> ListResponse<u8> {
        let answer = serde_json::json!({ "status": "success", "summaries": vec![7; length], "pagination": pagination });
        serde_json::from_value(answer).unwrap()
    }

    #[test]
    fn the_last_page_is_recognised_in_every_form() {
        let next = |offset| Some(serde_json::json!({ "next_page_offset": offset }));

        assert_eq!(next_offset(0, &page(100, next(Some(100)))), Some(100));
        assert_eq!(next_offset(100, &page(100, next(None))), None);
        assert_eq!(next_offset(100, &page(100, next(Some(100)))), None, "it would never end");
        assert_eq!(next_offset(0, &page(0, next(Some(100)))), None);
        assert_eq!(next_offset(200, &page(100, None)), Some(300));
        assert_eq!(next_offset(200, &page(99, None)), None);
    }

    #[test]
    fn a_limit_is_kept_over_all_pages() {
        let mut limit = Limit::new(Some(2));

        assert_eq!(limit.page_size(), 2);
        assert!(limit.take().is_continue());
        assert!(limit.take().is_break());
        assert!(Limit::new(None).take().is_continue());
    }
}
