//! Calls inside of `reload`: they load although there is a fresh entry, and replace it.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, cacheable, reload, reload_sync, with_cache, with_cache_sync};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

use crate::origin::{Fault, MINUTE, Origin, SECOND};
use crate::{fresh, poll_once, timed};
use fastness_tests::names::{named, reached};

/// An origin whose answers come when a gate is opened.
#[derive(Clone)]
struct Slow {
    origin: Origin,
    gate: Arc<Semaphore>,
}

impl Slow {
    fn open() -> Self {
        Self { origin: Origin::default(), gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)) }
    }

    fn shut() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), ..Self::open() }
    }

    async fn answer(&self) -> Result<u32, Fault> {
        let call = self.origin.next();
        self.gate.acquire().await.unwrap().forget();
        call
    }

    #[cacheable(ttl = 60, key = "value:{id}", skip(self))]
    async fn value(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.answer().await
    }

    #[cacheable(ttl = 60, key = "page:{id}", skip(self))]
    async fn page(&self, id: u32) -> Result<(u32, u32), Fault> {
        Ok((self.value(id).await?, self.value(id).await?))
    }

    #[cacheable(ttl = 60, load = task, key = "task:{id}", skip(self))]
    async fn task(&self, id: u32) -> Result<u32, Fault> {
        self.value(id).await
    }

    #[cacheable(ttl = 60, jitter = 0, stale_if_error = 60, key = "lenient:{id}", skip(self))]
    async fn lenient(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.answer().await
    }

    #[cacheable(ttl = 60, jitter = 0, stale = "1h", cache_err = |_| true, err_ttl = 30, key = "strict:{id}", skip(self))]
    async fn strict(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.answer().await
    }

    /// The first load fails, with an error that cannot be cloned.
    #[cacheable(ttl = 60, key = "rigid:{id}", skip(self))]
    async fn rigid(&self, id: u32) -> Result<u32, Rigid> {
        let _ = id;
        let call = self.answer().await.map_err(|_| Rigid)?;
        if call == 1 { Err(Rigid) } else { Ok(call) }
    }

    #[cacheable(ttl = 60, load_timeout = "1s", key = "bounded:{id}", skip(self))]
    async fn bounded(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.answer().await
    }

    #[cacheable(ttl = 60, unless = |call| *call == 2, key = "picky:{id}", skip(self))]
    async fn picky(&self, id: u32) -> Result<u32, Fault> {
        let _ = id;
        self.answer().await
    }

    /// There is a value in every other call.
    #[cacheable(ttl = 60, negative_ttl = 60, key = "guest:{id}", skip(self))]
    async fn guest(&self, id: u32) -> Result<Option<u32>, Fault> {
        let _ = id;
        self.answer().await.map(|call| (call % 2 == 1).then_some(call))
    }

    #[cacheable(ttl = 60, key = "value:{ids}", batch(ids), skip(self))]
    async fn values(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        let call = self.answer().await?;
        Ok(ids.iter().map(|id| (*id, call)).collect())
    }

    #[cacheable(ttl = 60, key = "itself:{id}", skip(self, depth))]
    async fn calls_itself(&self, id: u32, depth: u32) -> u32 {
        if depth == 0 { self.origin.count() } else { Box::pin(self.calls_itself(id, depth - 1)).await }
    }
}

#[derive(Debug, PartialEq)]
struct Rigid;

#[cacheable(ttl = 60, key = "plain:{id}", skip(origin))]
fn plain(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[tokio::test]
async fn a_reload_replaces_a_fresh_entry() {
    let (fast, slow) = (fresh(), Slow::open());
    with_cache(&fast, async {
        assert_eq!((slow.value(7).await, slow.value(7).await), (Ok(1), Ok(1)));
        assert_eq!(reload(slow.value(7)).await, Ok(2));
        assert_eq!(slow.value(7).await, Ok(2));
        assert_eq!(reload(slow.value(8)).await, Ok(3), "without an entry it is a load");
        assert_eq!(slow.value(8).await, Ok(3));
    })
    .await;
    let stats = fast.stats();
    assert_eq!((stats.total.loads, stats.total.misses, stats.total.hits, stats.entries), (3, 3, 3, 2));
}

#[test]
fn so_does_one_of_a_plain_function() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        assert_eq!([plain(&origin, 7), reload_sync(|| plain(&origin, 7)), plain(&origin, 7)], [1, 2, 2]);
    });
    assert_eq!(fast.stats().total.loads, 2);
}

