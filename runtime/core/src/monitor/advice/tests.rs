//! A case for each rule in which it recommends something, and one beside it in which it does not.

use std::time::Duration;

use super::*;
use crate::monitor::probe::Pool;
use crate::monitor::process::Memory;
use crate::monitor::shared_tier::SharedTier;
use crate::monitor::sources::SlowQuery;
use crate::monitor::window::CallCounts;
use crate::resilience::PolicyKind;
use crate::stats::Stats;

fn rules(seen: &Facts) -> Vec<&'static str> {
    advise(seen).iter().map(|found| found.rule).collect()
}

/// A process with one function.
fn site(stats: Stats) -> Facts {
    let mut seen = Facts::default();
    seen.window.sites.insert(("shop.get_user".into(), "user:{id}".into()), stats);
    seen
}

fn stats(hits: u64, misses: u64) -> Stats {
    Stats { hits, misses, loads: misses, ..Stats::default() }
}

fn calls(count: u64, each: Duration, errors: u64) -> CallCounts {
    let times = vec![each; usize::try_from(count).unwrap()];
    CallCounts::from_times(&times, errors)
}

fn route(calls: CallCounts) -> Facts {
    let mut seen = Facts::default();
    seen.window.routes = Some([("GET /users/{id}".to_owned(), calls)].into());
    seen
}

