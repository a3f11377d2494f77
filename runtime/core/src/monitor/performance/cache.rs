//! The cache, and each of its call sites.

use serde::Serialize;

use crate::monitor::advice::SharedTier;
use crate::monitor::figures::{millis, per_second, rounded};
use crate::monitor::window::Interval;
use crate::stats::Stats;

/// The cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheReport {
    /// Look-ups that either tier answered; `None` where there were none.
    pub hit_rate: Option<f64>,
    /// Look-ups a second.
    pub per_second: f64,
    /// Entries in the in-process tier now.
    pub entries: usize,
    /// Entries that had to go for lack of room.
    pub evictions: u64,
    /// Call sites that were called, the busiest first.
    pub sites: Vec<SiteReport>,
    /// The shared tier, where there is one.
    pub shared: Option<SharedTier>,
}

/// One cached function.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SiteReport {
    /// Its path.
    pub function: String,
    /// Its key template.
    pub key: String,
    /// Look-ups that the process answered from memory.
    pub hits: u64,
    /// Those that the shared tier answered.
    pub shared_hits: u64,
    /// Those that ran the function, or found nothing.
    pub misses: u64,
    /// Answered by either, in percent.
    pub hit_rate: f64,
    /// Loads that returned a value.
    pub loads: u64,
    /// Loads that failed.
    pub load_errors: u64,
    /// The mean time of a load; 0 without any.
    pub mean_load: f64,
    /// Those that waited for another's load.
    pub coalesced: u64,
    /// Answers after the value's ttl.
    pub stale_served: u64,
    /// Calls that passed by the cache; no look-ups.
    pub bypassed: u64,
}

/// Answered look-ups of all, in percent.
pub(in crate::monitor) fn hit_rate(stats: &Stats) -> Option<f64> {
    stats.hit_rate().map(|rate| rounded(rate * 100.0))
}

impl CacheReport {
    pub(in crate::monitor) fn new(window: &Interval, entries: usize, shared: Option<SharedTier>) -> Self {
        let all = window.cache();
        let mut sites: Vec<_> = window.sites.iter().filter(|(_, stats)| stats.look_ups() > 0).collect();
        sites.sort_by_key(|(_, stats)| std::cmp::Reverse(stats.look_ups()));
        Self {
            hit_rate: hit_rate(&all),
            per_second: per_second(all.look_ups(), window.nanos),
            entries,
            evictions: window.evictions,
            sites: sites.into_iter().map(|((name, key), stats)| SiteReport::new(name, key, stats)).collect(),
            shared,
        }
    }
}

impl SiteReport {
    fn new(function: &str, key: &str, stats: &Stats) -> Self {
        Self {
            function: function.to_owned(),
            key: key.to_owned(),
            hits: stats.hits,
            shared_hits: stats.shared_hits,
            misses: stats.misses,
            hit_rate: hit_rate(stats).unwrap_or(0.0),
            loads: stats.loads,
            load_errors: stats.load_errors + stats.load_timeouts,
            mean_load: stats.mean_load_time().map_or(0.0, millis),
            coalesced: stats.coalesced,
            stale_served: stats.stale_served,
            bypassed: stats.bypassed,
        }
    }
}
