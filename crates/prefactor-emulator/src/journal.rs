//! What came in: the last requests, word for word.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::faults::FaultKind;

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The HTTP method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query as it was sent.
    pub query: Option<String>,
    /// The headers in the order in which they came, names in lower case. The value of `authorization` is hidden.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Bytes,
    /// The answered status; none when there was no answer.
    pub status: Option<u16>,
    /// The fault that struck it.
    pub fault: Option<FaultKind>,
}

impl RequestRecord {
    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// A bounded ring: a new record pushes out the oldest. With no capacity it records nothing.
#[derive(Debug)]
pub(crate) struct Journal {
    capacity: usize,
    records: Mutex<VecDeque<RequestRecord>>,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, records: Mutex::default() }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.capacity == 0
    }

    pub(crate) fn record(&self, record: RequestRecord) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= self.capacity {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_requests_are_kept() {
        let journal = Journal::new(2);

        for path in ["/a", "/b", "/c"] {
            journal.record(RequestRecord {
                method: "GET".into(),
                path: path.into(),
                query: None,
                headers: Vec::new(),
                body: Bytes::new(),
                status: Some(200),
                fault: None,
            });
        }

        let paths: Vec<_> = journal.records().into_iter().map(|record| record.path).collect();
        assert_eq!(paths, ["/b", "/c"]);
    }
}
