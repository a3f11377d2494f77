//! Bounds in bytes: of a function, of a handle, of responses and by a memory guard, with weighers that are right, lie or panic.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bytes::Bytes;
use fastness::http::CacheLayer;
use fastness::monitor::{Memory, MemoryGuard};
use fastness::{Fastness, cache_put, cacheable, with_cache, with_cache_sync};
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};

use crate::origin::{MINUTE, Origin};
use crate::{fresh, timed};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// More bytes than an entry counts for itself.
const ENTRY: usize = 256;

/// A value that claims to take this many bytes.
#[derive(Clone, Debug, PartialEq)]
struct Claims(usize);

#[cacheable(ttl = 60, key = "bound:{id}", max_bytes = "1MiB", weigh = |value| value.0, skip(bytes))]
fn bound(id: usize, bytes: usize) -> Claims {
    let _ = id;
    Claims(bytes)
}

impl Origin {
    #[cacheable(ttl = 60, key = "text:{id}", max_bytes = "64KiB", skip(self, length))]
    async fn weighed_text(&self, id: usize, length: usize) -> String {
        self.count();
        "x".repeat(length + id % 2)
    }

    #[cacheable(ttl = 60, key = "panics:{id}", max_bytes = "1MiB", weigh = |value| if *value > 1 { panic!("on purpose") } else { 1 }, skip(self))]
    async fn weigher_panics(&self, id: u32) -> u32 {
        let _ = id;
        self.count()
    }

    #[cacheable(ttl = 60, key = "many:{ids}", max_bytes = "4KiB", weigh = |_| 1_000, batch(ids), skip(self))]
    async fn weighed_each(&self, ids: &[u64]) -> HashMap<u64, u32> {
        ids.iter().map(|id| (*id, self.count())).collect()
    }

    #[cacheable(ttl = 60, key = "grown", max_bytes = "1KiB", weigh = |value| value.0, skip(self, bytes))]
    async fn weighed_growth(&self, bytes: usize) -> Claims {
        self.count();
        Claims(bytes)
    }

    #[cache_put(ttl = 60, key = "grown", skip(self))]
    async fn grow_weighed(&self, bytes: usize) -> Claims {
        Claims(bytes)
    }

    #[cacheable(ttl = 60, key = "counted:{id}", weigh = weigh_once, skip(self))]
    async fn weighed_once(&self, id: u32) -> u32 {
        self.count() + id
    }
}

static WEIGHED: AtomicUsize = AtomicUsize::new(0);

/// A weigher that lies: its answer grows from call to call.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "`weigh` passes values by reference")]
fn weigh_once(_: &u32) -> usize {
    WEIGHED.fetch_add(1, SeqCst) * KIB
}

#[test]
fn a_function_never_takes_more_than_its_bound() {
    let fast = fresh();
    let mut random = fastrand::Rng::with_seed(7);
    with_cache_sync(&fast, || {
        for id in 0..20_000 {
            // From 100 bytes to half of the bound, each size as likely.
            let bytes = 100 << random.u32(0..=12);
            assert_eq!(bound(id, bytes), Claims(bytes));
            let stats = fast.stats();
            assert!(stats.bytes <= MIB, "{} after {id}", stats.bytes);
            let misses = stats.total.misses;
            bound(id, bytes);
            assert_eq!(fast.stats().total.misses, misses, "the newest value is stored, whatever it weighs");
        }
    });
    let stats = fast.stats();
    assert!(stats.bytes > MIB / 2, "the room is used: {}", stats.bytes);
    assert_eq!(stats.evictions + stats.entries as u64, stats.total.misses);
    fast.clear();
    assert_eq!((fast.stats().bytes, fast.stats().entries), (0, 0));
}

#[test]
fn threads_together_stay_within_the_bound() {
    let fast = fresh();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let fast = &fast;
            scope.spawn(move || {
                with_cache_sync(fast, || {
                    for id in 0..5_000 {
                        bound(id * 4 + thread, 100 << (id % 10));
                        bound(id % 50, 1_000);
                    }
                });
            });
        }
    });
    assert!(fast.stats().bytes <= MIB, "{}", fast.stats().bytes);
    fast.clear();
    assert_eq!(fast.stats().bytes, 0, "each entry was added and subtracted once");
}

#[tokio::test]
async fn a_value_that_weighs_more_than_the_bound_is_returned_and_not_stored() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.weighed_text(0, 65 * KIB).await.len(), 65 * KIB);
        assert_eq!(origin.weighed_text(0, 65 * KIB).await.len(), 65 * KIB);
        assert_eq!((origin.calls(), fast.stats().entries), (2, 0));
        assert_eq!(origin.weighed_text(0, KIB).await.len(), KIB);
        assert_eq!(origin.weighed_text(0, 9).await.len(), KIB, "a value that fits is stored");
        assert_eq!(origin.weighed_growth(9).await, Claims(9));
        assert_eq!(origin.grow_weighed(KIB).await, Claims(KIB));
        assert_eq!(
            origin.weighed_growth(7).await,
            Claims(7),
            "the value before is not served in place of one that is too large"
        );
        assert_eq!(origin.grow_weighed(800).await, Claims(800));
        assert_eq!(origin.weighed_growth(7).await, Claims(800));
    })
    .await;
    assert!((801..800 + KIB + ENTRY).contains(&(fast.stats().bytes - KIB)), "{}", fast.stats().bytes);
}

