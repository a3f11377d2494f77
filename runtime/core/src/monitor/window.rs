//! The sliding window, which turns counters that only grow into the figures of the last minute or so.
//!
//! Each sample is compared with the one before it. The differences of the last samples, added up, are the window of all rates and
//! percentiles. A counter that was reset counts from zero.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::rounding::{percent, real};
use crate::handle::HandleStats;
use crate::resilience::{self, PolicyKind};
use crate::stats::Stats;
use crate::timed::Latency;

#[cfg(test)]
mod tests;

/// Totals of a timed function or a route since the start.
#[derive(Clone, Debug, Default)]
pub(super) struct CallTotals {
    pub(super) latency: Latency,
    pub(super) errors: u64,
    pub(super) slow: u64,
}

/// All counters at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    /// Time of the reading, in nanoseconds of the clock.
    pub(super) at: u64,
    pub(super) cache: HandleStats,
    pub(super) timed: BTreeMap<String, CallTotals>,
    pub(super) routes: Option<BTreeMap<String, CallTotals>>,
    pub(super) policies: Vec<resilience::Snapshot>,
}

/// Calls of one name within an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CallCounts {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) slow: u64,
    nanos: u64,
    /// Number of calls by time, in the buckets of the histogram.
    buckets: BTreeMap<Duration, u64>,
}

/// Differences between two samples, or the sum of several such differences.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Interval {
    pub(super) nanos: u64,
    /// Counters by function and key template.
    pub(super) sites: BTreeMap<(String, String), Stats>,
    /// True if the whole cache was turned off at the last sample.
    pub(super) disabled: bool,
    /// Call sites that were turned off at the last sample.
    pub(super) disabled_sites: BTreeSet<(String, String)>,
    pub(super) evictions: u64,
    pub(super) floor_verdicts: u64,
    pub(super) timed: BTreeMap<String, CallCounts>,
    /// `None` where no routes are reported.
    pub(super) routes: Option<BTreeMap<String, CallCounts>>,
    pub(super) policies: BTreeMap<(PolicyKind, String), BTreeMap<&'static str, u64>>,
}

/// Maximum number of intervals in a window, however often samples are taken.
const MAX_INTERVALS: u64 = 120;

/// The last intervals, and the sample that the next is compared with.
#[derive(Debug, Default)]
pub(super) struct SampleWindow {
    last: Option<Totals>,
    intervals: VecDeque<Interval>,
}

impl SampleWindow {
    /// Adds a sample and returns the difference from the one before; `None` for the first.
    pub(super) fn add(&mut self, mut totals: Totals, length: Duration) -> Option<Interval> {
        if totals.routes.is_none() {
            // A source that failed this time continues from its last figures.
            totals.routes = self.last.as_ref().and_then(|last| last.routes.clone());
        }
        let interval = self.last.as_ref().map(|last| Interval::between(last, &totals));
        self.last = Some(totals);
        let interval = interval?;
        match self.intervals.back_mut() {
            Some(last) if last.nanos < crate::clock::nanos(length) / MAX_INTERVALS => last.add(&interval),
            _ => self.intervals.push_back(interval.clone()),
        }
        let mut covered: u64 = self.intervals.iter().map(|interval| interval.nanos).sum();
        while self.intervals.len() > 1 && covered - self.intervals[0].nanos >= crate::clock::nanos(length) {
            covered -= self.intervals.pop_front().map_or(0, |oldest| oldest.nanos);
        }
        Some(interval)
    }

    /// Returns the sum of all intervals.
    pub(super) fn sum(&self) -> Interval {
        let mut sum = Interval::default();
        for interval in &self.intervals {
            sum.add(interval);
        }
        sum
    }
}

impl Interval {
    fn between(before: &Totals, after: &Totals) -> Self {
        let (old, new) = (&before.cache, &after.cache);
        let old_sites = by_site(old);
        let sites = by_site(new).into_iter().map(|(site, stats)| {
            let since = old_sites.get(&site).map_or(stats, |old| stats.since(old));
            (site, since)
        });
        // The first figures of a source may cover any time, so they are no rate.
        let routes = after.routes.as_ref();
        let routes = routes.map(|routes| before.routes.as_ref().map_or_else(BTreeMap::new, |old| calls(old, routes)));
        Self {
            nanos: after.at.saturating_sub(before.at),
            sites: sites.collect(),
            disabled: new.disabled,
            disabled_sites: disabled_sites(new),
            evictions: new.evictions.saturating_sub(old.evictions),
            floor_verdicts: new.floor_verdicts.saturating_sub(old.floor_verdicts),
            timed: calls(&before.timed, &after.timed),
            routes,
            policies: policies(&before.policies, &after.policies),
        }
    }

