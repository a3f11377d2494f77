//! The options of `cacheable` about loads and refreshes.
//!
//! May use: options/{row, tables/effects}.

use super::effects;
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
        meaning: "time after the ttl in which a value is served while one caller refreshes it",
        call: policy("stale"),
        effects: effects::STALE,
        ..PLAIN
    },
    Row {
        name: "refresh",
        of: CACHEABLE,
        takes: Takes::Words(&["caller", "background"]),
        written: &["refresh = background"],
        default: "`caller`",
        meaning: "`background` refreshes in a task of its own, so that no caller waits; needs an `async fn`, and arguments that are `Clone + Send + 'static`",
        effects: effects::REFRESH,
        ..PLAIN
    },
    Row {
        name: "stale_if_error",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["stale_if_error = \"1h\""],
        default: "off",
        meaning: "time after the ttl in which a value is served instead of an error; after an error the origin is not asked for 5 s",
        call: policy("stale_if_error"),
        effects: effects::STALE_IF_ERROR,
        ..PLAIN
    },
    Row {
        name: "early",
        of: CACHEABLE,
        takes: Takes::Words(&["xfetch", "off"]),
        written: &["early = off"],
        default: "`xfetch`",
        meaning: "refreshes a busy value shortly before it expires: the longer its load, the earlier, by a tenth of the ttl at most",
        call: words(&[("off", "no_early")]),
        effects: effects::EARLY,
        ..PLAIN
    },
];

pub(super) const LOADING: &[Row] = &[
    Row {
        name: "previous",
        of: CACHEABLE,
        takes: Takes::Binding,
        written: &["previous(old)"],
        default: "none",
        meaning: "name under which the body has the value that it replaces, an `Option<T>`; see [Conditional loads](conditional.md)",
        call: Call::Of(Builder::Policy, Method::Alone("with_previous")),
        effects: effects::PREVIOUS,
        ..PLAIN
    },
    Row {
        name: "keep_expired",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["keep_expired = \"1h\""],
        default: "none",
        meaning: "time after the ttl for which a value stays for `previous`; served to no caller",
        call: policy("grace"),
        ..PLAIN
    },
    Row {
        name: "single_flight",
        of: CACHEABLE,
        takes: Takes::Words(&["process", "fleet", "off"]),
        written: &["single_flight = off", "single_flight = fleet"],
        default: "`process`",
        meaning: "the callers that share one load of a missing key: none, all in this process, or all in the processes of one shared tier",
        call: words(&[("off", "no_single_flight"), ("fleet", "fleet")]),
        ..PLAIN
    },
    Row {
        name: "share_error",
        of: CACHEABLE,
        takes: Takes::Function,
        written: &["share_error = |error| error.clone()"],
        default: "`Clone`, if the error has it",
        meaning: "copies the error of a shared load for each waiter: a `fn(&E) -> E`",
        call: policy("share_error"),
        ..PLAIN
    },
    Row {
        name: "load_timeout",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["load_timeout = \"2s\""],
        default: "none",
        meaning: "longest duration of a load, and longest wait for a load that [rests](cacheable.md#a-load-that-rests) or runs in another process (30 s without it); the error type needs `From<LoadTimeout>`, the function must be `async`",
        call: policy("load_timeout"),
        ..PLAIN
    },
    Row {
        name: "load",
        of: CACHEABLE,
        takes: Takes::Words(&["caller", "task"]),
        written: &["load = task"],
        default: "`caller`",
        meaning: "`task` loads in a task of its own, which [goes on](cacheable.md#a-load-that-goes-on) when its caller no longer waits; needs an `async fn`, tokio, and arguments that are `Clone + Send + 'static`",
        call: words(&[("task", "as_task")]),
        ..PLAIN
    },
];
