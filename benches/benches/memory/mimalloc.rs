//! The churn and the guard of `memory` under another allocator.

// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
// Time passes, and is waited for.
#![allow(clippy::disallowed_methods)]

// Not the library, which brings an allocator of its own.
#[path = "../../src/budget.rs"]
#[allow(dead_code, unreachable_pub)]
mod budget;
mod churn;
#[allow(dead_code, unreachable_pub)]
mod counted;
mod guard;
mod parts;
#[path = "../../src/times.rs"]
#[allow(dead_code, unreachable_pub)]
mod times;

use std::process::ExitCode;

use cap::Cap;
use counted::Memory;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

fn main() -> ExitCode {
    parts::run(Memory::new("mimalloc", || ALLOCATOR.allocated()), &[])
}
