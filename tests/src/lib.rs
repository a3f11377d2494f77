//! Integration tests of fastness; see `tests/it`. The examples of the README and of `docs/` are tested here. The harness that races loads
//! against invalidations is here too, so that the benchmarks can race other caches with it.

// A test without its servers or files has failed.
#![allow(clippy::missing_panics_doc)]

pub mod breakers;
pub mod deploy;
#[cfg(doctest)]
mod guide;
pub mod history;
pub mod imports;
pub mod logged;
pub mod names;
pub mod one_key;
pub mod program;
pub mod questions;
pub mod race;
pub mod sent_body;
pub mod servers;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