fn policy(kind: PolicyKind, outcomes: &[(&'static str, u64)]) -> Facts {
    let mut seen = Facts::default();
    seen.window.policies.insert((kind, "payments".into()), outcomes.iter().copied().collect());
    seen
}

#[test]
fn a_quiet_process_gets_no_advice() {
    assert_eq!(rules(&Facts::default()), [""; 0]);
    assert_eq!(rules(&site(stats(3, 3))), [""; 0]);
    assert_eq!(rules(&site(stats(9_500, 500))), [""; 0]);
    assert_eq!(rules(&route(calls(10, Duration::from_secs(2), 10))), [""; 0]);
}

#[test]
fn low_hit_rates_name_the_function_and_the_cause() {
    let seen = site(stats(100, 300));
    let found = &advise(&seen)[0];
    assert_eq!((found.rule, found.subject.as_str()), ("low-hit-rate", "shop.get_user (user:{id})"));
    assert_eq!((found.value, found.evidence.as_str()), (25.0, "300 of 400 look-ups loaded, 300 loads"));
    assert!(found.advice.contains("longer `ttl`"));
    let spoiled = site(Stats { overtaken: 150, ..stats(100, 300) });
    assert!(advise(&spoiled)[0].advice.contains("overtaken"));
    let mut evicted = site(stats(100, 300));
    evicted.window.evictions = 200;
    assert_eq!(rules(&evicted), ["low-hit-rate", "evictions"]);
    assert!(advise(&evicted)[0].advice.contains("capacity"));
}

#[test]
fn many_fair_functions_below_the_target_are_one_piece_of_advice() {
    assert_eq!(rules(&site(stats(750, 250))), ["hit-rate"]);
    assert_eq!(rules(&site(stats(860, 140))), [""; 0]);
}

#[test]
fn a_full_table_of_invalidations_gets_advice() {
    let mut seen = site(stats(90_000, 1_000));
    seen.window.floor_verdicts = 95;
    assert_eq!(rules(&seen), [""; 0]);
    seen.window.floor_verdicts = 1_000;
    assert_eq!(rules(&seen), ["invalidation-memory"]);
}

#[test]
fn slow_and_failing_loads_get_advice() {
    let slow = Stats { load_nanos: 100 * 250_000_000, ..stats(9_900, 100) };
    assert_eq!(rules(&site(slow)), ["slow-loads"]);
    assert_eq!(rules(&site(Stats { stale_served: 1, ..slow })), [""; 0]);
    let failing = Stats { load_errors: 60, ..stats(9_900, 100) };
    assert_eq!(rules(&site(failing)), ["failing-loads"]);
    assert_eq!(rules(&site(Stats { stale_served: 60, ..failing })), [""; 0]);
}

#[test]
fn loads_that_are_not_polled_get_advice() {
    let seen = site(Stats { loads_stalled: 2, ..stats(9_900, 100) });
    assert_eq!((rules(&seen), advise(&seen)[0].value), (vec!["stalled-loads"], 2.0));
}

#[test]
fn stampedes_get_advice_where_there_are_other_processes() {
    let stats = Stats { load_nanos: 100 * 250_000_000, coalesced: 900, stale_served: 1, ..stats(9_900, 100) };
    let mut seen = site(stats);
    assert_eq!(rules(&seen), [""; 0]);
    seen.shared = Some(SharedTier { connected: true, coherent: true, ..SharedTier::default() });
    assert_eq!(rules(&seen), ["fleet-single-flight"]);
}

#[test]
fn an_unusable_shared_tier_gets_advice() {
    let with = |connected, coherent| {
        let shared = Some(SharedTier { connected, coherent, ..SharedTier::default() });
        advise(&Facts { shared, ..Facts::default() })
    };
    assert_eq!(with(true, true), []);
    assert_eq!(
        (with(false, false)[0].rule, with(false, false)[0].evidence.as_str()),
        ("shared-tier", "there is no connection")
    );
    assert!(with(true, false)[0].evidence.contains("not read recently"));
    let shared = Some(SharedTier { connected: true, in_doubt: 3, ..SharedTier::default() });
    let found = advise(&Facts { shared, ..Facts::default() });
    assert_eq!(found[0].evidence, "3 invalidations are not announced");
}

#[test]
fn slow_and_failing_routes_get_advice() {
    let slow = route(calls(100, Duration::from_millis(300), 0));
    assert_eq!((rules(&slow), advise(&slow)[0].subject.as_str()), (vec!["response-time"], "GET /users/{id}"));
    assert_eq!(rules(&route(calls(100, Duration::from_millis(100), 0))), [""; 0]);
    let failing = route(calls(2_000, Duration::from_millis(1), 5));
    assert_eq!((rules(&failing), advise(&failing)[0].value), (vec!["errors"], 0.25));
    assert_eq!(rules(&route(calls(2_000, Duration::from_millis(1), 2))), [""; 0]);
}

#[test]
fn policies_that_reject_get_advice() {
    let breaker = |rejected| policy(PolicyKind::Breaker, &[("success", 90), ("rejected", rejected)]);
    assert_eq!(rules(&breaker(10)), ["breaker-open"]);
    assert_eq!(advise(&breaker(10))[0].evidence, "10 of 100 calls were rejected while it was open");
    assert_eq!(rules(&breaker(9)), [""; 0]);
    let bulkhead = |finished| policy(PolicyKind::Bulkhead, &[("finished", finished), ("rejected", 20)]);
    assert_eq!(rules(&bulkhead(100)), ["bulkhead-full"]);
    assert_eq!(rules(&bulkhead(100_000)), [""; 0]);
    assert_eq!(rules(&policy(PolicyKind::Retry, &[("calls", 100), ("over_budget", 10)])), ["retry-budget"]);
    assert_eq!(rules(&policy(PolicyKind::Retry, &[("calls", 100), ("over_budget", 9)])), [""; 0]);
}

#[test]
fn a_process_near_its_limits_gets_advice() {
    let memory = |percent: u64| Facts { memory: Some(Memory::new(percent << 20, 100 << 20)), ..Facts::default() };
    assert_eq!((rules(&memory(81)), rules(&memory(80))), (vec!["memory"], vec![]));
    let cpu = |cpu| Facts { cpu: Some(cpu), ..Facts::default() };
    assert_eq!((rules(&cpu(71.0)), rules(&cpu(70.0))), (vec!["cpu"], vec![]));
    let pool = |in_use, max| Facts { pool: Some(Pool { in_use, max, ..Pool::default() }), ..Facts::default() };
    assert_eq!((rules(&pool(17, 20)), rules(&pool(16, 20)), rules(&pool(17, 0))), (vec!["pool"], vec![], vec![]));
}

#[test]
fn slow_queries_name_the_index_that_is_missing() {
    let query = |count, index: Option<&str>| SlowQuery {
        collection: "orders".into(),
        shape: "{status: ?}".into(),
        count,
        slowest: Duration::from_millis(250),
        index: index.map(str::to_owned),
    };
    let slow_queries = vec![query(9, None), query(8, None), query(7, None), query(1, Some("{status: 1}"))];
    let found = advise(&Facts { slow_queries, ..Facts::default() });
    let seen: Vec<_> = found.iter().map(|found| found.rule).collect();
    assert_eq!(seen, ["missing-index", "slow-query", "slow-query"], "the worst three");
    assert_eq!(found[0].advice, "declare the index `{status: 1}`");
}
