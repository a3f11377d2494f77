//! The options of `circuit_breaker`.
//!
//! May use: options/row.

use crate::options::row::{Builder, Call, Group, Method, PLAIN, Row, Takes};

const BREAKER: &[&str] = &["circuit_breaker"];

pub(super) static TABLE: &[Group] = &[Group { title: "", rows: ROWS }];

/// `.method(value)` of the policy's settings.
const fn settings(method: &'static str) -> Call {
    Call::Of(Builder::Settings, Method::Value(method))
}

const ROWS: &[Row] = &[
    Row {
        name: "name",
        of: BREAKER,
        takes: Takes::Name,
        written: &["name = \"supplier\""],
        default: "the function's path",
        meaning: "the name by which `Breaker::named(..)` finds it; a name stands for one breaker in the process. Required on methods",
        ..PLAIN
    },
    Row {
        name: "failure_threshold",
        of: BREAKER,
        takes: Takes::OrOff(&Takes::Once(&Takes::Count32)),
        written: &["failure_threshold = 5", "failure_threshold = off"],
        default: "5 or 15",
        meaning: "number of failures in a row that opens it; by default 5 while the window holds fewer than `min_calls`, and 15 otherwise",
        call: settings("failure_threshold"),
        ..PLAIN
    },
    Row {
        name: "failure_rate",
        of: BREAKER,
        takes: Takes::OrOff(&Takes::Once(&Takes::Percent)),
        written: &["failure_rate = 50", "failure_rate = off"],
        default: "50 %",
        meaning: "share of failed calls in the window that opens it",
        call: settings("failure_rate"),
        elsewhere: &["failure_rate_threshold"],
        ..PLAIN
    },
    Row {
        name: "slow_rate",
        of: BREAKER,
        takes: Takes::Once(&Takes::Percent),
        written: &["slow_rate = 80"],
        default: "off",
        meaning: "share of slow calls in the window that opens it; needs `slow`",
        call: Call::Of(Builder::Settings, Method::With("slow_rate", "slow")),
        elsewhere: &["slow_call_rate_threshold"],
        ..PLAIN
    },
    Row {
        name: "slow",
        of: BREAKER,
        takes: Takes::Once(&Takes::Time),
        written: &["slow = \"1s\""],
        default: "off",
        meaning: "duration from which a call counts as slow; needs `slow_rate`",
        ..PLAIN
    },
    Row {
        name: "min_calls",
        of: BREAKER,
        takes: Takes::Once(&Takes::Count32),
        written: &["min_calls = 20"],
        default: "80",
        meaning: "number of calls in the window below which rates are ignored; in a window of fewer calls, all of them",
        call: settings("min_calls"),
        elsewhere: &["minimum_calls"],
        ..PLAIN
    },
    Row {
        name: "window",
        of: BREAKER,
        takes: Takes::Once(&Takes::Window),
        written: &["window = \"30s\"", "window = 100"],
        default: "30 s",
        meaning: "time, or number of calls, that rates cover",
        call: settings("window"),
        ..PLAIN
    },
    Row {
        name: "open_for",
        of: BREAKER,
        takes: Takes::Once(&Takes::Time),
        written: &["open_for = \"5s\""],
        default: "5 s",
        meaning: "time for which it stays open; doubles with each failed round of probes",
        call: settings("open_for"),
        elsewhere: &["reset_timeout", "wait_duration"],
        ..PLAIN
    },
    Row {
        name: "max_open",
        of: BREAKER,
        takes: Takes::Once(&Takes::Time),
        written: &["max_open = \"60s\""],
        default: "60 s",
        meaning: "longest time for which it stays open",
        call: settings("max_open"),
        ..PLAIN
    },
    Row {
        name: "probes",
        of: BREAKER,
        takes: Takes::Once(&Takes::Count32),
        written: &["probes = 3"],
        default: "3",
        meaning: "number of calls that a half-open breaker makes, judged by `failure_rate` and `slow_rate`",
        call: settings("probes"),
        ..PLAIN
    },
    Row {
        name: "probe_timeout",
        of: BREAKER,
        takes: Takes::Once(&Takes::Time),
        written: &["probe_timeout = \"30s\""],
        default: "30 s",
        meaning: "time after which an unfinished probe gives up its place",
        call: settings("probe_timeout"),
        ..PLAIN
    },
    Row {
        name: "cancelled",
        of: BREAKER,
        takes: Takes::Words(&["failure", "nothing"]),
        written: &["cancelled = failure"],
        default: "`nothing`",
        meaning: "outcome of a call whose future is dropped",
        call: Call::Of(Builder::Settings, Method::Words(&[("failure", "cancelled_is_failure")])),
        ..PLAIN
    },
    Row {
        name: "timeout",
        of: BREAKER,
        takes: Takes::Time,
        written: &["timeout = \"5s\""],
        default: "none",
        meaning: "time after which a call is dropped and counts as a failure; the error type needs `From<TimedOut>`, the function must be `async`",
        ..PLAIN
    },
    Row {
        name: "ignore",
        of: BREAKER,
        takes: Takes::Function,
        written: &["ignore = |error| error.is_not_found()"],
        default: "none",
        meaning: "errors that count neither as a failure nor as a success",
        ..PLAIN
    },
    Row {
        name: "failure_if",
        of: BREAKER,
        takes: Takes::Function,
        written: &["failure_if = |result| result.is_err()"],
        default: "an `Err` is a failure",
        meaning: "predicate over the whole result that defines a failure; not with `ignore`",
        ..PLAIN
    },
    Row {
        name: "per",
        of: BREAKER,
        written: &["per = \"{host}\""],
        default: "one for all",
        meaning: "a separate breaker for each key",
        ..PLAIN
    },
    Row {
        name: "keys",
        of: BREAKER,
        takes: Takes::Once(&Takes::AnyCount),
        written: &["keys = 1_000"],
        default: "1 000",
        meaning: "largest number of breakers that are stored; needs `per`",
        ..PLAIN
    },
    Row {
        name: "fallback",
        of: BREAKER,
        written: &["fallback = path"],
        default: "none",
        meaning: "function that answers rejected calls, with the same arguments and a `Rejected`; a path that begins with `Self::` gets `self`",
        ..PLAIN
    },
];
