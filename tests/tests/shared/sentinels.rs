//! The Sentinels' answer on the master, and processes that get another answer, or none.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fastness::monitor::{Monitor, Status};
use fastness::{Clock, Fastness, Reach, Redis as Settings, cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, Proxy, Redis, Sentinel, prefix, until};
use tokio::time::Instant;

use crate::{Origin, connected, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 600, key = "row:{id}", early = off, skip(origin))]
async fn row(origin: Arc<Origin>, id: u64) -> usize {
    let _ = id;
    origin.load()
}

/// The time for which a process may go on without the server, and without the Sentinels' answer.
const MAX_STALE: Duration = Duration::from_millis(600);
/// A wait that is longer than `MAX_STALE`, and than the time for which the former master goes on in these tests.
const TAKEOVER: Duration = Duration::from_millis(2_500);

fn settings(urls: &[String], prefix: &str) -> Settings {
    Settings::sentinel(urls, "mymaster").unwrap().prefix(prefix)
}

fn built(urls: &[String], prefix: &str) -> Fastness {
    let settings = settings(urls, prefix).takeover(TAKEOVER);
    Fastness::builder().redis(settings).max_stale(MAX_STALE).build().unwrap()
}

/// A group whose first master has no predecessor, so that no test has to wait for one.
async fn group(replicas: usize, sentinels: usize, prefix: &str) -> Sentinel {
    let group = Sentinel::with(replicas, sentinels).await;
    let settings = settings(&group.urls(), prefix).takeover(Duration::ZERO);
    connected(&Fastness::builder().redis(settings).build().unwrap()).await;
    group
}

/// Checks that the shared tier is not used, callers get the result of the body, and health says why.
async fn is_refused(fast: &Fastness) {
    until("it is refused", async || fast.shared().unwrap().refused).await;
    let stats = fast.shared().unwrap();
    assert!(!stats.connected && !stats.coherent, "{stats:?}");
    assert_eq!(with_cache(fast, row(Arc::default(), 9)).await, 0);
    assert_eq!(fast.cache().invalidate(reached("row:9")).await, Reach::LocalOnly);
    let health = Monitor::builder().cache(fast).build().unwrap().health().await;
    assert_eq!(health.status, Status::Degraded);
    assert!(health.reasons[0].contains("refused"), "{:?}", health.reasons);
}

/// Invalidates until the invalidation is announced: a busy machine may be late.
async fn announces(fast: &Fastness) {
    until("it is announced", async || fast.cache().invalidate(reached("row:1")).await == Reach::Announced).await;
}

/// A writer on one process that remembers the versions whose invalidations were announced.
struct Writer {
    origin: Arc<Origin>,
    announced: Vec<usize>,
}

impl Writer {
    async fn write(&mut self, fast: &Fastness) {
        let version = self.origin.change();
        let reach = fast.cache().invalidate(reached("row:1")).await;
        if reach == Reach::Announced {
            self.announced.push(version);
        }
        assert!(
            with_cache(fast, row(self.origin.clone(), 1)).await >= version,
            "the invalidation counts at once on its own node"
        );
    }

    /// Waits until a read here returns at least the announced version. Nothing is announced meanwhile that could replace a lost
    /// announcement.
    async fn read(&self, fast: &Fastness) {
        let known = self.announced.last().copied();
        until("what was announced is heard", async || {
            Some(with_cache(fast, row(self.origin.clone(), 1)).await) >= known
        })
        .await;
    }
}

