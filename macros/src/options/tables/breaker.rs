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
        meaning: "the name by which `Breaker::named(..)` finds it; one name is one breaker in the process. Methods must have one",
        ..PLAIN
    },
    Row {
        name: "failure_threshold",
        of: BREAKER,
        takes: Takes::OrOff(&Takes::Count32),
        written: &["failure_threshold = 5", "failure_threshold = off"],
        default: "5 or 15",
        meaning: "failures in a row that open it; by default 5 while the window holds fewer than `min_calls`, and 15 otherwise",
        call: settings("failure_threshold"),
        ..PLAIN
    },
    Row {
        name: "failure_rate",
        of: BREAKER,
        takes: Takes::OrOff(&Takes::Percent),
        written: &["failure_rate = 50", "failure_rate = off"],
        default: "50 %",
        meaning: "share of failed calls in the window that opens it",
        call: settings("failure_rate"),
        elsewhere: &["failure_rate_threshold"],
    },
    Row {
        name: "slow_rate",
        of: BREAKER,
        takes: Takes::Percent,
        written: &["slow_rate = 80"],
        default: "off",
        meaning: "share of slow calls in the window that opens it; needs `slow`",
        call: Call::Of(Builder::Settings, Method::With("slow_rate", "slow")),
        elsewhere: &["slow_call_rate_threshold"],
    },
    Row {
        name: "slow",
        of: BREAKER,
        takes: Takes::ConstTime,
        written: &["slow = \"1s\""],
        default: "off",
        meaning: "how long a call takes that counts as slow; needs `slow_rate`",
        ..PLAIN
    },
    Row {
        name: "min_calls",
        of: BREAKER,
        takes: Takes::Count32,
        written: &["min_calls = 20"],
        default: "80",
        meaning: "calls in the window before a rate means anything; of a window of fewer calls, all of them",
        call: settings("min_calls"),
        elsewhere: &["minimum_calls"],
    },
    Row {
        name: "window",
        of: BREAKER,
        takes: Takes::Window,
        written: &["window = \"30s\"", "window = 100"],
        default: "30 s",
        meaning: "the time, or the number of calls, that rates are of",
        call: settings("window"),
        ..PLAIN
    },
    Row {
        name: "open_for",
        of: BREAKER,
        takes: Takes::ConstTime,
        written: &["open_for = \"5s\""],
        default: "5 s",
        meaning: "how long it stays open; doubles with each failed round of probes",
        call: settings("open_for"),
        elsewhere: &["reset_timeout", "wait_duration"],
    },
    Row {
        name: "max_open",
        of: BREAKER,
        takes: Takes::ConstTime,
        written: &["max_open = \"60s\""],
        default: "60 s",
        meaning: "the longest that it stays open",
        call: settings("max_open"),
        ..PLAIN
    },
    Row {
        name: "probes",
        of: BREAKER,
        takes: Takes::Count32,
        written: &["probes = 3"],
        default: "3",
        meaning: "calls that are made while it is half-open, and judged by `failure_rate` and `slow_rate`",
        call: settings("probes"),
        ..PLAIN
    },
    Row {
        name: "probe_timeout",
        of: BREAKER,
        takes: Takes::ConstTime,
        written: &["probe_timeout = \"30s\""],
        default: "30 s",
        meaning: "after which a probe that does not end gives its place up",
        call: settings("probe_timeout"),
        ..PLAIN
    },
    Row {
        name: "cancelled",
        of: BREAKER,
        takes: Takes::Words(&["failure", "nothing"]),
        written: &["cancelled = failure"],
        default: "`nothing`",
        meaning: "what a call counts as whose future is dropped",
        call: Call::Of(Builder::Settings, Method::Words(&[("failure", "cancelled_is_failure")])),
        ..PLAIN
    },
    Row {
        name: "timeout",
        of: BREAKER,
        takes: Takes::ConstTime,
        written: &["timeout = \"5s\""],
        default: "none",
        meaning: "after which a call is dropped and has failed; the error type needs `From<TimedOut>`, the function must be `async`",
        ..PLAIN
    },
    Row {
        name: "ignore",
        of: BREAKER,
        takes: Takes::Function,
        written: &["ignore = |error| error.is_not_found()"],
        default: "none",
        meaning: "errors that say nothing of the callee",
        ..PLAIN
    },
    Row {
        name: "failure_if",
        of: BREAKER,
        takes: Takes::Function,
        written: &["failure_if = |result| result.is_err()"],
        default: "an `Err` is a failure",
        meaning: "what is a failure, asked of the whole result; not with `ignore`",
        ..PLAIN
    },
    Row {
        name: "per",
        of: BREAKER,
        written: &["per = \"{host}\""],
        default: "one for all",
        meaning: "a breaker for each key",
        ..PLAIN
    },
    Row {
        name: "keys",
        of: BREAKER,
        takes: Takes::Count,
        written: &["keys = 1_000"],
        default: "1 000",
        meaning: "how many keys are kept; needs `per`",
        ..PLAIN
    },
    Row {
        name: "fallback",
        of: BREAKER,
        written: &["fallback = path"],
        default: "none",
        meaning: "answers a rejected call: a function of the same arguments and a `Rejected`; `self` is given to a path that begins with `Self::`",
        ..PLAIN
    },
];
