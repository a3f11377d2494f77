//! The options of the attributes of resilience, except those of the circuit breaker.
//!
//! May use: options/row.

use crate::options::row::{Builder, Call, Group, Method, PLAIN, Row, Takes, UNNAMED};

const RETRY: &[&str] = &["retry"];
const TIMEOUT: &[&str] = &["timeout"];
const BULKHEAD: &[&str] = &["bulkhead"];
const RATE_LIMIT: &[&str] = &["rate_limit"];
const HEDGE: &[&str] = &["hedge"];
const FALLBACK: &[&str] = &["fallback"];

pub(super) static TABLE: &[Group] = &[
    Group { title: "", rows: AGAIN },
    Group { title: "", rows: BOUNDS },
    Group { title: "", rows: OTHERWISE },
    Group { title: "", rows: NAMES },
];

/// `.method(value)` of the policy's settings.
const fn settings(method: &'static str) -> Call {
    Call::Of(Builder::Settings, Method::Value(method))
}

const AGAIN: &[Row] = &[
    Row {
        name: "attempts",
        of: RETRY,
        takes: Takes::Count32,
        written: &["attempts = 3"],
        default: "3",
        meaning: "largest number of runs of the body, including the first; at least 2",
        call: settings("attempts"),
        elsewhere: &["max_attempts"],
        ..PLAIN
    },
    Row {
        name: "wait",
        of: RETRY,
        takes: Takes::Time,
        written: &["wait = \"100ms\""],
        default: "100 ms",
        meaning: "longest wait before the second attempt; doubles with each attempt",
        call: settings("first_wait"),
        elsewhere: &["delay", "wait_duration"],
        ..PLAIN
    },
    Row {
        name: "backoff",
        of: RETRY,
        takes: Takes::Words(&["exponential", "constant"]),
        written: &["backoff = constant"],
        default: "`exponential`",
        meaning: "`constant` waits for exactly `wait` before each attempt, neither longer nor at random",
        call: Call::Of(Builder::Settings, Method::Words(&[("constant", "constant_waits")])),
        ..PLAIN
    },
    Row {
        name: "max_wait",
        of: RETRY,
        takes: Takes::Time,
        written: &["max_wait = \"10s\""],
        default: "10 s",
        meaning: "longest wait before any attempt, including the `retry_after` of a rejection and the random part",
        call: settings("max_wait"),
        ..PLAIN
    },
    Row {
        name: "when",
        of: RETRY,
        takes: Takes::Function,
        written: &["when = |error| error.is_timeout()"],
        default: "any error",
        meaning: "predicate over the error for another attempt: a `bool`, or an `Again`",
        elsewhere: &["retry_if"],
        ..PLAIN
    },
    Row {
        name: "failure_if",
        of: RETRY,
        takes: Takes::Function,
        written: &["failure_if = |result| result.is_err()"],
        default: "an `Err`",
        meaning: "predicate over the whole result for another attempt: a `bool`, or an `Again`; not with `when`",
        ..PLAIN
    },
    Row {
        name: "budget",
        of: RETRY,
        takes: Takes::OrOff(&Takes::Percent),
        written: &["budget = 20", "budget = off"],
        default: "20 %",
        meaning: "share of calls that may be repeated, 1 to 100; in addition ten at the start, which come back at one a second",
        call: settings("budget"),
        ..PLAIN
    },
    Row {
        name: "after",
        of: HEDGE,
        takes: Takes::Time,
        written: &["after = \"50ms\""],
        default: "this or `p95` is required",
        meaning: "delay after which a second call is made",
        ..PLAIN
    },
    Row {
        name: "p95",
        of: HEDGE,
        takes: Takes::Time,
        written: &["p95 = \"50ms\""],
        default: "this or `after` is required",
        meaning: "makes a second call when the first has taken longer than 95 % of recent calls; this delay until 32 calls are known",
        ..PLAIN
    },
    Row {
        name: "budget",
        of: HEDGE,
        takes: Takes::Percent,
        written: &["budget = 10"],
        default: "10 %",
        meaning: "share of calls that may be made twice, 1 to 100; in addition ten at the start, which come back at one a second",
        call: settings("budget"),
        ..PLAIN
    },
    Row {
        name: "failure_if",
        of: HEDGE,
        takes: Takes::Function,
        written: &["failure_if = |result| result.is_err()"],
        default: "an `Err` is a bad answer",
        meaning: "predicate over the whole result, of any type, that defines a bad answer",
        ..PLAIN
    },
];

