//! The targets and options of `cache_invalidate` and `cache_refresh`, except those that they share with the attributes that store.
//!
//! May use: options/row.

use crate::options::row::{Group, PLAIN, Row, Takes, UNNAMED};

const INVALIDATE: &[&str] = &["cache_invalidate"];
const REFRESH: &[&str] = &["cache_refresh"];
const BOTH: &[&str] = &["cache_invalidate", "cache_refresh"];

pub(super) static TABLE: &[Group] = &[Group { title: "", rows: ROWS }];

const ROWS: &[Row] = &[
    Row { name: UNNAMED, of: BOTH, written: &["\"user:{id}\""], meaning: "the entry of one key", ..PLAIN },
    Row {
        name: UNNAMED,
        of: BOTH,
        written: &["\"users:*\""],
        meaning: "all entries whose keys start with these segments, at the same cost",
        ..PLAIN
    },
    Row {
        name: UNNAMED,
        of: BOTH,
        written: &["users(id)"],
        meaning: "the entry of a [handle](direct.md#handles), with its arguments; of a method's handle, `self.users(id)`",
        ..PLAIN
    },
    Row {
        name: "tags",
        of: BOTH,
        takes: Takes::Texts,
        written: &["tags = [\"team:{id}\"]"],
        default: "none",
        meaning: "all entries with one of these tags",
        ..PLAIN
    },
    Row {
        name: "when",
        of: INVALIDATE,
        takes: Takes::Words(&["ok", "always"]),
        written: &["when = always"],
        default: "`ok`",
        meaning: "`always` invalidates after an error too, `ok` only if the function returned no `Err`",
        ..PLAIN
    },
    Row {
        name: "when",
        of: REFRESH,
        takes: Takes::Words(&["ok", "always"]),
        written: &["when = always"],
        default: "`ok`",
        meaning: "`always` expires after an error too, `ok` only if the function returned no `Err`",
        ..PLAIN
    },
    Row {
        name: "before",
        of: INVALIDATE,
        takes: Takes::Nothing,
        written: &["before"],
        default: "off",
        meaning: "invalidates before the body as well, so that reads during a long write get no old value",
        ..PLAIN
    },
    Row {
        name: "before",
        of: REFRESH,
        takes: Takes::Nothing,
        written: &["before"],
        default: "off",
        meaning: "expires before the body as well, so that reads during a long write get no old value as fresh",
        ..PLAIN
    },
    Row {
        name: "with",
        of: BOTH,
        takes: Takes::Labels,
        written: &["with(user = claims.sub())"],
        default: "none",
        meaning: "expressions with names for patterns and `tags`, evaluated before the body; see [Keys](keys.md#named-expressions)",
        ..PLAIN
    },
    Row {
        name: "skip",
        of: BOTH,
        takes: Takes::Params,
        written: &["skip(self)"],
        meaning: "leaves the receiver's [namespace](keys.md#namespaces) out of the patterns, as the cached function does",
        ..PLAIN
    },
];
