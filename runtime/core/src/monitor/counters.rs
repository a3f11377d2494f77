//! One reading of all counters.

use std::collections::BTreeMap;

use super::shared_tier::SharedTier;
use super::sources::RouteTotals;
use super::window::{CallTotals, Totals};
use crate::handle::Fastness;
use crate::resilience::snapshots;
use crate::timed::{self, Snapshot};

/// Reads all counters. `at` is the time, in nanoseconds of the clock.
pub(super) fn totals(at: u64, cache: &Fastness, routes: Option<Vec<RouteTotals>>) -> Totals {
    Totals {
        at,
        cache: cache.stats(),
        timed: timed(timed::snapshots()),
        routes: routes.map(by_route),
        policies: snapshots(),
    }
}

fn timed(all: Vec<Snapshot>) -> BTreeMap<String, CallTotals> {
    let mut tallies = BTreeMap::<_, CallTotals>::new();
    for stats in all {
        let tally = tallies.entry(name_with_labels(&stats)).or_default();
        tally.errors += stats.error.count() + stats.panicked.count();
        tally.slow += stats.slow;
        tally.latency += stats.returned();
        tally.latency += stats.panicked;
    }
    tallies
}

/// Returns `name{label=value}`, or the name alone if there are no labels.
fn name_with_labels(stats: &Snapshot) -> String {
    if stats.labels.is_empty() {
        return stats.name.to_owned();
    }
    let labels: Vec<_> = stats.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}{{{}}}", stats.name, labels.join(","))
}

fn by_route(all: Vec<RouteTotals>) -> BTreeMap<String, CallTotals> {
    let mut tallies = BTreeMap::<_, CallTotals>::new();
    for route in all {
        let tally = tallies.entry(route.route).or_default();
        tally.errors += route.errors;
        tally.latency += route.latency;
    }
    tallies
}

/// Reads the shared tier; `None` if there is none.
#[cfg(feature = "redis")]
pub(super) fn shared_tier(cache: &Fastness) -> Option<SharedTier> {
    let stats = cache.shared()?;
    Some(SharedTier {
        connected: stats.connected,
        coherent: stats.coherent,
        rests: rests(stats.refused, stats.settling),
        latency: super::rounding::millis(stats.latency),
        in_doubt: stats.in_doubt as u64,
        hits: stats.hits,
        misses: stats.misses,
        errors: stats.errors,
    })
}

/// Returns the reason why the shared tier is not used, if that is another than a lack of answers.
#[cfg(feature = "redis")]
fn rests(refused: bool, settling: bool) -> Option<&'static str> {
    if refused {
        Some("the shared tier is refused: invalidations could be missed with this set-up, see the log")
    } else if settling {
        Some("the shared tier rests: a new master is used once its predecessor is gone")
    } else {
        None
    }
}

/// Returns `None`: without the feature `redis` there is no shared tier.
#[cfg(not(feature = "redis"))]
pub(super) fn shared_tier(_: &Fastness) -> Option<SharedTier> {
    None
}