const BOUNDS: &[Row] = &[
    Row {
        name: UNNAMED,
        of: TIMEOUT,
        takes: Takes::Time,
        written: &["\"2s\""],
        default: "required",
        meaning: "longest duration of a call: text with a unit, whole seconds (`2`), or an expression of type `Duration`, as `self.timeout`",
        ..PLAIN
    },
    Row {
        name: "max",
        of: BULKHEAD,
        takes: Takes::Once(&Takes::Count32),
        written: &["max = 64"],
        default: "required",
        meaning: "largest number of calls at a time",
        elsewhere: &["limit", "max_concurrent"],
        ..PLAIN
    },
    Row {
        name: "adaptive",
        of: BULKHEAD,
        takes: Takes::Nothing,
        written: &["adaptive"],
        default: "fixed",
        meaning: "adapts the number between `min` and `max` to the duration of calls",
        ..PLAIN
    },
    Row {
        name: "min",
        of: BULKHEAD,
        takes: Takes::Once(&Takes::Count32),
        written: &["min = 4"],
        default: "1",
        meaning: "smallest number, and the one at the start; needs `adaptive`",
        ..PLAIN
    },
    Row {
        name: "wait",
        of: BULKHEAD,
        takes: Takes::Time,
        written: &["wait = \"50ms\""],
        default: "none",
        meaning: "longest wait of a call for a place, in order of arrival; `async` functions only",
        call: settings("wait"),
        ..PLAIN
    },
    Row {
        name: "calls",
        of: RATE_LIMIT,
        takes: Takes::Count32,
        written: &["calls = 100"],
        default: "required",
        meaning: "number of calls",
        elsewhere: &["limit"],
        ..PLAIN
    },
    Row {
        name: "per",
        of: RATE_LIMIT,
        takes: Takes::Time,
        written: &["per = \"1s\""],
        default: "required",
        meaning: "period for that number",
        elsewhere: &["period"],
        ..PLAIN
    },
    Row {
        name: "burst",
        of: RATE_LIMIT,
        takes: Takes::Count32,
        written: &["burst = 10"],
        default: "`calls`",
        meaning: "number of calls at once after a pause; with 1, calls are spread evenly",
        call: settings("burst"),
        ..PLAIN
    },
    Row {
        name: "key",
        of: RATE_LIMIT,
        written: &["key = \"{customer}\""],
        default: "one limit for all",
        meaning: "a separate limit for each key: text with parameters in braces, or an expression",
        ..PLAIN
    },
    Row {
        name: "keys",
        of: RATE_LIMIT,
        takes: Takes::Once(&Takes::AnyCount),
        written: &["keys = 10_000"],
        default: "10 000",
        meaning: "largest number of keys that are stored; needs `key`",
        ..PLAIN
    },
];

const OTHERWISE: &[Row] = &[
    Row {
        name: UNNAMED,
        of: FALLBACK,
        written: &["other"],
        default: "required",
        meaning: "path of the function: `other`, or `Self::other`, which gets `self` too",
        ..PLAIN
    },
    Row {
        name: "failure_if",
        of: FALLBACK,
        takes: Takes::Function,
        written: &["failure_if = |result| result.is_err()"],
        default: "an `Err` is a failure",
        meaning: "predicate over the whole result, of any type, that defines a failure; the fallback gets that result instead of the error",
        ..PLAIN
    },
];

const NAMES: &[Row] = &[
    Row {
        name: "name",
        of: &["retry", "hedge", "fallback"],
        takes: Takes::Name,
        written: &["name = \"supplier\""],
        default: "the function's path",
        meaning: "name in metrics",
        ..PLAIN
    },
    Row {
        name: "name",
        of: &["timeout", "bulkhead", "rate_limit"],
        takes: Takes::Name,
        written: &["name = \"supplier\""],
        default: "the function's path",
        meaning: "name in metrics and errors",
        ..PLAIN
    },
];
