//! The cache within the window, and each of its call sites.

use serde::{Serialize, Serializer};

use crate::handle::SiteStats;
use crate::monitor::rounding::{millis, per_second, rounded};
use crate::monitor::shared_tier::SharedTier;
use crate::monitor::window::Interval;
use crate::stats::Stats;

/// Look-ups of the cache within the window, and the state of its tiers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheActivity {
    /// Look-ups that either tier answered, in percent; `None` without look-ups.
    pub hit_rate: Option<f64>,
    /// Look-ups per second.
    pub per_second: f64,
    /// Entries in the local tier now.
    pub entries: usize,
    /// Entries that were evicted for lack of room.
    pub evictions: u64,
    /// True while the whole cache is turned off.
    pub disabled: bool,
    /// Call sites that were called or are turned off, the busiest first, with their counters of the window. In JSON times are in
    /// milliseconds, and `loadErrors` includes timeouts.
    #[serde(serialize_with = "serialize_sites")]
    pub sites: Vec<SiteStats>,
    /// The shared tier; `None` if there is none.
    pub shared: Option<SharedTier>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SerializedSite<'a> {
    function: &'a str,
    key: &'a str,
    disabled: bool,
    hits: u64,
    shared_hits: u64,
    misses: u64,
    hit_rate: f64,
    loads: u64,
    load_errors: u64,
    mean_load: f64,
    coalesced: u64,
    stale_served: u64,
    bypassed: u64,
}

/// Returns the look-ups that either tier answered, in percent; `None` without look-ups.
pub(in crate::monitor) fn hit_rate(stats: &Stats) -> Option<f64> {
    stats.hit_rate().map(|rate| rounded(rate * 100.0))
}

impl CacheActivity {
    pub(in crate::monitor) fn new(window: &Interval, entries: usize, shared: Option<SharedTier>) -> Self {
        let all = window.cache();
        let disabled = |site: &(String, String)| window.disabled_sites.contains(site);
        let shown = window.sites.iter().filter(|(site, stats)| stats.calls() > 0 || disabled(site));
        let of_site = |(site, stats): (&(String, String), &Stats)| {
            let (name, key) = site.clone();
            SiteStats { name, key, disabled: disabled(site), stats: *stats }
        };
        let mut sites: Vec<_> = shown.map(of_site).collect();
        sites.sort_by_key(|site| std::cmp::Reverse(site.stats.calls()));
        Self {
            hit_rate: hit_rate(&all),
            per_second: per_second(all.lookups(), window.nanos),
            entries,
            evictions: window.evictions,
            disabled: window.disabled,
            sites,
            shared,
        }
    }
}

fn serialize_sites<S: Serializer>(sites: &[SiteStats], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sites.iter().map(|SiteStats { name, key, disabled, stats }| SerializedSite {
        function: name,
        key,
        disabled: *disabled,
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
    }))
}
