//! Rules about caching.

use super::facts::Facts;
use super::recommendation::{Recommendation, Targets};
use crate::monitor::rounding::{millis, percent, real, rounded};
use crate::stats::Stats;

/// Minimum of look-ups to judge a function by.
const LOOK_UPS: u64 = 200;
/// Minimum of loads to judge a function by.
const LOADS: u64 = 50;
/// Mean time of loads, in milliseconds, from which callers should not have to wait for them.
const SLOW_LOAD: f64 = 100.0;
/// Minimum of evictions or of look-ups judged by a floor for a recommendation.
const MANY: u64 = 100;
/// Hit rate of a function, in percent, below which there is a recommendation.
const LOW: f64 = 70.0;

fn rate(stats: &Stats) -> f64 {
    percent(stats.hits + stats.shared_hits, stats.lookups())
}

fn site((name, key): &(String, String)) -> String {
    if key.is_empty() { name.clone() } else { format!("{name} ({key})") }
}

pub(super) fn hit_rate(facts: &Facts, found: &mut Vec<Recommendation>) {
    let before = found.len();
    for (id, stats) in &facts.window.sites {
        let rate = rate(stats);
        if stats.lookups() < LOOK_UPS || stats.loads < LOADS || rate >= LOW {
            continue;
        }
        let overtaken = percent(stats.overtaken, stats.loads);
        let advice = if overtaken > 20.0 {
            format!(
                "{overtaken:.0} % of its loads were overtaken by an invalidation: invalidate single keys instead of a pattern or a tag"
            )
        } else if facts.window.evictions >= stats.loads / 2 {
            "entries are evicted before they are used again: raise `capacity` of the function, or `Builder::capacity`"
                .into()
        } else {
            "set a longer `ttl` if its values may be older; else make the key coarser: leave out with `skip(..)` the arguments that do not change the result".into()
        };
        found.push(Recommendation {
            rule: "low-hit-rate",
            subject: site(id),
            evidence: format!("{} of {} look-ups loaded, {} loads", stats.misses, stats.lookups(), stats.loads),
            value: rounded(rate),
            target: Targets::DEFAULT.hit_rate,
            advice,
        });
    }
    let all = facts.window.cache();
    if found.len() == before && all.lookups() >= 5 * LOOK_UPS && rate(&all) < Targets::DEFAULT.hit_rate {
        found.push(Recommendation {
            rule: "hit-rate",
            subject: "cache".into(),
            evidence: format!("{} of {} look-ups of all functions", all.hits + all.shared_hits, all.lookups()),
            value: rounded(rate(&all)),
            target: Targets::DEFAULT.hit_rate,
            advice:
                "begin with the function that has the lowest hit rate and the most look-ups in the list of call sites"
                    .into(),
        });
    }
}

pub(super) fn evictions(facts: &Facts, found: &mut Vec<Recommendation>) {
    let (all, evictions) = (facts.window.cache(), facts.window.evictions);
    let share = percent(evictions, all.loads);
    if evictions < MANY || all.lookups() < LOOK_UPS || share < 25.0 || rate(&all) >= Targets::DEFAULT.hit_rate {
        return;
    }
    found.push(Recommendation {
        rule: "evictions",
        subject: "cache".into(),
        evidence: format!(
            "{evictions} entries were evicted for {} that were loaded, {} are cached",
            all.loads, facts.entries
        ),
        value: rounded(share),
        target: 25.0,
        advice: "raise `Builder::capacity`, or `capacity = ..` of the functions with the most loads, if memory allows"
            .into(),
    });
}

pub(super) fn floor_verdicts(facts: &Facts, found: &mut Vec<Recommendation>) {
    let (all, verdicts) = (facts.window.cache(), facts.window.floor_verdicts);
    let share = percent(verdicts, all.lookups());
    if verdicts < MANY || share < 0.1 {
        return;
    }
    found.push(Recommendation {
        rule: "invalidation-memory",
        subject: "cache".into(),
        evidence: format!(
            "{verdicts} of {} look-ups may have missed because the table of invalidations is full",
            all.lookups()
        ),
        value: rounded(share),
        target: 0.1,
        advice: "double `Builder::invalidation_memory` (1 MiB unless it was set)".into(),
    });
}

