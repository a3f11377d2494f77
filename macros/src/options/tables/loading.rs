//! The options of `cacheable` that say how a value is loaded and refreshed.
//!
//! May use: options/row.

use crate::options::row::{Builder, Call, Method, PLAIN, Row, Takes};

const CACHEABLE: &[&str] = &["cacheable"];

/// `.method(value)` of `Policy`.
const fn policy(method: &'static str) -> Call {
    Call::Of(Builder::Policy, Method::Value(method))
}

/// `.method()` of `Policy`, for some words.
const fn words(methods: &'static [(&'static str, &'static str)]) -> Call {
    Call::Of(Builder::Policy, Method::Words(methods))
}

pub(super) const STALENESS: &[Row] = &[
    Row {
        name: "stale",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["stale = \"1m\""],
        default: "off",
        meaning: "how long after the ttl a value is served while one caller refreshes it",
        call: policy("stale"),
        ..PLAIN
    },
    Row {
        name: "refresh",
        of: CACHEABLE,
        takes: Takes::Words(&["caller", "background"]),
        written: &["refresh = background"],
        default: "`caller`",
        meaning: "whether a refresh runs in a task of its own, so that no caller waits for it; needs an `async fn`, and arguments that are `Clone + Send + 'static`",
        ..PLAIN
    },
    Row {
        name: "stale_if_error",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["stale_if_error = \"1h\""],
        default: "off",
        meaning: "how long after the ttl a value is served instead of an error; after an error the origin is left alone for 5 s",
        call: policy("stale_if_error"),
        ..PLAIN
    },
    Row {
        name: "early",
        of: CACHEABLE,
        takes: Takes::Words(&["xfetch", "off"]),
        written: &["early = off"],
        default: "`xfetch`",
        meaning: "whether a busy value is refreshed shortly before it expires, the earlier the longer its load takes, by a tenth of the ttl at most",
        call: words(&[("off", "no_early")]),
        ..PLAIN
    },
];

pub(super) const LOADING: &[Row] = &[
    Row {
        name: "single_flight",
        of: CACHEABLE,
        takes: Takes::Words(&["process", "fleet", "off"]),
        written: &["single_flight = off", "single_flight = fleet"],
        default: "`process`",
        meaning: "which callers share one load of a missing key: none, those of this process, or those of all processes with one shared tier",
        call: words(&[("off", "no_single_flight"), ("fleet", "fleet")]),
        ..PLAIN
    },
    Row {
        name: "share_error",
        of: CACHEABLE,
        takes: Takes::Function,
        written: &["share_error = |error| error.clone()"],
        default: "`Clone`, where the error has it",
        meaning: "how a shared load gives its error to each caller: a `fn(&E) -> E`",
        call: policy("share_error"),
        ..PLAIN
    },
    Row {
        name: "load_timeout",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["load_timeout = \"2s\""],
        default: "none",
        meaning: "how long a load may take, and how long others wait for one that [rests](cacheable.md#a-load-that-rests) or runs in another process (30 s without it); the error type needs `From<LoadTimeout>`, the function must be `async`",
        call: policy("load_timeout"),
        ..PLAIN
    },
    Row {
        name: "load",
        of: CACHEABLE,
        takes: Takes::Words(&["caller", "task"]),
        written: &["load = task"],
        default: "`caller`",
        meaning: "whether a load [goes on](cacheable.md#a-load-that-goes-on) in a task of its own when its caller does not wait for it any more; needs an `async fn`, tokio, and arguments that are `Clone + Send + 'static`",
        call: words(&[("task", "as_task")]),
        ..PLAIN
    },
];
