//! Histories of several nodes on a real server, judged by the contract. A violation names its seed: run it again with `Plan { seed, .. }`.
//! `scripts/soak` runs such histories for hours.

use std::time::Duration;

use fastness::{Reach, Redis as Settings};
use fastness_tests::history::{
    Fault, Origin, Ours, Plain, Plan, Promotions, Report, Scope, Subject, pause, run, run_while,
};
use fastness_tests::servers::{Redis, Sentinel, prefix, until};

async fn ours(name: &str, seed: u64, faults: &[Fault]) {
    let plan = Plan { seed, time: Duration::from_secs(4), faults: faults.to_vec() };
    let (mut server, prefix) = (Redis::start().await, prefix());
    let (report, injected) = run(&plan, &mut server, async |url| Ours::new(&url, &prefix).await).await;
    println!("{name}, seed {seed}, {injected} faults: {report}");
    assert_clean(&report, seed);
}

fn assert_clean(report: &Report, seed: u64) {
    assert!(report.reads > 300 && report.invalidations > 50 && report.refreshes > 25, "{report}");
    let shown: Vec<_> = report.violations.iter().take(5).collect();
    assert!(shown.is_empty(), "seed {seed}: {report}\n{shown:#?}");
}

/// Asserts that the judge finds violations in one of ten histories; on a busy machine a single history may have too few calls for any.
async fn assert_violated(name: &str, mut history: impl AsyncFnMut(u64) -> Report) {
    for seed in 1..=10 {
        let report = history(seed).await;
        println!("{name}, seed {seed}: {report}");
        if !report.violations.is_empty() {
            return;
        }
    }
    panic!("{name}: ten histories without a violation");
}

fn seed() -> u64 {
    std::env::var("FASTNESS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..))
}

macro_rules! histories {
    ($($name:ident: [$($fault:ident),*];)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            ours(stringify!($name), seed(), &[$(Fault::$fault),*]).await;
        }
    )*};
}

histories! {
    nothing_fails: [];
    servers_hang_and_are_replaced: [Pause, Restart];
    links_break: [Cut, Silence, Delay];
    data_is_lost: [Flush, Evict];
    everything_fails: [Pause, Restart, Cut, Silence, Delay, Flush, Evict];
}

/// An acknowledged append may be lost with its master, but the values that it invalidated are not served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_master_breaks_no_promise() {
    let (mut group, prefix, seed) = (Sentinel::start().await, prefix(), seed());
    // A master that is killed takes no more writes.
    let takeover = Duration::from_millis(200);
    let settings = || Settings::sentinel(group.urls(), group.master_name()).unwrap().prefix(&prefix).takeover(takeover);
    let nodes = [Ours::with(settings()).await, Ours::with(settings()).await, Ours::with(settings()).await];
    let disturb = async {
        pause(Duration::from_secs(1)).await;
        group.kill_master().await;
        pause(Duration::from_secs(2)).await;
        1
    };
    let (report, _) = run_while(seed, &nodes, disturb).await;
    println!("Sentinel, seed {seed}, the master killed: {report}");
    assert_clean(&report, seed);
}

/// Two masters take writes for a while, with nodes on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_breaks_no_promise() {
    let (group, prefix, seed) = (Sentinel::with(1, 3).await, prefix(), seed());
    let settings = || Settings::sentinel(group.urls(), group.master_name()).unwrap().prefix(&prefix);
    // The first master has no predecessor.
    drop(Ours::with(settings().takeover(Duration::ZERO)).await);
    let settings = || settings().takeover(Duration::from_millis(2_700));
    let nodes = [Ours::with(settings()).await, Ours::with(settings()).await, Ours::with(settings()).await];
    let disturb = async {
        pause(Duration::from_millis(500)).await;
        let former = group.plan_failover().await;
        pause(Duration::from_millis(300)).await;
        // The Sentinels would do this too, later.
        let successor = group.master().await.port().to_string();
        group.node(former).command::<()>(&["REPLICAOF", "127.0.0.1", &successor]).await;
        pause(Duration::from_millis(3_200)).await;
        1
    };
    let (report, _) = run_while(seed, &nodes, disturb).await;
    println!("Sentinel, seed {seed}, a planned failover: {report}");
    assert_clean(&report, seed);
    for node in &nodes {
        until("all are on the new master", async || node.cache().shared().unwrap().coherent).await;
    }
}

/// Two masters take writes for a while, with nodes on both; one node ends on the former.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_breaks_no_promise() {
    let (goes_on, takeover) = (Duration::from_millis(400), Duration::from_millis(1_400));
    let promotions = Promotions { seed: seed(), rounds: 1, goes_on, takeover };
    let (report, _) = promotions.run().await;
    println!("a planned failover, seed {}: {report}", promotions.seed);
    assert_clean(&report, promotions.seed);
}

/// The judge finds violations where the wait ends before the former master does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_too_short_breaks_the_promise() {
    let (goes_on, takeover) = (Duration::from_millis(600), Duration::from_millis(1));
    let history = async |seed| Promotions { seed, rounds: 1, goes_on, takeover }.run().await.0;
    assert_violated("a wait that is too short", history).await;
}

/// A node whose refreshes reach no node, not even itself.
#[derive(Clone)]
struct Mute(Ours);

impl Subject for Mute {
    async fn read(&self, key: usize, origin: Origin) -> u64 {
        self.0.read(key, origin).await
    }

    async fn invalidate(&self, scope: Scope) -> Reach {
        self.0.invalidate(scope).await
    }

    async fn refresh(&self, _: Scope) -> Reach {
        Reach::Announced
    }

    async fn put(&self, key: usize, origin: Origin) {
        self.0.put(key, origin).await;
    }

    fn is_clear(&self) -> bool {
        self.0.is_clear()
    }
}

/// The judge finds violations where refreshes reach no node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshes_that_reach_no_node_are_violations() {
    let history = async |seed| {
        let plan = Plan { seed, time: Duration::from_secs(3), faults: Vec::new() };
        let (mut server, prefix) = (Redis::start().await, prefix());
        run(&plan, &mut server, async |url| Mute(Ours::new(&url, &prefix).await)).await.0
    };
    assert_violated("refreshes that reach no node", history).await;
}

/// The judge finds violations in a naive cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_naive_cache_serves_invalidated_values() {
    let history = async |seed| {
        let plan = Plan { seed, time: Duration::from_secs(3), faults: Vec::new() };
        let (mut server, prefix) = (Redis::start().await, prefix());
        run(&plan, &mut server, async |url| Plain::new(&url, &prefix).await).await.0
    };
    assert_violated("delete and publish", history).await;
}
