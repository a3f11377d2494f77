use super::*;
use crate::handle::SiteStats;
use crate::resilience::{self, PolicyKind};

const SECOND: u64 = 1_000_000_000;

/// Creates the totals of a route after numbers of requests of 10 ms and of 1 s.
fn route(quick: usize, slow: usize, errors: u64) -> CallTotals {
    let times = [vec![Duration::from_millis(10); quick], vec![Duration::from_secs(1); slow]].concat();
    CallTotals { latency: Latency::from_times(&times), errors, slow: 0 }
}

fn totals(at: u64, tally: CallTotals) -> Totals {
    Totals { at: at * SECOND, routes: Some([("GET /".to_owned(), tally)].into()), ..Totals::default() }
}

#[test]
fn only_new_requests_count_and_only_within_the_window() {
    let (mut window, length) = (SampleWindow::default(), Duration::from_secs(10));
    assert!(
        window.add(totals(0, route(1_000, 0, 50)), length).is_none(),
        "counts before the first reading are no rate"
    );
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
fn routes_that_one_sample_lacked_are_not_counted_as_new() {
    let (mut window, length) = (SampleWindow::default(), Duration::from_secs(60));
    let silent = |at| Totals { routes: None, ..totals(at, CallTotals::default()) };
    window.add(silent(0), length);
    window.add(totals(5, route(1_000, 0, 1_000)), length);
    assert_eq!(window.sum().requests().count, 0, "the first figures of a source may be of any time");
    window.add(totals(10, route(1_010, 0, 1_000)), length);
    window.add(silent(15), length);
    window.add(totals(20, route(1_020, 0, 1_000)), length);
    assert_eq!((window.sum().requests().count, window.sum().requests().errors), (20, 0));
}

#[test]
fn samples_without_end_take_no_more_room_than_the_window() {
    let (mut window, length) = (SampleWindow::default(), Duration::from_secs(60));
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
    let stats = Stats { hits, loads: 2 * hits, ..Stats::default() };
    SiteStats { name: name.to_owned(), key: "k".to_owned(), disabled: name == "g", stats }
}

fn policy(name: &str, rejected: u64) -> resilience::Snapshot {
    let (kind, outcomes) = (PolicyKind::Retry, vec![("success", 100), ("rejected", rejected)]);
    resilience::Snapshot { kind, name: name.into(), outcomes, levels: Vec::new(), breakers: Vec::new() }
}

/// All totals at one reading, each counter 3 times as large as the one before it.
fn everything(at: u64, by: u64) -> Totals {
    let cache = HandleStats {
        sites: vec![site("f", by), site("g", 3 * by), site("f", 1_000)],
        evictions: 9 * by,
        floor_verdicts: 27 * by,
        ..HandleStats::default()
    };
    let timed = [("f".to_owned(), CallTotals { slow: 2 * by, ..route(usize::try_from(by).unwrap(), 0, by) })].into();
    let policies = vec![policy("a", by), policy("b", 3 * by), policy("a", 1_000)];
    Totals { at: at * SECOND, cache, timed, routes: None, policies }
}

#[test]
fn every_counter_counts_since_the_previous_sample() {
    let (mut window, length) = (SampleWindow::default(), Duration::from_secs(60));
    assert!(window.add(everything(0, 10), length).is_none());
    let one = window.add(everything(5, 13), length).unwrap();
    assert_eq!(one.sites.values().map(|stats| (stats.hits, stats.loads)).collect::<Vec<_>>(), [(3, 6), (9, 18)]);
    assert_eq!((one.nanos, one.evictions, one.floor_verdicts), (5 * SECOND, 27, 81));
    assert_eq!((one.cache().hits, one.cache().loads), (12, 24));
    let calls = one.requests();
    assert_eq!((calls.count, calls.errors, calls.slow), (3, 3, 6), "without routes, timed functions are counted");
    assert_eq!((calls.mean(), calls.error_rate()), (Some(Duration::from_millis(10)), 100.0));
    let retries: Vec<_> = one.policies_by_kind(PolicyKind::Retry).collect();
    assert_eq!(retries.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(retries.iter().map(|(_, outcomes)| outcomes["rejected"]).collect::<Vec<_>>(), [3, 9]);
    assert_eq!(one.policies_by_kind(PolicyKind::Breaker).count(), 0);

    assert_eq!(one.disabled_sites.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["g"]);

    window.add(everything(10, 14), length);
    let sum = window.sum();
    assert_eq!((sum.disabled, &sum.disabled_sites), (false, &one.disabled_sites));
    assert_eq!((sum.nanos, sum.evictions, sum.floor_verdicts), (10 * SECOND, 36, 108));
    assert_eq!((sum.cache().hits, sum.cache().loads), (16, 32));
    let calls = sum.requests();
    assert_eq!((calls.count, calls.errors, calls.slow), (4, 4, 8));
    assert_eq!((calls.mean(), calls.quantile(1.0).is_some()), (Some(Duration::from_millis(10)), true));
    let rejected: Vec<_> = sum.policies_by_kind(PolicyKind::Retry).map(|(_, outcomes)| outcomes["rejected"]).collect();
    assert_eq!(rejected, [4, 12]);
    assert_eq!((CallCounts::default().mean(), CallCounts::default().quantile(0.5)), (None, None));
}

#[test]
fn a_window_is_divided_into_120_parts_at_most() {
    let (mut window, length) = (SampleWindow::default(), Duration::from_secs(120));
    // There is a reading each half second, and two of them make one interval.
    for look in 0..=400 {
        window.add(Totals { at: look * SECOND / 2, ..Totals::default() }, length);
    }
    assert_eq!((window.intervals.len(), window.sum().nanos), (120, 120 * SECOND));
    assert!(window.intervals.iter().all(|part| part.nanos == SECOND));
    // A window of zero still has the last interval.
    window.add(Totals { at: 205 * SECOND, ..Totals::default() }, Duration::ZERO);
    assert_eq!(window.sum().nanos, 5 * SECOND);
}

#[test]
fn a_recorder_that_begins_anew_counts_from_there() {
    let mut window = SampleWindow::default();
    window.add(totals(0, route(500, 0, 9)), Duration::from_secs(60));
    window.add(totals(5, route(7, 0, 1)), Duration::from_secs(60));
    let sum = window.sum().requests();
    assert_eq!((sum.count, sum.mean()), (7, Some(Duration::from_millis(10))));
}
