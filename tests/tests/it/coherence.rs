//! The contract: after an invalidation returned, no read that starts later gets a value whose load began before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastness::{Fastness, cache_invalidate, cache_put, cacheable, with_cache};
use fastness_tests::names::reached;
use fastness_tests::race::explore;
use fastness_tests::race::ours::{Attributes, Direct, Refreshed, Stale};
use tokio::task::{JoinSet, yield_now};

const KEYS: usize = 4;

/// An origin whose value is a version, and the versions whose invalidation has returned.
#[derive(Default)]
struct Origin {
    versions: [AtomicU64; KEYS],
    acknowledged: [AtomicU64; KEYS],
}

impl Origin {
    #[cacheable(ttl = 3600, key = "item:{rack}:{id}", tags = ["all:{rack}"], skip(self, dawdle))]
    async fn read(&self, rack: u64, id: usize, dawdle: usize) -> u64 {
        let version = self.versions[id].load(Ordering::SeqCst);
        for _ in 0..dawdle {
            yield_now().await;
        }
        version
    }

    fn write(&self, id: usize) -> u64 {
        self.versions[id].fetch_add(1, Ordering::SeqCst) + 1
    }

    #[cache_invalidate("item:{rack}:{id}", skip(self))]
    async fn write_and_invalidate_key(&self, rack: u64, id: usize) -> u64 {
        self.write(id)
    }

    #[cache_invalidate("item:{rack}:*", skip(self))]
    async fn write_and_invalidate_prefix(&self, rack: u64, id: usize) -> u64 {
        self.write(id)
    }

    #[cache_invalidate(tags = ["all:{rack}"], skip(self))]
    async fn write_and_invalidate_tag(&self, rack: u64, id: usize) -> u64 {
        self.write(id)
    }

    #[cache_put(key = "item:{rack}:{id}", ttl = 3600, tags = ["all:{rack}"], skip(self))]
    async fn write_and_put(&self, rack: u64, id: usize) -> u64 {
        self.write(id)
    }

    async fn write_and_refresh(&self, pattern: &str, id: usize) -> u64 {
        let version = self.write(id);
        Fastness::current().cache().refresh(reached(pattern)).await;
        version
    }

    async fn write_somehow(&self, how: usize, id: usize) {
        let version = match how {
            0 => self.write_and_invalidate_key(1, id).await,
            1 => self.write_and_invalidate_prefix(1, id).await,
            2 => self.write_and_invalidate_tag(1, id).await,
            // No function here serves expired values.
            3 => self.write_and_refresh(&format!("item:1:{id}"), id).await,
            4 => self.write_and_refresh("item:1:*", id).await,
            _ => self.write_and_put(1, id).await,
        };
        self.acknowledged[id].fetch_max(version, Ordering::SeqCst);
    }
}

/// The interleavings of the next test, with refreshes by key and prefix instead of invalidations.
#[test]
fn interleavings_with_refreshes_show_no_stale_read() {
    let report = explore(0..20_000, Refreshed::new);
    assert!(report.is_clean(), "{report:?}");
    assert!(report.invalidations > report.interleavings && report.cancelled > 0, "{report:?}");
}

/// Every seed is one interleaving of loads, reads, drops, failures and invalidations by key, prefix and tag. `benches/race` shows that the
/// harness finds the bug, which moka has.
#[test]
fn a_hundred_thousand_interleavings_show_no_stale_read() {
    let third = 100_000 / 3 + 1;
    for report in [explore(0..third, Attributes::new), explore(0..third, Stale::new), explore(0..third, Direct::new)] {
        assert!(report.is_clean(), "{report:?}");
        assert!(report.reads > 5 * report.interleavings && report.loads > report.interleavings, "{report:?}");
        assert!(report.invalidations > report.interleavings && report.cancelled > 0, "{report:?}");
    }
}

/// Races between real threads: readers with slow loads, writers of every kind, and a table of invalidations that is far too small. A read
/// never returns a version below the one that was acknowledged when it started.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_returns_a_value_that_was_invalidated_before_its_start() {
    for memory in [0, 1 << 20] {
        let fast = Fastness::builder().invalidation_memory(memory).build().unwrap();
        let origin = Arc::new(Origin::default());
        let mut tasks = JoinSet::new();
        for seed in 0..12_u64 {
            let (fast, origin) = (fast.clone(), origin.clone());
            tasks.spawn(async move { with_cache(&fast, storm(&origin, seed)).await });
        }
        let reads: u64 = tasks.join_all().await.iter().sum();
        let stats = fast.stats();
        assert!(reads > 50_000, "{reads}");
        assert!(stats.total.overtaken > 0, "no load was ever overtaken, so nothing was tried");
        assert!(stats.total.hits > 0 && stats.invalidations > 1_000);
    }
}

async fn storm(origin: &Origin, seed: u64) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut reads = 0;
    for _ in 0..6_000 {
        let id = random.usize(..KEYS);
        if random.u8(..8) == 0 {
            origin.write_somehow(random.usize(..6), id).await;
        } else {
            let acknowledged = origin.acknowledged[id].load(Ordering::SeqCst);
            let version = origin.read(1, id, random.usize(..3)).await;
            assert!(version >= acknowledged, "read {version} after {acknowledged} was acknowledged");
            reads += 1;
        }
        if random.u8(..4) == 0 {
            yield_now().await;
        }
    }
    reads
}
