//! `Cache-Control` of answers that are the same for everybody, and the tags by which they are dropped.
//!
//! | answers | are kept for | and dropped by |
//! |---|---|---|
//! | a document, some by their ids | 300 s | a change of any of them |
//! | the first ten pages of a list, a catalogue, a trace, a search that found something | 60 s | a change of what it is of |
//! | a tally, what happened near a place | 30 s | a vote, an event |
//! | a vote, an event: they never change | 3600 s | |
//! | anything else: errors, ratings (which may be a guess), figures, what a handler says nothing of | not at all | |
//!
//! Only this server's cache keeps them (`s-maxage`), as only it hears of changes; browsers ask each time (`max-age=0`), and
//! are told 304 by the `ETag`. A shared cache in front of it must remove `s-maxage`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use fastness::http::CacheTags;
use serde::Serialize;

use super::json;
use crate::domain::{Page, PageRequest};

/// `Cache-Control` of a document.
pub(super) const DOCUMENT: &str = "public, max-age=0, s-maxage=300";
/// The value for a list.
pub(super) const LIST: &str = "public, max-age=0, s-maxage=60";
/// The value for a count that many clients read.
pub(super) const TALLY: &str = "public, max-age=0, s-maxage=30";
/// The value for responses that never change.
pub(super) const FOR_GOOD: &str = "public, max-age=0, s-maxage=3600";
/// The last page of a list that is kept: what is far back is rarely asked for twice.
pub(super) const LAST_PAGE: u32 = 10;

/// An answer that may be kept if it is a success. It is dropped when any of `tags` is invalidated, as a key or as a tag:
/// `product:7` by a write to product 7, and `products:http`, which no function has as its key, by `products:*`.
pub(super) fn allow<T: Into<String>>(
    control: &'static str,
    tags: impl IntoIterator<Item = T>,
    mut answer: Response,
) -> Response {
    if answer.status() == StatusCode::OK {
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
        answer.extensions_mut().insert(CacheTags::new(tags));
    }
    answer
}

/// A page of the list whose keys begin with `root`.
pub(super) fn page<T: Serialize>(root: &str, asked: PageRequest, page: &Page<T>) -> Response {
    let page = json::answer(page);
    if asked.number <= LAST_PAGE { allow(LIST, [format!("{root}:http")], page) } else { page }
}
