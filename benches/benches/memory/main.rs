//! Memory, counted at the allocator over all threads: the bytes of an entry beside other caches, a bound in bytes under churn, and a memory
//! guard. What the process has from the system is told beside it.
//!
//! Names of parts as arguments run only these: `entries`, `many`, `churn`, `guard`; `control` alone is the churn without a cache.
//! `CHURN_SECONDS` is how long a churn lasts (20), `CHURN_PAUSE_MS` the pause between two bursts of it (50; 0 for none), `SCALE_MANY` the
//! entries of the largest store (10 million).

// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
// Time passes, and is waited for.
#![allow(clippy::disallowed_methods)]

// Not the library, which brings an allocator of its own.
#[path = "../../src/budget.rs"]
#[allow(dead_code, unreachable_pub)]
mod budget;
mod churn;
mod counted;
mod entries;
mod guard;
mod parts;
#[path = "../../src/times.rs"]
#[allow(dead_code, unreachable_pub)]
mod times;

use std::alloc::System;
use std::process::ExitCode;

use cap::Cap;
use counted::Memory;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    parts::run(
        Memory::new("the system's allocator", || ALLOCATOR.allocated()),
        &[("entries", entries::run), ("many", entries::many)],
    )
}
