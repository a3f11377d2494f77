//! From counters that only grow to what happened lately.
//!
//! Each look is compared with the one before it, and the difference kept; the last of these, added up, are the window that
//! every rate and every percentile is of. A counter that begins anew counts from there.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::figures::{percent, real};
use crate::handle::HandleStats;
use crate::resilience::{PolicyKind, PolicySnapshot};
use crate::stats::Stats;
use crate::timed::Latency;

/// A timed function or a route since the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) latency: Latency,
    pub(super) errors: u64,
    pub(super) slow: u64,
}

/// All counters at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    /// In nanoseconds of the clock.
    pub(super) at: u64,
    pub(super) cache: HandleStats,
    pub(super) timed: BTreeMap<String, Tally>,
    pub(super) routes: Option<BTreeMap<String, Tally>>,
    pub(super) policies: Vec<PolicySnapshot>,
}

/// Calls of one name within a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calls {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) slow: u64,
    nanos: u64,
    /// How many took how long.
    buckets: BTreeMap<Duration, u64>,
}

/// What happened within a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Interval {
    pub(super) nanos: u64,
    /// By function and key template.
    pub(super) sites: BTreeMap<(String, String), Stats>,
    pub(super) evictions: u64,
    pub(super) floor_verdicts: u64,
    pub(super) timed: BTreeMap<String, Calls>,
    /// `None` where nobody tells of routes.
    pub(super) routes: Option<BTreeMap<String, Calls>>,
    pub(super) policies: BTreeMap<(PolicyKind, String), BTreeMap<&'static str, u64>>,
}

/// Into so many parts a window is divided at most, however often someone looks.
const PARTS: u64 = 120;

/// The last intervals.
#[derive(Debug, Default)]
pub(super) struct Window {
    last: Option<Totals>,
    intervals: VecDeque<Interval>,
}

impl Window {
    /// Takes in a look, and returns what is new since the one before. The first is only what later ones are compared with.
    pub(super) fn add(&mut self, mut totals: Totals, length: Duration) -> Option<Interval> {
        if totals.routes.is_none() {
            // Who fails to tell this time goes on from where it was.
            totals.routes = self.last.as_ref().and_then(|last| last.routes.clone());
        }
        let interval = self.last.as_ref().map(|last| Interval::between(last, &totals));
        self.last = Some(totals);
        let interval = interval?;
        match self.intervals.back_mut() {
            Some(last) if last.nanos < crate::clock::nanos(length) / PARTS => last.add(&interval),
            _ => self.intervals.push_back(interval.clone()),
        }
        let mut covered: u64 = self.intervals.iter().map(|interval| interval.nanos).sum();
        while self.intervals.len() > 1 && covered - self.intervals[0].nanos >= crate::clock::nanos(length) {
            covered -= self.intervals.pop_front().map_or(0, |oldest| oldest.nanos);
        }
        Some(interval)
    }

    /// All of them as one.
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
        // What was counted before the first that is known of is no rate.
        let routes = after.routes.as_ref();
        let routes = routes.map(|routes| before.routes.as_ref().map_or_else(BTreeMap::new, |old| calls(old, routes)));
        Self {
            nanos: after.at.saturating_sub(before.at),
            sites: sites.collect(),
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
        for (site, stats) in &other.sites {
            *self.sites.entry(site.clone()).or_default() += *stats;
        }
        add_calls(&mut self.timed, &other.timed);
        if let Some(routes) = &other.routes {
            add_calls(self.routes.get_or_insert_default(), routes);
        }
        for (policy, outcomes) in &other.policies {
            let own = self.policies.entry(policy.clone()).or_default();
            for (outcome, count) in outcomes {
                *own.entry(outcome).or_default() += count;
            }
        }
    }

    /// All call sites together.
    pub(super) fn cache(&self) -> Stats {
        let mut all = Stats::default();
        for stats in self.sites.values() {
            all += *stats;
        }
        all
    }

    /// All requests together; where nobody tells of routes, all timed calls.
    pub(super) fn requests(&self) -> Calls {
        let mut all = Calls::default();
        for calls in self.routes.as_ref().unwrap_or(&self.timed).values() {
            all.add(calls);
        }
        all
    }

    /// How calls through the policies of one kind ended.
    pub(super) fn policies_of(&self, kind: PolicyKind) -> impl Iterator<Item = (&str, &BTreeMap<&'static str, u64>)> {
        self.policies
            .iter()
            .filter(move |((own, _), _)| *own == kind)
            .map(|((_, name), outcomes)| (name.as_str(), outcomes))
    }
}

fn by_site(stats: &HandleStats) -> BTreeMap<(String, String), Stats> {
    let mut sites = BTreeMap::<_, Stats>::new();
    for site in &stats.sites {
        *sites.entry((site.name.clone(), site.key.clone())).or_default() += site.stats;
    }
    sites
}

fn calls(before: &BTreeMap<String, Tally>, after: &BTreeMap<String, Tally>) -> BTreeMap<String, Calls> {
    let none = Tally::default();
    let since =
        |(name, tally): (&String, &Tally)| (name.clone(), Calls::between(before.get(name).unwrap_or(&none), tally));
    after.iter().map(since).collect()
}