#[tokio::test]
async fn others_get_the_entry_until_it_has_ended() {
    let (fast, slow) = (fresh(), Slow::shut());
    slow.gate.add_permits(1);
    with_cache(&fast, async {
        assert_eq!(slow.value(7).await, Ok(1));
        let mut reloaded = pin!(reload(slow.value(7)));
        assert!(poll_once(reloaded.as_mut()).await.is_none());
        assert_eq!(slow.value(7).await, Ok(1), "a hit");
        slow.gate.add_permits(1);
        assert_eq!(reloaded.await, Ok(2));
        assert_eq!(slow.value(7).await, Ok(2));
    })
    .await;
}

#[tokio::test]
async fn a_reload_that_fails_leaves_the_entry() {
    let ((fast, clock), slow) = (timed(), Slow::open());
    with_cache(&fast, async {
        assert_eq!((slow.value(7).await, slow.lenient(7).await), (Ok(1), Ok(2)));
        slow.origin.set_down(true);
        assert_eq!(reload(slow.value(7)).await, Err(Fault::Down));
        assert_eq!(reload(slow.lenient(7)).await, Err(Fault::Down), "the old value is no answer to a reload");
        assert_eq!((slow.value(7).await, slow.lenient(7).await), (Ok(1), Ok(2)));
        clock.advance(MINUTE + SECOND);
        assert_eq!(slow.lenient(7).await, Ok(2), "it still stands in for the loads of others");
    })
    .await;
}

#[tokio::test]
async fn the_error_of_a_reload_is_cached_for_no_other_caller() {
    let ((fast, clock), slow) = (timed(), Slow::open());
    with_cache(&fast, async {
        assert_eq!(slow.strict(7).await, Ok(1));
        clock.advance(MINUTE + SECOND);
        slow.origin.set_down(true);
        assert_eq!(reload(slow.strict(7)).await, Err(Fault::Down));
        assert_eq!(slow.strict(7).await, Ok(1), "the stale value");
        assert_eq!(slow.strict(8).await, Err(Fault::Down));
        let calls = slow.origin.calls();
        assert_eq!((slow.strict(8).await, slow.origin.calls()), (Err(Fault::Down), calls), "that of a load is cached");
    })
    .await;
}

#[tokio::test]
async fn it_joins_no_load_that_began_before() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        let mut older = pin!(slow.value(7));
        assert!(poll_once(older.as_mut()).await.is_none());
        let mut reloaded = pin!(reload(slow.value(7)));
        assert!(poll_once(reloaded.as_mut()).await.is_none());
        assert_eq!(slow.origin.calls(), 2, "it loads at once");
        slow.gate.add_permits(1);
        let mut first = pin!(async { tokio::join!(older, reloaded) });
        assert!(poll_once(first.as_mut()).await.is_none());
        slow.gate.add_permits(1);
        assert_eq!(first.await, (Ok(1), Ok(2)));
        assert_eq!(slow.value(7).await, Ok(2), "the newer load counts, whichever ended last");
    })
    .await;
}

#[tokio::test]
async fn a_load_that_ends_after_a_reload_which_began_later_is_not_stored() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        let mut older = pin!(slow.value(7));
        assert!(poll_once(older.as_mut()).await.is_none());
        let open = Slow { gate: Slow::open().gate, ..slow.clone() };
        assert_eq!(reload(open.value(7)).await, Ok(2));
        slow.gate.add_permits(1);
        assert_eq!(older.await, Ok(1), "its own caller gets it");
        assert_eq!(slow.value(7).await, Ok(2));
    })
    .await;
}

/// Starts so many reloads of one key in tasks, and returns once each was polled.
async fn crowd<T, F>(fast: &Fastness, count: usize, call: impl Fn() -> F) -> JoinSet<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (mut set, polled) = (JoinSet::new(), Arc::new(Semaphore::new(0)));
    for _ in 0..count {
        let (fast, call, polled) = (fast.clone(), call(), polled.clone());
        set.spawn(async move {
            let mut call: Pin<Box<_>> = Box::pin(with_cache(&fast, reload(call)));
            let first = poll_once(call.as_mut()).await;
            polled.add_permits(1);
            match first {
                Some(done) => done,
                None => call.await,
            }
        });
    }
    polled.acquire_many(u32::try_from(count).unwrap()).await.unwrap().forget();
    set
}

