//! The options of `timed`. `#[label(..)]` has only the option that all attributes share.
//!
//! May use: options/row.

use crate::options::row::{Group, PLAIN, Row, Takes};

const TIMED: &[&str] = &["timed"];

pub(super) static TABLE: &[Group] = &[Group {
    title: "",
    rows: &[
        Row {
            name: "name",
            of: TIMED,
            takes: Takes::Name,
            written: &["name = \"users.find\""],
            default: "`module::function`",
            meaning: "name in figures and logs; functions of one name are one series in the metrics",
            ..PLAIN
        },
        Row {
            name: "slow",
            of: TIMED,
            takes: Takes::Time,
            written: &["slow = \"100ms\""],
            default: "off",
            meaning: "duration from which calls are counted as slow and logged, at most one line a second; `slow = 1` is a second",
            ..PLAIN
        },
        Row {
            name: "labels",
            of: TIMED,
            takes: Takes::Labels,
            written: &["labels(tier = user.tier)"],
            default: "none",
            meaning: "labels of a call: `bool`s, and enums that derive `Label`",
            ..PLAIN
        },
        Row {
            name: "ok_if",
            of: TIMED,
            takes: Takes::Function,
            written: &["ok_if = |result| .."],
            default: "no `Err`",
            meaning: "predicate over results that are ok; not with `error_if`",
            ..PLAIN
        },
        Row {
            name: "error_if",
            of: TIMED,
            takes: Takes::Function,
            written: &["error_if = |result| .."],
            default: "an `Err`",
            meaning: "predicate over results that are errors; not with `ok_if`",
            ..PLAIN
        },
    ],
}];
