//! Pages of lists.

use serde::Serialize;
use utoipa::ToSchema;

/// Which part of a list: one-based.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PageRequest {
    /// The page's number; the first is 1.
    pub number: u32,
    /// Items per page.
    pub limit: u32,
}

impl PageRequest {
    /// What a client gets that does not ask: the first 20.
    pub const DEFAULT: Self = Self { number: 1, limit: 20 };
    /// The most that one page may hold.
    pub const MAX_LIMIT: u32 = 100;
    /// How deep pages go: what comes before a page is read and thrown away, so the last item that a request may reach is this one.
    /// Who wants more narrows the filter, or sorts the other way round.
    pub const MAX_REACH: u64 = 10_000;

    /// The last item of the page, counted from 1.
    pub fn reach(self) -> u64 {
        u64::from(self.number) * u64::from(self.limit)
    }

    /// How many items come before this page.
    pub fn skip(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// One part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` items; none beyond the last page.
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