#[tokio::test]
async fn a_hundred_reloads_of_one_key_make_two_loads() {
    let (fast, slow) = (fresh(), Slow::shut());
    let call = || {
        let slow = slow.clone();
        async move { slow.value(7).await }
    };
    let mut reloads = crowd(&fast, 100, call).await;
    assert_eq!(slow.origin.calls(), 1, "one loads, and the others wait for its end");
    slow.gate.add_permits(1);
    assert_eq!(reloads.join_next().await.unwrap().unwrap(), Ok(1));
    // On one thread, so each of the others runs before this task has yielded as often.
    settle().await;
    assert_eq!(slow.origin.calls(), 2, "one more loads for all others");
    slow.gate.add_permits(1);
    while let Some(value) = reloads.join_next().await {
        assert_eq!(value.unwrap(), Ok(2));
    }
    let stats = fast.stats().total;
    assert_eq!((stats.calls(), stats.misses, stats.coalesced, stats.loads), (100, 2, 98, 2));
}

/// Lets the other tasks of this thread run.
async fn settle() {
    for _ in 0..1_000 {
        yield_now().await;
    }
}

#[tokio::test]
async fn reloads_that_waited_for_an_error_which_cannot_be_cloned_make_one_more_load() {
    let (fast, slow) = (fresh(), Slow::shut());
    let call = || {
        let slow = slow.clone();
        async move { slow.rigid(7).await }
    };
    let mut reloads = crowd(&fast, 20, call).await;
    slow.gate.add_permits(1);
    assert_eq!(reloads.join_next().await.unwrap().unwrap(), Err(Rigid));
    settle().await;
    assert_eq!(slow.origin.calls(), 2, "one more loads for all others");
    slow.gate.add_permits(1);
    while let Some(value) = reloads.join_next().await {
        assert_eq!(value.unwrap(), Ok(2));
    }
}

