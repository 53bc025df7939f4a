//! The envelopes of successful answers (API contract, Transport).

use serde::{Deserialize, Serialize};

use super::Control;

/// A successful answer about one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiResponse<T> {
    /// Always `success`.
    pub status: String,
    /// The thing.
    pub details: T,
    /// An order to the agent, which answers to span operations may carry.
    #[serde(default)]
    pub control: Option<Control>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListResponse<T> {
    /// Always `success`.
    pub status: String,
    /// The things on this page.
    pub summaries: Vec<T>,
    /// Where this page is in the list.
    #[serde(default)]
    pub pagination: Option<Pagination>,
    /// How the list is ordered.
    #[serde(default)]
    pub sorting: Option<Sorting>,
}

/// Where a page is in its list. Numbers that the API leaves out are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Pagination {
    /// How many things the list has.
    pub item_count: Option<u64>,
    /// The number of the first thing on this page.
    pub item_start: Option<u64>,
    /// The number of the last thing on this page.
    pub item_end: Option<u64>,
    /// How many pages the list has.
    pub page_count: Option<u64>,
    /// The number of this page.
    pub page_index: Option<u64>,
    /// How many things come before this page.
    pub page_offset: Option<u64>,
    /// How many things a page holds.
    pub page_size: Option<u64>,
    /// The offset of the next page; `None` on the last one.
    pub next_page_offset: Option<u64>,
    /// The offset of the page before; `None` on the first one.
    pub previous_page_offset: Option<u64>,
}

/// How a list is ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Sorting {
    /// By which field.
    pub field: Option<String>,
    /// Which way.
    pub direction: Option<String>,
}
