//! Pages of lists.

use serde::Serialize;

/// One page of a list; pages count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PageRequest {
    /// The page's number; the first is 1.
    pub number: u32,
    /// Items per page.
    pub limit: u32,
}

impl PageRequest {
    /// The page of a client that asks for none: the first 20.
    pub const DEFAULT: Self = Self { number: 1, limit: 20 };
    /// The most that one page may hold.
    pub const MAX_LIMIT: u32 = 100;
    /// The last item that a request may reach: items before a page are read and thrown away.
    /// A client that wants more narrows the filter, or sorts the other way round.
    pub const MAX_REACH: u64 = 10_000;

    /// The last item of the page, counted from 1.
    pub fn reach(self) -> u64 {
        u64::from(self.number) * u64::from(self.limit)
    }

    /// The number of items before this page.
    pub fn skip(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// One part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items of the page, at most `limit`; none beyond the last page.
    pub items: Vec<T>,
    /// The page's number; the first is 1.
    pub page: u32,
    /// Items per page.
    pub limit: u32,
    /// Items in the whole list; of what a search finds, no more than [`PageRequest::MAX_REACH`].
    pub total: u64,
    /// Pages in the whole list.
    pub pages: u64,
}

impl<T> Page<T> {
    /// The part that `request` names of a list of `total` items.
    pub fn new(request: PageRequest, items: Vec<T>, total: u64) -> Self {
        Self {
            items,
            page: request.number,
            limit: request.limit,
            total,
            pages: total.div_ceil(u64::from(request.limit.max(1))),
        }
    }
}
