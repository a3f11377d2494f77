//! Recommendations from the figures of one sample: a list of rules, each with its evidence. Pure.
//!
//! A rule recommends nothing without enough events to judge by, so a quiet or healthy process gets no advice.

mod cache;
mod facts;
mod load;
mod recommendation;
#[cfg(test)]
mod tests;

pub(super) use facts::Facts;
pub use recommendation::Recommendation;
pub(super) use recommendation::Targets;

type Rule = fn(&Facts, &mut Vec<Recommendation>);

/// All rules, the most urgent first.
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

pub(super) fn advise(facts: &Facts) -> Vec<Recommendation> {
    let mut found = Vec::new();
    for rule in RULES {
        rule(facts, &mut found);
    }
    found
}
