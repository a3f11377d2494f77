//! Rules about requests, policies, the database and the process.

use super::facts::Facts;
use super::recommendation::{Recommendation, Targets};
use crate::monitor::rounding::{millis, percent, real, rounded};
use crate::monitor::window::CallCounts;
use crate::resilience::PolicyKind;

/// Minimum of requests to judge their mean time by.
const REQUESTS: u64 = 50;
/// Minimum of requests to judge their share of errors by.
const REQUESTS_FOR_ERRORS: u64 = 1_000;
/// Minimum of rejections by a policy for a recommendation.
const REJECTIONS: u64 = 10;
/// Maximum number of slow queries among the recommendations.
const QUERIES: usize = 3;

/// Returns the route or function for which `measure` is largest.
fn worst(facts: &Facts, measure: impl Fn(&CallCounts) -> f64) -> Option<(&str, &CallCounts)> {
    let all = facts.window.routes.as_ref().unwrap_or(&facts.window.timed);
    let worst = all.iter().filter(|(_, calls)| calls.count > 0).max_by(|a, b| measure(a.1).total_cmp(&measure(b.1)));
    worst.map(|(name, calls)| (name.as_str(), calls))
}

fn mean(calls: &CallCounts) -> f64 {
    calls.mean().map_or(0.0, millis)
}

pub(super) fn response_time(facts: &Facts, found: &mut Vec<Recommendation>) {
    let all = facts.window.requests();
    if all.count < REQUESTS || mean(&all) <= Targets::DEFAULT.response_time {
        return;
    }
    let Some((name, calls)) = worst(facts, |calls| mean(calls) * real(calls.count)) else { return };
    found.push(Recommendation {
        rule: "response-time",
        subject: name.to_owned(),
        evidence: format!("most of the time is spent here: {} calls of {} ms on average", calls.count, mean(calls)),
        value: mean(&all),
        target: Targets::DEFAULT.response_time,
        advice: "cache the values that it loads (`#[cacheable]`), or look at its slow queries".into(),
    });
}

pub(super) fn errors(facts: &Facts, found: &mut Vec<Recommendation>) {
    let all = facts.window.requests();
    if all.count < REQUESTS_FOR_ERRORS || all.error_rate() <= Targets::DEFAULT.errors {
        return;
    }
    let Some((name, calls)) = worst(facts, |calls| real(calls.errors)) else { return };
    found.push(Recommendation {
        rule: "errors",
        subject: name.to_owned(),
        evidence: format!("{} of {} calls failed here, {} of {} in all", calls.errors, calls.count, all.errors, all.count),
        value: rounded(all.error_rate()),
        target: Targets::DEFAULT.errors,
        advice: "look at its errors in the log; use `#[retry]` for transient ones, `stale_if_error` or `#[fallback]` for lasting ones".into(),
    });
}

/// Returns the policies of a kind that ended at least [`REJECTIONS`] calls with this outcome: name, number of such calls, number of all
/// calls.
fn rejections(facts: &Facts, kind: PolicyKind, outcome: &str, all: &[&str]) -> Vec<(String, u64, u64)> {
    let policies = facts.window.policies_by_kind(kind).map(|(name, outcomes)| {
        let count = |name: &str| outcomes.get(name).copied().unwrap_or(0);
        (name.to_owned(), count(outcome), all.iter().map(|name| count(name)).sum())
    });
    policies.filter(|(_, rejected, _)| *rejected >= REJECTIONS).collect()
}

pub(super) fn breakers(facts: &Facts, found: &mut Vec<Recommendation>) {
    let all = ["success", "failure", "ignored", "cancelled", "rejected"];
    for (name, rejected, calls) in rejections(facts, PolicyKind::Breaker, "rejected", &all) {
        found.push(Recommendation {
            rule: "breaker-open",
            subject: format!("breaker {name}"),
            evidence: format!("{rejected} of {calls} calls were rejected while it was open"),
            value: rounded(percent(rejected, calls)),
            target: 0.0,
            advice:
                "repair the service that it protects; until then `stale_if_error` or `#[fallback]` can answer callers"
                    .into(),
        });
    }
}