/// One process is on the former master when the other starts on its successor.
#[tokio::test]
async fn a_planned_failover_loses_no_invalidation() {
    let prefix = prefix();
    let group = group(1, 3, &prefix).await;
    let one = built(&group.urls(), &prefix);
    connected(&one).await;
    let mut writer = Writer { origin: Arc::default(), announced: Vec::new() };
    writer.write(&one).await;

    let former = group.plan_failover().await;
    let began = Instant::now();
    let two = built(&group.urls(), &prefix);
    let successor = group.master().await.port();
    let mut is_demoted = false;
    until("both are on the new master", async || {
        writer.write(&one).await;
        writer.read(&one).await;
        writer.read(&two).await;
        if !is_demoted && began.elapsed() > TAKEOVER / 4 {
            // The Sentinels will do this too, later.
            group.node(former).command::<()>(&["REPLICAOF", "127.0.0.1", &successor.to_string()]).await;
            is_demoted = true;
        }
        is_demoted && [&one, &two].iter().all(|node| node.shared().unwrap().coherent)
    })
    .await;
    let before = writer.announced.len();
    until("they are announced on the new master", async || {
        writer.write(&one).await;
        writer.read(&two).await;
        writer.announced.len() > before + 50
    })
    .await;
    assert!([&one, &two].iter().all(|node| node.shared().unwrap().takeovers > 0));
}

/// Proxies before the Sentinels, and the addresses of the proxies.
async fn behind_proxies(group: &Sentinel) -> (Vec<Proxy>, Vec<String>) {
    let mut proxies = Vec::new();
    for url in group.urls() {
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        proxies.push(Proxy::start(port).await);
    }
    let urls = proxies.iter().map(Proxy::url).collect();
    (proxies, urls)
}

/// The process reaches neither the Sentinels nor the successor, and its master goes on.
#[tokio::test]
async fn a_process_alone_with_a_former_master_stops_using_it() {
    let prefix = prefix();
    let group = group(1, 3, &prefix).await;
    let (proxies, urls) = behind_proxies(&group).await;
    let one = built(&urls, &prefix);
    connected(&one).await;
    let origin = Arc::new(Origin::default());
    with_cache(&one, row(origin.clone(), 1)).await;
    for proxy in &proxies {
        proxy.silence();
    }
    let former = group.plan_failover().await;
    // The former master goes on, because the Sentinels cannot reach it.
    group.keep_sentinels_out(former).await;
    let two = built(&group.urls(), &prefix);
    connected(&two).await;
    assert_eq!(with_cache(&two, row(origin.clone(), 1)).await, 0);

    let new = origin.change();
    assert_eq!(one.cache().invalidate(reached("row:1")).await, Reach::LocalOnly);
    let stats = one.shared().unwrap();
    assert!(stats.connected && !stats.coherent && stats.in_doubt == 1, "{stats:?}");
    let newer = origin.change();
    announces(&two).await;
    assert!(new < newer);
    until("it serves nothing old", async || with_cache(&one, row(origin.clone(), 1)).await == newer).await;
    assert!(group.is_master_still(former).await, "by itself");

    for proxy in &proxies {
        proxy.restore();
    }
    until("it joins the others", async || one.shared().unwrap().coherent).await;
    let newest = origin.change();
    announces(&one).await;
    until("they hear of it", async || with_cache(&two, row(origin.clone(), 1)).await == newest).await;
}

/// A process whose clock moves by hand, and whose connections to the Sentinels can be cut.
struct Still {
    group: Sentinel,
    prefix: String,
    proxies: Vec<Proxy>,
    clock: Clock,
    fast: Fastness,
}

impl Still {
    async fn start() -> Self {
        let (prefix, clock) = (prefix(), Clock::manual());
        let group = group(0, 3, &prefix).await;
        let (proxies, urls) = behind_proxies(&group).await;
        // Commands do not time out, however busy the machine is.
        let settings = settings(&urls, &prefix).takeover(TAKEOVER).command_timeout(PATIENCE);
        let fast = Fastness::builder().redis(settings).clock(clock.clone()).build().unwrap();
        connected(&fast).await;
        Self { group, prefix, proxies, clock, fast }
    }