#[tokio::test]
async fn reloads_that_waited_for_a_load_which_timed_out_make_one_more_load() {
    let ((fast, clock), slow) = (timed(), Slow::shut());
    let call = || {
        let slow = slow.clone();
        async move { slow.bounded(7).await }
    };
    let mut reloads = crowd(&fast, 20, call).await;
    // Not so far that it counts as stalled.
    clock.advance(SECOND + Duration::from_millis(1));
    assert_eq!(reloads.join_next().await.unwrap().unwrap(), Err(Fault::Timeout));
    settle().await;
    assert_eq!(slow.origin.calls(), 2, "one more loads for all others");
    slow.gate.add_permits(1);
    while let Some(value) = reloads.join_next().await {
        assert_eq!(value.unwrap(), Ok(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reload_gets_a_value_whose_load_began_before_it() {
    let (fast, slow) = (fresh(), Slow::open());
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let (fast, slow) = (fast.clone(), slow.clone());
        tasks.spawn(async move {
            for round in 0..500 {
                let (before, id) = (slow.origin.calls(), round % 2);
                // Some are no reloads, and take their part in what is stored and joined.
                if task % 4 == 0 {
                    with_cache(&fast, slow.value(id)).await.unwrap();
                } else {
                    let value = with_cache(&fast, reload(slow.value(id))).await.unwrap();
                    assert!(value > before, "load {value}, after {before} loads had begun");
                }
                if round % 50 == 0 {
                    fast.cache().invalidate(reached(format!("value:{id}"))).await;
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(fast.stats().total.calls(), 8 * 500);
}

#[tokio::test]
async fn a_reload_that_is_dropped_leaves_the_entry_and_one_that_waits_takes_over() {
    let (fast, slow) = (fresh(), Slow::shut());
    slow.gate.add_permits(1);
    with_cache(&fast, async {
        assert_eq!(slow.value(7).await, Ok(1));
        let mut first = Box::pin(reload(slow.value(7)));
        assert!(poll_once(first.as_mut()).await.is_none());
        let mut second = Box::pin(reload(slow.value(7)));
        assert!(poll_once(second.as_mut()).await.is_none());
        assert_eq!(slow.origin.calls(), 2, "the second waits for the first");
        drop(first);
        assert_eq!(slow.value(7).await, Ok(1), "the entry is as it was");
        assert!(poll_once(second.as_mut()).await.is_none());
        assert_eq!(slow.origin.calls(), 3, "the second leads");
        slow.gate.add_permits(1);
        assert_eq!(second.await, Ok(3));
        assert_eq!(slow.value(7).await, Ok(3));
    })
    .await;
    assert_eq!(fast.stats().total.loads_abandoned, 1);
}

#[tokio::test]
async fn what_overtakes_a_reload_keeps_its_value_out() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        let mut reloaded = pin!(reload(slow.value(7)));
        assert!(poll_once(reloaded.as_mut()).await.is_none());
        fast.cache().invalidate(reached("value:7")).await;
        slow.gate.add_permits(2);
        assert_eq!(reloaded.await, Ok(1));
        assert_eq!(slow.value(7).await, Ok(2), "it was not stored");
    })
    .await;
    assert_eq!(fast.stats().total.overtaken, 1);
}

#[tokio::test]
async fn it_reaches_the_calls_in_the_bodies() {
    let (fast, slow) = (fresh(), Slow::open());
    with_cache(&fast, async {
        assert_eq!((slow.page(7).await, slow.task(7).await), (Ok((1, 1)), Ok(1)));
        assert_eq!(reload(slow.page(7)).await, Ok((2, 3)), "each call in it loads");
        assert_eq!((slow.page(7).await, slow.value(7).await), (Ok((2, 3)), Ok(3)));
        assert_eq!(reload(slow.task(7)).await, Ok(4), "in a task too");
        assert_eq!((slow.task(7).await, slow.value(7).await), (Ok(4), Ok(4)));
    })
    .await;
}

#[tokio::test]
async fn a_result_that_is_not_stored_removes_the_entry() {
    let (fast, slow) = (fresh(), Slow::open());
    with_cache(&fast, async {
        assert_eq!(slow.picky(7).await, Ok(1));
        assert_eq!(reload(slow.picky(7)).await, Ok(2));
        assert_eq!(slow.picky(7).await, Ok(3), "the old value is gone, and the new one was not to be stored");
        slow.origin.count();
        assert_eq!(slow.guest(7).await, Ok(Some(5)));
        assert_eq!(reload(slow.guest(7)).await, Ok(None));
        assert_eq!(slow.guest(7).await, Ok(None), "the absence is stored");
        assert_eq!(slow.origin.calls(), 6);
    })
    .await;
}

#[tokio::test]
async fn a_function_that_calls_itself_ends() {
    let (fast, slow) = (fresh(), Slow::open());
    with_cache(&fast, async {
        assert_eq!(reload(slow.calls_itself(7, 3)).await, 1);
        assert_eq!(reload(slow.calls_itself(7, 3)).await, 2);
        assert_eq!(slow.calls_itself(7, 3).await, 2);
    })
    .await;
}

#[tokio::test]
async fn all_elements_of_a_batch_are_loaded_and_replaced() {
    let (fast, slow) = (fresh(), Slow::open());
    with_cache(&fast, async {
        assert_eq!(slow.value(1).await, Ok(1));
        assert_eq!(slow.values(&[1, 2]).await, Ok(HashMap::from([(1, 1), (2, 2)])));
        assert_eq!(reload(slow.values(&[1, 2, 3])).await, Ok(HashMap::from([(1, 3), (2, 3), (3, 3)])));
        assert_eq!(slow.values(&[1, 2, 3]).await, Ok(HashMap::from([(1, 3), (2, 3), (3, 3)])));
        assert_eq!(slow.value(1).await, Ok(3));
    })
    .await;
    let stats = fast.stats().total;
    assert_eq!((stats.hits, stats.misses), (5, 5));
}

#[tokio::test]
async fn equal_batches_that_reload_share_the_load_after_the_first() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        let mut batches: Vec<_> = (0..5).map(|_| Box::pin(reload(slow.values(&[1, 2])))).collect();
        for batch in &mut batches {
            assert!(poll_once(batch.as_mut()).await.is_none());
        }
        assert_eq!(slow.origin.calls(), 1);
        slow.gate.add_permits(1);
        assert_eq!(batches.remove(0).await.unwrap()[&1], 1);
        for batch in &mut batches {
            assert!(poll_once(batch.as_mut()).await.is_none());
        }
        assert_eq!(slow.origin.calls(), 2);
        slow.gate.add_permits(1);
        for batch in batches {
            assert_eq!(batch.await.unwrap()[&1], 2);
        }
    })
    .await;
}

#[tokio::test]
async fn direct_calls_load_anew_and_read_as_always() {
    let (fast, origin, key) = (fresh(), Origin::default(), named("n:1"));
    let cache = fast.cache();
    let load = async || Ok::<_, ()>(origin.count());
    assert_eq!(cache.get_or_load(&key, MINUTE, load()).await, Ok(1));
    assert_eq!(reload(cache.get_or_load(&key, MINUTE, load())).await, Ok(2));
    assert_eq!(cache.get_or_load(&key, MINUTE, load()).await, Ok(2));
    assert_eq!(reload(cache.get::<u32>(&key)).await, Some(2), "there is nothing to run");
    reload(cache.set(&key, 40_u32, MINUTE)).await;
    assert_eq!(cache.get::<u32>(&key).await, Some(40));
}
