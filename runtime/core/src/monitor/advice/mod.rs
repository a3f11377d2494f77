//! What to change, from what was measured: rules over one snapshot, each with its evidence. Pure.
//!
//! A rule says nothing without enough events to judge by, so a quiet or healthy process gets no advice.

mod cache;
mod load;
mod recommendation;
mod snapshot;
#[cfg(test)]
mod tests;

pub use recommendation::{Recommendation, Targets};
pub use snapshot::SharedTier;
pub(super) use snapshot::Snapshot;

type Rule = fn(&Snapshot, &mut Vec<Recommendation>);

/// What hurts most comes first.
const RULES: &[Rule] = &[
    load::errors,
    cache::shared_tier,
    load::breakers,
    load::memory,
    load::pool,
    load::slow_queries,
    load::response_time,
    cache::hit_rate,
    cache::evictions,
    cache::floor_verdicts,
    cache::slow_loads,
    cache::failing_loads,
    cache::stalled_loads,
    cache::stampedes,
    load::bulkheads,
    load::retries,
    load::cpu,
];

pub(super) fn advise(snapshot: &Snapshot) -> Vec<Recommendation> {
    let mut found = Vec::new();
    for rule in RULES {
        rule(snapshot, &mut found);
    }
    found
}