pub(super) fn slow_loads(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (id, stats) in &facts.window.sites {
        let Some(mean) = stats.mean_load_time().map(millis) else { continue };
        if stats.loads < LOADS || mean < SLOW_LOAD || stats.stale_served > 0 || stats.early_refreshes > 0 {
            continue;
        }
        found.push(Recommendation {
            rule: "slow-loads",
            subject: site(id),
            evidence: format!("{} loads took {mean} ms on average, and callers waited for each", stats.loads),
            value: mean,
            target: SLOW_LOAD,
            advice: "set `stale = ..` to serve the stale value while one caller refreshes it, or `early = xfetch` to refresh before the expiry".into(),
        });
    }
}

pub(super) fn failing_loads(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (id, stats) in &facts.window.sites {
        let failed = stats.load_errors + stats.load_timeouts;
        let share = percent(failed, failed + stats.loads);
        if failed < LOADS || share < 5.0 || stats.stale_served > 0 {
            continue;
        }
        found.push(Recommendation {
            rule: "failing-loads",
            subject: site(id),
            evidence: format!("{failed} of {} loads failed", failed + stats.loads),
            value: rounded(share),
            target: 5.0,
            advice: "set `stale_if_error = ..` to serve the last value while the origin fails; a `#[circuit_breaker]` protects the origin".into(),
        });
    }
}

pub(super) fn stalled_loads(facts: &Facts, found: &mut Vec<Recommendation>) {
    for (id, stats) in facts.window.sites.iter().filter(|(_, stats)| stats.loads_stalled > 0) {
        let stalled = stats.loads_stalled;
        found.push(Recommendation {
            rule: "stalled-loads",
            subject: site(id),
            evidence: format!("{stalled} loads were not polled, so callers began others"),
            value: real(stalled),
            target: 0.0,
            advice: "poll the future to its end: in a separate task, or outside of a `select!` that drops it; change `load_timeout` for a load that is slow, or that needs its own key in another task".into(),
        });
    }
}

/// Recommends single flight across the fleet: if callers wait for loads in this process, every other process likely runs the same loads.
pub(super) fn stampedes(facts: &Facts, found: &mut Vec<Recommendation>) {
    if facts.shared.is_none() {
        return;
    }
    for (id, stats) in &facts.window.sites {
        let Some(mean) = stats.mean_load_time().map(millis) else { continue };
        if stats.loads < LOADS || stats.coalesced < 2 * stats.loads || mean < SLOW_LOAD {
            continue;
        }
        found.push(Recommendation {
            rule: "fleet-single-flight",
            subject: site(id),
            evidence: format!(
                "{} calls waited for {} loads of {mean} ms in this process alone",
                stats.coalesced, stats.loads
            ),
            value: rounded(percent(stats.coalesced, stats.loads)),
            target: 200.0,
            advice: "set `single_flight = fleet`, which a function with `batch` cannot have: one process loads, the others wait for its value".into(),
        });
    }
}

pub(super) fn shared_tier(facts: &Facts, found: &mut Vec<Recommendation>) {
    let Some(tier) = facts.shared.filter(|tier| !tier.connected || !tier.coherent) else { return };
    let (evidence, advice) = if let Some(why) = tier.rests {
        (why.to_owned(), "see `Redis::takeover` and `Redis::allow_unsafe_servers`")
    } else if tier.connected && tier.in_doubt > 0 {
        (
            format!("{} invalidations are not announced", tier.in_doubt),
            "check in the log whether Redis refuses writes: its memory, its disk, its replicas, the user's permissions",
        )
    } else if tier.connected {
        (
            "the invalidation log was not read recently enough".to_owned(),
            "check whether Redis answers in time: its load, `SLOWLOG GET`, the network",
        )
    } else {
        (
            "there is no connection".to_owned(),
            "check whether Redis runs, and whether this process can reach it at the configured address",
        )
    };
    found.push(Recommendation {
        rule: "shared-tier",
        subject: "shared tier".into(),
        evidence,
        value: tier.latency,
        target: 0.0,
        advice: format!("{advice}; until then values are cached in this process only, and for a short time"),
    });
}