pub(super) fn bulkheads(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (name, rejected, calls) in
        rejections(facts, PolicyKind::Bulkhead, "rejected", &["finished", "rejected", "cancelled", "panicked"])
    {
        let share = percent(rejected, calls);
        if share < 1.0 {
            continue;
        }
        found.push(Recommendation {
            rule: "bulkhead-full",
            subject: format!("bulkhead {name}"),
            evidence: format!("{rejected} of {calls} calls were rejected because it was full"),
            value: rounded(share),
            target: 1.0,
            advice: "make the calls behind it faster, raise `max` if the service behind it can take more, or let callers `wait` for a short time".into(),
        });
    }
}

pub(super) fn retries(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (name, over, calls) in rejections(facts, PolicyKind::Retry, "over_budget", &["calls"]) {
        found.push(Recommendation {
            rule: "retry-budget",
            subject: format!("retry {name}"),
            evidence: format!("{over} of {calls} calls were not retried because the budget was spent"),
            value: rounded(percent(over, calls)),
            target: 0.0,
            advice:
                "many calls fail, so retries would only add load: put a `#[circuit_breaker]` around the failing calls"
                    .into(),
        });
    }
}

pub(super) fn memory(facts: &Facts, found: &mut Vec<Recommendation>) {
    let Some(memory) = facts.memory.filter(|memory| percent(memory.used(), memory.total()) > Targets::DEFAULT.memory)
    else {
        return;
    };
    found.push(Recommendation {
        rule: "memory",
        subject: "process".into(),
        evidence: format!(
            "{} of {} MiB in use, {} entries cached",
            memory.used() >> 20,
            memory.total() >> 20,
            facts.entries
        ),
        value: real(memory.percentage()),
        target: Targets::DEFAULT.memory,
        advice: "limit the cache with `Builder::max_entries`, use a `MemoryGuard`, or give the process more memory"
            .into(),
    });
}

pub(super) fn cpu(facts: &Facts, found: &mut Vec<Recommendation>) {
    let Some(cpu) = facts.cpu.filter(|cpu| *cpu > Targets::DEFAULT.cpu) else { return };
    found.push(Recommendation {
        rule: "cpu",
        subject: "process".into(),
        evidence: format!("{cpu:.0} % of {} cores over the window", facts.process.cores.unwrap_or(1.0)),
        value: rounded(cpu),
        target: Targets::DEFAULT.cpu,
        advice: "cache the values that are most expensive to compute, or run another process".into(),
    });
}

pub(super) fn pool(facts: &Facts, found: &mut Vec<Recommendation>) {
    let Some(pool) = facts.pool.filter(|pool| pool.max > 0) else { return };
    let used = percent(pool.in_use, pool.max);
    if used <= Targets::DEFAULT.pool {
        return;
    }
    found.push(Recommendation {
        rule: "pool",
        subject: "database".into(),
        evidence: format!(
            "{} of at most {} connections are in use, {} operations wait",
            pool.in_use, pool.max, pool.waiting
        ),
        value: rounded(used),
        target: Targets::DEFAULT.pool,
        advice: "make the queries that use them faster, or raise `maxPoolSize`".into(),
    });
}

pub(super) fn slow_queries(facts: &Facts, found: &mut Vec<Recommendation>) {
    let mut slow: Vec<_> = facts.slow_queries.iter().collect();
    slow.sort_by_key(|query| std::cmp::Reverse((query.index.is_some(), query.count)));
    for query in slow.into_iter().take(QUERIES) {
        let advice = match &query.index {
            Some(index) => format!("declare the index `{index}`"),
            None => "look at its plan with `explain`; limit its result, or use a narrower filter".into(),
        };
        found.push(Recommendation {
            rule: if query.index.is_some() { "missing-index" } else { "slow-query" },
            subject: query.collection.clone(),
            evidence: format!("{} was slow {} times, up to {} ms", query.shape, query.count, millis(query.slowest)),
            value: millis(query.slowest),
            target: 100.0,
            advice,
        });
    }
}