    /// Runs a call whose command is sent under the lease and whose reply comes after its end, because the process or its server is paused.
    async fn while_it_is_asked<T>(&self, asking: impl Future<Output = T>) -> T {
        let mut asking = pin!(asking);
        for proxy in &self.proxies {
            proxy.silence();
        }
        let master = self.group.master().await;
        master.pause();
        assert!(is_pending(&mut asking).await, "it waits for the server");
        self.clock.advance(HOUR);
        master.resume();
        asking.await
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Polls a future once. Returns whether it is pending.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// The server may have been replaced before it answered, and a successor would not have the record.
#[tokio::test]
async fn an_invalidation_that_is_answered_after_the_lease_is_not_announced() {
    let still = Still::start().await;
    let cache = still.fast.cache();
    assert_eq!(cache.invalidate(reached("row:1")).await, Reach::Announced);
    assert_eq!(still.while_it_is_asked(cache.invalidate(reached("row:1"))).await, Reach::LocalOnly);
    let stats = still.fast.shared().unwrap();
    assert_eq!((stats.in_doubt, stats.coherent), (1, false), "{stats:?}");
    still.proxies.iter().for_each(Proxy::restore);
    until("what was in doubt is announced", async || still.fast.shared().unwrap().in_doubt == 0).await;
}

/// The successor may have other values by then, and invalidations that this process has not received.
#[tokio::test]
async fn a_value_that_is_read_after_the_lease_is_not_served() {
    let still = Still::start().await;
    let other = built(&still.group.urls(), &still.prefix);
    connected(&other).await;
    let origin = Arc::new(Origin::default());
    for id in [1, 2] {
        with_cache(&other, row(origin.clone(), id)).await;
    }
    stored(&other, 2).await;
    let new = origin.change();
    assert_eq!(with_cache(&still.fast, row(origin.clone(), 1)).await, 0, "under the lease it is");
    let asking = with_cache(&still.fast, row(origin.clone(), 2));
    assert_eq!(still.while_it_is_asked(asking).await, new);
    assert_eq!(still.fast.shared().unwrap().hits, 1);
}

#[tokio::test]
async fn a_sentinel_that_does_not_answer_delays_no_heartbeat() {
    let prefix = prefix();
    let group = group(0, 3, &prefix).await;
    let (proxies, urls) = behind_proxies(&group).await;
    let settings = settings(&urls, &prefix).takeover(TAKEOVER).command_timeout(PATIENCE * 3);
    // Less than the driver takes to give up a connection, so an answer that waited for a connection is too old.
    let max_stale = Duration::from_millis(300);
    let fast = Fastness::builder().redis(settings).max_stale(max_stale).build().unwrap();
    until("it is coherent", async || fast.shared().unwrap().coherent).await;
    proxies[2].silence();
    let since = Instant::now();
    until("without a heartbeat the lease is over", async || since.elapsed() > max_stale * 2).await;
    until("its word counts", async || fast.shared().unwrap().coherent).await;
    announces(&fast).await;
}

#[tokio::test]
async fn sentinels_that_do_not_know_each_other_are_refused() {
    let (group, stray, prefix) = (Sentinel::with(0, 1).await, Sentinel::with(0, 1).await, prefix());
    let (ours, theirs) = (group.urls().remove(0), stray.urls().remove(0));
    for urls in [[ours.clone(), theirs.clone()], [theirs.clone(), ours.clone()]] {
        let settings = || settings(&urls, &prefix).takeover(Duration::ZERO);
        is_refused(&Fastness::builder().redis(settings()).build().unwrap()).await;

        let fast = Fastness::builder().redis(settings().allow_unsafe_servers(true)).build().unwrap();
        connected(&fast).await;
        announces(&fast).await;
        assert!(!fast.shared().unwrap().refused);
    }
    for group in [&group, &stray] {
        let log = format!("{prefix}log");
        assert!(group.master().await.command::<u64>(&["XLEN", &log]).await > 0, "the first in the list decided");
    }
}

/// Most of the Sentinels still agree.
#[tokio::test]
async fn a_sentinel_that_watches_another_master_is_noticed() {
    let (prefix, stray) = (prefix(), Redis::start().await);
    let group = group(0, 3, &prefix).await;
    let fast = built(&group.urls(), &prefix);
    connected(&fast).await;
    group.lose_one_to(&stray).await;
    is_refused(&fast).await;
    let settings = settings(&group.urls(), &prefix).allow_unsafe_servers(true);
    connected(&Fastness::builder().redis(settings).build().unwrap()).await;
    assert_eq!(stray.command::<u64>(&["DBSIZE"]).await, 0, "most of them decide");
}