fn add_calls(own: &mut BTreeMap<String, Calls>, more: &BTreeMap<String, Calls>) {
    for (name, calls) in more {
        own.entry(name.clone()).or_default().add(calls);
    }
}

fn policies(
    before: &[PolicySnapshot],
    after: &[PolicySnapshot],
) -> BTreeMap<(PolicyKind, String), BTreeMap<&'static str, u64>> {
    let mut all = BTreeMap::<_, BTreeMap<_, u64>>::new();
    let mut count = |policies: &[PolicySnapshot], add: fn(u64, u64) -> u64| {
        for policy in policies {
            let own = all.entry((policy.kind, policy.name.to_string())).or_default();
            for (outcome, number) in &policy.outcomes {
                let total = own.entry(*outcome).or_default();
                *total = add(*total, *number);
            }
        }
    };
    count(after, u64::saturating_add);
    count(before, u64::saturating_sub);
    all
}

impl Calls {
    fn between(before: &Tally, after: &Tally) -> Self {
        // A recorder that begins anew counts from there.
        let anew = after.latency.count() < before.latency.count();
        let before = if anew { &Tally::default() } else { before };
        Self {
            count: after.latency.count() - before.latency.count(),
            errors: after.errors.saturating_sub(before.errors),
            slow: after.slow.saturating_sub(before.slow),
            nanos: crate::clock::nanos(after.latency.total())
                .saturating_sub(crate::clock::nanos(before.latency.total())),
            buckets: after.latency.since(&before.latency).collect(),
        }
    }

