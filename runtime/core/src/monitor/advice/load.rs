//! Rules about requests, policies, the database and the process.

use super::facts::Facts;
use super::recommendation::{Recommendation, Targets};
use crate::monitor::rounding::{millis, percent, real, rounded};
use crate::monitor::window::CallCounts;
use crate::resilience::PolicyKind;

/// Requests by which a mean can be judged, and a share of errors.
const REQUESTS: u64 = 50;
const REQUESTS_FOR_ERRORS: u64 = 1_000;
/// Refusals of a policy that are worth a word.
const REFUSALS: u64 = 10;
/// How many slow queries are worth a word at once.
const QUERIES: usize = 3;

/// The one of all routes and functions for which this is most.
fn worst(facts: &Facts, most: impl Fn(&CallCounts) -> f64) -> Option<(&str, &CallCounts)> {
    let all = facts.window.routes.as_ref().unwrap_or(&facts.window.timed);
    let worst = all.iter().filter(|(_, calls)| calls.count > 0).max_by(|a, b| most(a.1).total_cmp(&most(b.1)));
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
        evidence: format!("most of the time goes here: {} calls of {} ms in the mean", calls.count, mean(calls)),
        value: mean(&all),
        target: Targets::DEFAULT.response_time,
        advice: "cache what it loads (`#[cacheable]`), or see the slow queries that it makes".into(),
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
        advice: "see its errors in the log; `#[retry]` for those that pass, `stale_if_error` or `#[fallback]` for those that last".into(),
    });
}

/// Calls that a policy ended in this way, among all.
fn refusals(facts: &Facts, kind: PolicyKind, outcome: &str, all: &[&str]) -> Vec<(String, u64, u64)> {
    let policies = facts.window.policies_by_kind(kind).map(|(name, outcomes)| {
        let of = |name: &str| outcomes.get(name).copied().unwrap_or(0);
        (name.to_owned(), of(outcome), all.iter().map(|name| of(name)).sum())
    });
    policies.filter(|(_, refused, _)| *refused >= REFUSALS).collect()
}

pub(super) fn breakers(facts: &Facts, found: &mut Vec<Recommendation>) {
    let all = ["success", "failure", "ignored", "cancelled", "rejected"];
    for (name, rejected, calls) in refusals(facts, PolicyKind::Breaker, "rejected", &all) {
        found.push(Recommendation {
            rule: "breaker-open",
            subject: format!("breaker {name}"),
            evidence: format!("{rejected} of {calls} calls were rejected while it was open"),
            value: rounded(percent(rejected, calls)),
            target: 0.0,
            advice: "see to what it protects; until then `stale_if_error` or `#[fallback]` answers its callers".into(),
        });
    }
}

pub(super) fn bulkheads(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (name, rejected, calls) in
        refusals(facts, PolicyKind::Bulkhead, "rejected", &["finished", "rejected", "cancelled", "panicked"])
    {
        let share = percent(rejected, calls);
        if share < 1.0 {
            continue;
        }
        found.push(Recommendation {
            rule: "bulkhead-full",
            subject: format!("bulkhead {name}"),
            evidence: format!("{rejected} of {calls} calls found no place"),
            value: rounded(share),
            target: 1.0,
            advice: "make the calls behind it quicker, raise `max` if what it protects bears more, or give callers a short `wait`".into(),
        });
    }
}

pub(super) fn retries(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (name, over, calls) in refusals(facts, PolicyKind::Retry, "over_budget", &["calls"]) {
        found.push(Recommendation {
            rule: "retry-budget",
            subject: format!("retry {name}"),
            evidence: format!("{over} of {calls} calls were not tried again, as the budget was spent"),
            value: rounded(percent(over, calls)),
            target: 0.0,
            advice: "more than a few calls fail, and retries would only add load: put a `#[circuit_breaker]` around what fails".into(),
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
        advice: "bound the cache with `Builder::max_entries`, use a `MemoryGuard`, or give the process more".into(),
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
        advice: "cache what costs most to compute, or run another process".into(),
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
            "{} of at most {} connections in use, {} operations wait",
            pool.in_use, pool.max, pool.waiting
        ),
        value: rounded(used),
        target: Targets::DEFAULT.pool,
        advice: "shorten the queries that hold them, or raise `maxPoolSize`".into(),
    });
}

pub(super) fn slow_queries(facts: &Facts, found: &mut Vec<Recommendation>) {
    let mut slow: Vec<_> = facts.slow_queries.iter().collect();
    slow.sort_by_key(|query| std::cmp::Reverse((query.index.is_some(), query.count)));
    for query in slow.into_iter().take(QUERIES) {
        let advice = match &query.index {
            Some(index) => format!("declare the index `{index}`"),
            None => {
                "see what the server does for it with `explain`; a bound on its result, or a narrower filter".into()
            }
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