#[tokio::test]
async fn a_weigher_that_panics_harms_no_caller() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        for expected in [1, 1] {
            assert_eq!(origin.weigher_panics(7).await, expected, "stored");
        }
        for expected in [2, 3] {
            assert_eq!(origin.weigher_panics(8).await, expected, "not stored");
        }
    })
    .await;
    assert_eq!(fast.stats().entries, 1);
}

#[tokio::test]
async fn a_weigher_that_changes_its_answer_upsets_no_sum() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        for id in 0..100 {
            origin.weighed_once(id).await;
            origin.weighed_once(id).await;
        }
    })
    .await;
    assert_eq!(WEIGHED.load(SeqCst), 100, "once for each value");
    let sum = (0..100).sum::<usize>() * KIB;
    let bytes = fast.stats().bytes;
    assert!((sum - sum / 1_000..sum + 100 * ENTRY).contains(&bytes), "{bytes}");
    fast.clear();
    assert_eq!(fast.stats().bytes, 0);
}

#[tokio::test]
async fn each_element_of_a_batch_is_weighed() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.weighed_each(&[1, 2, 3, 4, 5, 6]).await.len(), 6);
    })
    .await;
    assert_eq!(fast.stats().entries, 3);
}

#[cacheable(ttl = 60, key = "small:{id}")]
fn small(id: usize) -> Arc<[u8]> {
    vec![0; 100 + id % 2].into()
}

#[cacheable(ttl = 60, key = "large:{id}")]
fn large(id: usize) -> Vec<u8> {
    vec![0; 10 * KIB + id % 2]
}

#[test]
fn a_handle_is_bounded_over_all_functions() {
    assert!(Fastness::builder().max_bytes(0).build().is_err());
    let fast = Fastness::builder().max_bytes(MIB).build().unwrap();
    with_cache_sync(&fast, || {
        (0..1_000).for_each(|id| drop(small(id)));
        assert_eq!(fast.stats().evictions, 0);
        for id in 0..1_000 {
            large(id);
            assert!(fast.stats().bytes <= MIB, "{}", fast.stats().bytes);
        }
        let misses = fast.stats().total.misses;
        (0..1_000).for_each(|id| drop(small(id)));
        assert_eq!(fast.stats().total.misses, misses, "the function with the most bytes makes room");
        fast.set_max_bytes(KIB);
        assert!(fast.stats().bytes <= KIB);
        fast.set_max_bytes(usize::MAX);
        large(1);
        assert!(fast.stats().bytes > 10 * KIB);
    });
}

/// A bound that is far below one entry for each shard of the store.
#[test]
fn a_store_of_many_shards_has_room_for_a_few_large_values() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for id in 0..200 {
            bound(id, 2 * MIB / 5);
            let misses = fast.stats().total.misses;
            bound(id, 2 * MIB / 5);
            assert_eq!(fast.stats().total.misses, misses, "{id}");
            assert!(id == 0 || fast.stats().entries == 2, "{id}: {}", fast.stats().entries);
        }
    });
}

#[tokio::test]
async fn responses_weigh_what_they_take() {
    let (fast, _) = timed();
    let layer = CacheLayer::new().on(&fast).default_ttl(MINUTE).max_bytes(MIB);
    let answer = async |request: Request<Full<Bytes>>| {
        let length = request.uri().path().len() * 10 * KIB;
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(vec![0; length]))))
    };
    let service = ServiceBuilder::new().layer(layer).service(tower::service_fn(answer));
    for id in 0..100 {
        let request = Request::get(format!("http://a/{id:09}")).body(Full::default()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        drop(http_body_util::BodyExt::collect(response.into_body()).await.unwrap());
        assert!(fast.stats().bytes <= MIB, "{}", fast.stats().bytes);
    }
    assert!((5..=10).contains(&fast.stats().entries), "{}", fast.stats().entries);
}

#[test]
fn entries_take_the_memory_that_the_process_has_left() {
    let fast = fresh();
    let used = Arc::new(AtomicUsize::new(100 * MIB));
    let guard = MemoryGuard::builder()
        .cache(&fast)
        .every(Duration::ZERO)
        .shrink_at(80)
        .source({
            let used = used.clone();
            move || Some(Memory::new(used.load(SeqCst) as u64, 200 * MIB as u64))
        })
        .build()
        .unwrap();
    with_cache_sync(&fast, || {
        guard.pressure();
        let fill = || (0..20_000).for_each(|id| drop(large(id)));
        fill();
        let bytes = fast.stats().bytes;
        assert!((50 * MIB..=60 * MIB).contains(&bytes), "{bytes}");
        used.store(156 * MIB, SeqCst);
        guard.pressure();
        fill();
        let bytes = fast.stats().bytes;
        assert!((60 * MIB..=64 * MIB).contains(&bytes), "{bytes}");
        drop(guard);
        fill();
        assert!(fast.stats().bytes > 90 * MIB);
    });
}