    fn add(&mut self, other: &Self) {
        self.nanos += other.nanos;
        self.evictions += other.evictions;
        self.floor_verdicts += other.floor_verdicts;
        (self.disabled, self.disabled_sites) = (other.disabled, other.disabled_sites.clone());
        for (site, stats) in &other.sites {
            *self.sites.entry(site.clone()).or_default() += *stats;
        }
        add_calls(&mut self.timed, &other.timed);
        if let Some(routes) = &other.routes {
            add_calls(self.routes.get_or_insert_default(), routes);
        }
        for (policy, outcomes) in &other.policies {
            let sum = self.policies.entry(policy.clone()).or_default();
            for (outcome, count) in outcomes {
                *sum.entry(outcome).or_default() += count;
            }
        }
    }

    /// Returns the sum of all call sites.
    pub(super) fn cache(&self) -> Stats {
        let mut all = Stats::default();
        for stats in self.sites.values() {
            all += *stats;
        }
        all
    }

    /// Returns the sum of all requests; of all timed calls where no routes are reported.
    pub(super) fn requests(&self) -> CallCounts {
        let mut all = CallCounts::default();
        for calls in self.routes.as_ref().unwrap_or(&self.timed).values() {
            all.add(calls);
        }
        all
    }

    /// Returns the policies of one kind by name, with the outcomes of their calls.
    pub(super) fn policies_by_kind(
        &self,
        kind: PolicyKind,
    ) -> impl Iterator<Item = (&str, &BTreeMap<&'static str, u64>)> {
        self.policies
            .iter()
            .filter(move |((of_kind, _), _)| *of_kind == kind)
            .map(|((_, name), outcomes)| (name.as_str(), outcomes))
    }
}

fn disabled_sites(stats: &HandleStats) -> BTreeSet<(String, String)> {
    let disabled = stats.sites.iter().filter(|site| site.disabled);
    disabled.map(|site| (site.name.clone(), site.key.clone())).collect()
}

fn by_site(stats: &HandleStats) -> BTreeMap<(String, String), Stats> {
    let mut sites = BTreeMap::<_, Stats>::new();
    for site in &stats.sites {
        *sites.entry((site.name.clone(), site.key.clone())).or_default() += site.stats;
    }
    sites
}

fn calls(before: &BTreeMap<String, CallTotals>, after: &BTreeMap<String, CallTotals>) -> BTreeMap<String, CallCounts> {
    let none = CallTotals::default();
    let since = |(name, tally): (&String, &CallTotals)| {
        (name.clone(), CallCounts::between(before.get(name).unwrap_or(&none), tally))
    };
    after.iter().map(since).collect()
}

fn add_calls(sum: &mut BTreeMap<String, CallCounts>, more: &BTreeMap<String, CallCounts>) {
    for (name, calls) in more {
        sum.entry(name.clone()).or_default().add(calls);
    }
}

fn policies(
    before: &[resilience::Snapshot],
    after: &[resilience::Snapshot],
) -> BTreeMap<(PolicyKind, String), BTreeMap<&'static str, u64>> {
    let mut all = BTreeMap::<_, BTreeMap<_, u64>>::new();
    let mut count = |policies: &[resilience::Snapshot], add: fn(u64, u64) -> u64| {
        for policy in policies {
            let outcomes = all.entry((policy.kind, policy.name.to_string())).or_default();
            for (outcome, number) in &policy.outcomes {
                let total = outcomes.entry(*outcome).or_default();
                *total = add(*total, *number);
            }
        }
    };
    count(after, u64::saturating_add);
    count(before, u64::saturating_sub);
    all
}

impl CallCounts {
    fn between(before: &CallTotals, after: &CallTotals) -> Self {
        let reset = after.latency.count() < before.latency.count();
        let before = if reset { &CallTotals::default() } else { before };
        Self {
            count: after.latency.count() - before.latency.count(),
            errors: after.errors.saturating_sub(before.errors),
            slow: after.slow.saturating_sub(before.slow),
            nanos: crate::clock::nanos(after.latency.total())
                .saturating_sub(crate::clock::nanos(before.latency.total())),
            buckets: after.latency.since(&before.latency).collect(),
        }
    }

    /// Creates calls that took these times.
    #[cfg(test)]
    pub(super) fn from_times(times: &[Duration], errors: u64) -> Self {
        Self::between(&CallTotals::default(), &CallTotals { latency: Latency::from_times(times), errors, slow: 0 })
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.slow += other.slow;
        self.nanos = self.nanos.saturating_add(other.nanos);
        for (time, count) in &other.buckets {
            *self.buckets.entry(*time).or_default() += count;
        }
    }

    pub(super) fn mean(&self) -> Option<Duration> {
        self.nanos.checked_div(self.count).map(Duration::from_nanos)
    }

    /// Returns a quantile, by nearest rank; `None` without calls.
    pub(super) fn quantile(&self, q: f64) -> Option<Duration> {
        let all: u64 = self.buckets.values().sum();
        let mut seen = 0;
        let reaches = |(_, count): &(&Duration, &u64)| {
            seen += **count;
            real(seen) >= q * real(all)
        };
        self.buckets.iter().find(reaches).map(|(time, _)| *time)
    }

    /// Returns the failed calls in percent.
    pub(super) fn error_rate(&self) -> f64 {
        percent(self.errors, self.count)
    }
}
