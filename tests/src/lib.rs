//! Integration tests of fastness; see `tests/it`. The examples of the README are tested here.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