    /// Calls that took so long.
    #[cfg(test)]
    pub(super) fn of(times: &[Duration], errors: u64) -> Self {
        Self::between(&Tally::default(), &Tally { latency: Latency::of(times), errors, slow: 0 })
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

    /// By nearest rank.
    pub(super) fn quantile(&self, q: f64) -> Option<Duration> {
        let all: u64 = self.buckets.values().sum();
        let mut seen = 0;
        let reaches = |(_, count): &(&Duration, &u64)| {
            seen += **count;
            real(seen) >= q * real(all)
        };
        self.buckets.iter().find(reaches).map(|(time, _)| *time)
    }

    /// In percent.
    pub(super) fn error_rate(&self) -> f64 {
        percent(self.errors, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::SiteStats;

    const SECOND: u64 = 1_000_000_000;

    /// What a route has recorded after so many requests of 10 ms and so many of 1 s.
    fn route(quick: usize, slow: usize, errors: u64) -> Tally {
        let times = [vec![Duration::from_millis(10); quick], vec![Duration::from_secs(1); slow]].concat();
        Tally { latency: Latency::of(&times), errors, slow: 0 }
    }

    fn totals(at: u64, tally: Tally) -> Totals {
        Totals { at: at * SECOND, routes: Some([("GET /".to_owned(), tally)].into()), ..Totals::default() }
    }

    #[test]
    fn only_what_is_new_counts_and_only_for_so_long() {
        let (mut window, length) = (Window::default(), Duration::from_secs(10));
        assert!(window.add(totals(0, route(1_000, 0, 50)), length).is_none(), "what was before is no rate");
        window.add(totals(5, route(1_000, 10, 51)), length);
        assert_eq!((window.sum().requests().count, window.sum().requests().errors), (10, 1));
        let p50 = window.sum().requests().quantile(0.5).unwrap();
        assert!((Duration::from_millis(980)..Duration::from_millis(1020)).contains(&p50), "{p50:?}");
        window.add(totals(10, route(1_090, 10, 51)), length);
        let sum = window.sum();
        assert_eq!((sum.nanos, sum.requests().count, sum.requests().error_rate()), (10 * SECOND, 100, 1.0));
        assert!(sum.requests().quantile(0.9).unwrap() < Duration::from_millis(11));
        assert!(sum.requests().quantile(0.95).unwrap() > Duration::from_millis(900));
        window.add(totals(15, route(1_090, 10, 51)), length);
        window.add(totals(20, route(1_090, 10, 51)), length);
        assert_eq!(window.sum().requests().count, 0, "what is older is forgotten");
    }

    #[test]
    fn routes_that_were_not_told_once_are_not_all_new() {
        let (mut window, length) = (Window::default(), Duration::from_secs(60));
        let silent = |at| Totals { routes: None, ..totals(at, Tally::default()) };
        window.add(silent(0), length);
        window.add(totals(5, route(1_000, 0, 1_000)), length);
        assert_eq!(window.sum().requests().count, 0, "these may be of any time");
        window.add(totals(10, route(1_010, 0, 1_000)), length);
        window.add(silent(15), length);
        window.add(totals(20, route(1_020, 0, 1_000)), length);
        assert_eq!((window.sum().requests().count, window.sum().requests().errors), (20, 0));
    }

    #[test]
    fn looks_without_end_keep_no_more_than_the_window() {
        let (mut window, length) = (Window::default(), Duration::from_secs(60));
        for look in 0..1_000 {
            window.add(Totals { at: look * SECOND / 100, ..totals(0, route(1, 0, 0)) }, length);
        }
        for look in 0..1_000 {
            window.add(Totals { at: 10 * SECOND, ..totals(0, route(1 + look, 0, 0)) }, length);
        }
        assert!(window.intervals.len() <= 30, "{}", window.intervals.len());
        assert_eq!(window.sum().requests().count, 999);
        let rest = (0..1_000).map(|look| totals(10 + look, route(1_000, 0, 0)));
        rest.for_each(|totals| drop(window.add(totals, length)));
        assert_eq!((window.sum().requests().count, window.sum().nanos), (0, 60 * SECOND), "what is older is forgotten");
    }

    fn site(name: &str, hits: u64) -> SiteStats {
        SiteStats {
            name: name.to_owned(),
            key: "k".to_owned(),
            stats: Stats { hits, loads: 2 * hits, ..Stats::default() },
        }
    }

    fn policy(name: &str, rejected: u64) -> PolicySnapshot {
        let (kind, outcomes) = (PolicyKind::Retry, vec![("success", 100), ("rejected", rejected)]);
        PolicySnapshot { kind, name: name.into(), outcomes, levels: Vec::new(), breakers: Vec::new() }
    }

    /// Everything at one look: each counter has grown by 3 times as much as the one before it.
    fn everything(at: u64, by: u64) -> Totals {
        let cache = HandleStats {
            sites: vec![site("f", by), site("g", 3 * by), site("f", 1_000)],
            evictions: 9 * by,
            floor_verdicts: 27 * by,
            ..HandleStats::default()
        };
        let timed = [("f".to_owned(), Tally { slow: 2 * by, ..route(usize::try_from(by).unwrap(), 0, by) })].into();
        let policies = vec![policy("a", by), policy("b", 3 * by), policy("a", 1_000)];
        Totals { at: at * SECOND, cache, timed, routes: None, policies }
    }

    #[test]
    fn every_counter_is_what_is_new_since_the_look_before() {
        let (mut window, length) = (Window::default(), Duration::from_secs(60));
        assert!(window.add(everything(0, 10), length).is_none());
        let one = window.add(everything(5, 13), length).unwrap();
        assert_eq!(one.sites.values().map(|stats| (stats.hits, stats.loads)).collect::<Vec<_>>(), [(3, 6), (9, 18)]);
        assert_eq!((one.nanos, one.evictions, one.floor_verdicts), (5 * SECOND, 27, 81));
        assert_eq!((one.cache().hits, one.cache().loads), (12, 24));
        let calls = one.requests();
        assert_eq!((calls.count, calls.errors, calls.slow), (3, 3, 6), "without routes, of what is timed");
        assert_eq!((calls.mean(), calls.error_rate()), (Some(Duration::from_millis(10)), 100.0));
        let retries: Vec<_> = one.policies_of(PolicyKind::Retry).collect();
        assert_eq!(retries.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(retries.iter().map(|(_, outcomes)| outcomes["rejected"]).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(one.policies_of(PolicyKind::Breaker).count(), 0);

        window.add(everything(10, 14), length);
        let sum = window.sum();
        assert_eq!((sum.nanos, sum.evictions, sum.floor_verdicts), (10 * SECOND, 36, 108));
        assert_eq!((sum.cache().hits, sum.cache().loads), (16, 32));
        let calls = sum.requests();
        assert_eq!((calls.count, calls.errors, calls.slow), (4, 4, 8));
        assert_eq!((calls.mean(), calls.quantile(1.0).is_some()), (Some(Duration::from_millis(10)), true));
        let rejected: Vec<_> = sum.policies_of(PolicyKind::Retry).map(|(_, outcomes)| outcomes["rejected"]).collect();
        assert_eq!(rejected, [4, 12]);
        assert_eq!((Calls::default().mean(), Calls::default().quantile(0.5)), (None, None));
    }

    #[test]
    fn a_window_is_divided_into_120_parts_at_most() {
        let (mut window, length) = (Window::default(), Duration::from_secs(120));
        // A look each half second: two of them make a part of a second.
        for look in 0..=400 {
            window.add(Totals { at: look * SECOND / 2, ..Totals::default() }, length);
        }
        assert_eq!((window.intervals.len(), window.sum().nanos), (120, 120 * SECOND));
        assert!(window.intervals.iter().all(|part| part.nanos == SECOND));
        // However short it is, what happened last is in it.
        window.add(Totals { at: 205 * SECOND, ..Totals::default() }, Duration::ZERO);
        assert_eq!(window.sum().nanos, 5 * SECOND);
    }

    #[test]
    fn a_recorder_that_begins_anew_counts_from_there() {
        let mut window = Window::default();
        window.add(totals(0, route(500, 0, 9)), Duration::from_secs(60));
        window.add(totals(5, route(7, 0, 1)), Duration::from_secs(60));
        let sum = window.sum().requests();
        assert_eq!((sum.count, sum.mean()), (7, Some(Duration::from_millis(10))));
    }
}
