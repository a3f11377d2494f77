//! All options, one row each, a table per family of attributes.
//!
//! To add one: write its row, and where its [`Call`](super::Call) is not by hand, that is all in this crate.
//!
//! May use: options/row.

mod breaker;
mod effects;
mod indexed;
mod invalidating;
mod key_part;
mod loading;
mod resilience;
mod storing;
mod timed;

use super::row::{Group, PLAIN, Row, Takes};

/// The options of every attribute.
static COMMON: &[Group] = &[Group {
    title: "",
    rows: &[Row {
        name: "crate",
        of: &[
            "cacheable",
            "cache_put",
            "cache_invalidate",
            "cache_refresh",
            "circuit_breaker",
            "retry",
            "timeout",
            "bulkhead",
            "rate_limit",
            "hedge",
            "fallback",
            "timed",
            "label",
            "key",
            "indexed",
        ],
        takes: Takes::Path,
        written: &["crate = my::fastness"],
        default: "`::fastness`",
        meaning: "path of the runtime crate",
        ..PLAIN
    }],
}];

/// The groups of all families, in the order in which errors and pages list them.
pub(super) fn groups() -> impl Iterator<Item = &'static Group> {
    let families = [
        invalidating::TABLE,
        storing::TABLE,
        key_part::TABLE,
        breaker::TABLE,
        resilience::TABLE,
        timed::TABLE,
        indexed::TABLE,
        COMMON,
    ];
    families.into_iter().flatten()
}

/// All rows.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    groups().flat_map(|group| group.rows)
}

/// The rows of one attribute.
pub(super) fn rows(attribute: &str) -> impl Iterator<Item = &'static Row> {
    all().filter(move |row| row.of.contains(&attribute))
}
