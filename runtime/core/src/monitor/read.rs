//! Reading everything at one moment: counters that exist anyway.

use std::collections::BTreeMap;

use super::advice::SharedTier;
use super::sources::RouteFigures;
use super::window::{Tally, Totals};
use crate::handle::Fastness;
use crate::resilience::snapshots;
use crate::timed::{self, Snapshot};

/// All counters.
pub(super) fn totals(at: u64, cache: &Fastness, routes: Option<Vec<RouteFigures>>) -> Totals {
    Totals {
        at,
        cache: cache.stats(),
        timed: timed(timed::snapshots()),
        routes: routes.map(by_route),
        policies: snapshots(),
    }
}

fn timed(all: Vec<Snapshot>) -> BTreeMap<String, Tally> {
    let mut tallies = BTreeMap::<_, Tally>::new();
    for stats in all {
        let tally = tallies.entry(name(&stats)).or_default();
        tally.errors += stats.error.count() + stats.panicked.count();
        tally.slow += stats.slow;
        tally.latency += stats.returned();
        tally.latency += stats.panicked;
    }
    tallies
}

/// With its labels, as `name{label=value}`.
fn name(stats: &Snapshot) -> String {
    if stats.labels.is_empty() {
        return stats.name.to_owned();
    }
    let labels: Vec<_> = stats.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}{{{}}}", stats.name, labels.join(","))
}

fn by_route(all: Vec<RouteFigures>) -> BTreeMap<String, Tally> {
    let mut tallies = BTreeMap::<_, Tally>::new();
    for route in all {
        let tally = tallies.entry(route.route).or_default();
        tally.errors += route.errors;
        tally.latency += route.latency;
    }
    tallies
}

/// The shared tier, where there is one.
#[cfg(feature = "redis")]
pub(super) fn shared(cache: &Fastness) -> Option<SharedTier> {
    let stats = cache.shared()?;
    Some(SharedTier {
        connected: stats.connected,
        coherent: stats.coherent,
        rests: rests(stats.refused, stats.settling),
        latency: super::figures::millis(stats.latency),
        in_doubt: stats.in_doubt as u64,
        hits: stats.hits,
        misses: stats.misses,
        errors: stats.errors,
    })
}

/// Returns the reason why the shared tier is not used, where that is not for want of an answer.
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

/// Without the feature `redis` there is none.
#[cfg(not(feature = "redis"))]
pub(super) fn shared(_: &Fastness) -> Option<SharedTier> {
    None
}
