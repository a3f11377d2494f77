//! The parts of a run. Arguments choose some of them; without arguments, all run.

use std::process::ExitCode;

use crate::budget::{Line, budget};
use crate::counted::Memory;
use crate::{churn, guard};

/// Measures one part under an allocator.
pub(crate) type Part = fn(Memory) -> Vec<Line>;

/// The parts that each allocator has.
const EACH: [(&str, Part); 2] = [("churn", churn::run), ("guard", guard::run)];

/// Runs the chosen parts, those of this allocator alone first.
pub(crate) fn run(memory: Memory, only_here: &[(&str, Part)]) -> ExitCode {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if chosen == ["control"] {
        churn::control(memory);
    }
    let is_chosen = |part: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == part);
    let parts = only_here.iter().chain(&EACH).filter(|(name, _)| is_chosen(name));
    let lines: Vec<_> = parts.flat_map(|(_, run)| run(memory)).collect();
    if budget(&lines) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
