//! `merge`: calls of a batch that meet share one run of the body, whatever becomes of the calls.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastness::{Fastness, LoadTimeout, bypass, cache_invalidate, cacheable, reload, with_cache};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};
use tokio::time::advance;

use crate::{fresh, poll_once, timed};

const MILLI: Duration = Duration::from_millis(1);
/// A little more than the time for which `many` waits: timers round up.
const PAST: Duration = Duration::from_millis(2_010);

/// The ids of each run of the body, those of the runs under way, and a gate that lets each run end.
#[derive(Clone)]
struct Shelf(Arc<Inner>);

struct Inner {
    asked: Mutex<Vec<Vec<u32>>>,
    under_way: Mutex<BTreeSet<u32>>,
    gate: Semaphore,
    is_down: AtomicBool,
    version: AtomicU32,
}

#[derive(Clone, Debug, PartialEq)]
enum Fault {
    Down,
    Timeout,
}

impl From<LoadTimeout> for Fault {
    fn from(_: LoadTimeout) -> Self {
        Self::Timeout
    }
}

#[derive(Debug, PartialEq)]
struct NotClone;

impl Shelf {
    fn with_permits(permits: usize) -> Self {
        Self(Arc::new(Inner {
            asked: Mutex::default(),
            under_way: Mutex::default(),
            gate: Semaphore::new(permits),
            is_down: AtomicBool::new(false),
            version: AtomicU32::new(1),
        }))
    }

    fn open() -> Self {
        Self::with_permits(100_000)
    }

    fn shut() -> Self {
        Self::with_permits(0)
    }

    /// The ids of the runs since the last call, each run's in order of size.
    fn asked(&self) -> Vec<Vec<u32>> {
        let mut asked = std::mem::take(&mut *self.0.asked.lock().unwrap());
        for ids in &mut asked {
            ids.sort_unstable();
        }
        asked
    }

    fn runs(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    /// A value for each id but 9: the id and the version. No id is under way twice.
    async fn load(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.0.asked.lock().unwrap().push(ids.to_vec());
        let _under_way = UnderWay::begin(self, ids);
        let version = self.0.version.load(Ordering::SeqCst);
        yield_now().await;
        self.0.gate.acquire().await.unwrap().forget();
        assert!(!ids.contains(&13), "of bad luck");
        ids.iter().filter(|id| **id != 9).map(|id| (*id, id * 100 + version)).collect()
    }

    async fn try_load(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        let loaded = self.load(ids).await;
        if self.0.is_down.load(Ordering::SeqCst) { Err(Fault::Down) } else { Ok(loaded) }
    }

    #[cacheable(ttl = 60, merge = "2s", key = "many:{ids}", batch(ids), tags = ["odd:{ids}"], skip(self))]
    async fn many(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, merge = "2ms", key = "quick:{ids}", batch(ids), skip(self))]
    async fn quick(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, key = "many:{id}", skip(self))]
    async fn one(&self, id: u32) -> Option<u32> {
        self.many(&[id]).await.remove(&id)
    }

    #[cacheable(ttl = 60, merge = "2ms", merge_max = 3, key = "few:{shop}:{ids}", batch(ids), skip(self))]
    async fn few(&self, shop: &str, ids: Vec<u32>) -> HashMap<u32, u32> {
        let _ = shop;
        self.load(&ids).await
    }

    #[cacheable(ttl = 60, merge = Duration::ZERO, negative_ttl = 60, key = "queued:{ids}", batch(ids), skip(self))]
    async fn queued(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.load(ids).await
    }

    #[cacheable(
        ttl = 60,
        jitter = 0,
        merge = "2ms",
        load_timeout = "1s",
        stale_if_error = "1m",
        key = "frail:{ids}",
        batch(ids),
        skip(self)
    )]
    async fn frail(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.try_load(ids).await
    }

    #[cacheable(ttl = 60, merge = "2ms", key = "private:{ids}", batch(ids), skip(self))]
    async fn private(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, NotClone> {
        self.load(ids).await;
        Err(NotClone)
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, merge = "2ms", key = "late:{ids}", batch(ids), skip(self))]
    async fn later(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.load(ids).await
    }
}

/// The ids of one run, until it ends.
struct UnderWay<'a>(&'a Shelf, Vec<u32>);

impl<'a> UnderWay<'a> {
    fn begin(shelf: &'a Shelf, ids: &[u32]) -> Self {
        let mut under_way = shelf.0.under_way.lock().unwrap();
        for id in ids {
            assert!(under_way.insert(*id), "{id} is under way already");
        }
        Self(shelf, ids.to_vec())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Ok(mut under_way) = self.0.0.under_way.lock() {
            under_way.retain(|id| !self.1.contains(id));
        }
    }
}

#[cache_invalidate("many:{id}")]
async fn change(id: u32) {}

/// Lets each task run until it waits.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// Starts a call of `many` for each of these ids.
fn start(fast: &Fastness, shelf: &Shelf, ids: impl IntoIterator<Item = u32>) -> JoinSet<(u32, Option<u32>)> {
    let mut tasks = JoinSet::new();
    for id in ids {
        let (fast, shelf) = (fast.clone(), shelf.clone());
        tasks.spawn(async move { (id, with_cache(&fast, shelf.many(&[id])).await.remove(&id)) });
    }
    tasks
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what a call returns")]
fn value(id: u32, version: u32) -> Option<u32> {
    Some(id * 100 + version)
}

/// Ten thousand calls of the function for one id, over a thousand ids: at most this many runs of at most a hundred.
async fn ten_thousand_calls(most: usize) {
    let (fast, shelf) = (fresh(), Shelf::open());
    let mut tasks = JoinSet::new();
    for n in 0..10_000_u32 {
        let (fast, shelf, id) = (fast.clone(), shelf.clone(), 1_000 + n % 1_000);
        tasks.spawn(async move { (id, with_cache(&fast, shelf.one(id)).await) });
    }
    for (id, found) in tasks.join_all().await {
        assert_eq!(found, value(id, 1));
    }
    let asked = shelf.asked();
    assert!(asked.len() <= most && asked.iter().all(|ids| ids.len() <= 100), "{} runs", asked.len());
    let mut all = asked.concat();
    all.sort_unstable();
    assert_eq!(all, (1_000..2_000).collect::<Vec<_>>(), "each id once");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_for_a_thousand_ids_are_ten_runs() {
    ten_thousand_calls(10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_calls_on_several_threads_are_few_runs() {
    ten_thousand_calls(20).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_begins_when_the_time_has_passed_or_it_is_full() {
    let (fast, shelf) = (fresh(), Shelf::open());
    with_cache(&fast, async {
        let mut lone = Box::pin(shelf.few("a", vec![1]));
        assert!(poll_once(lone.as_mut()).await.is_none());
        advance(MILLI).await;
        assert!(poll_once(lone.as_mut()).await.is_none() && shelf.runs() == 0, "a millisecond is left");
        assert_eq!(lone.await, HashMap::from([(1, 101)]));

        let mut calls: Vec<_> = [2, 3, 4].map(|id| Box::pin(shelf.few("a", vec![id]))).into();
        for call in &mut calls {
            assert!(poll_once(call.as_mut()).await.is_none());
        }
        assert!(poll_once(calls[0].as_mut()).await.is_none());
        assert_eq!(shelf.asked(), [&[1][..], &[2, 3, 4]], "no time has passed");
        for (call, id) in calls.into_iter().zip(2..) {
            assert_eq!(call.await, HashMap::from([(id, id * 100 + 1)]), "each gets its own alone");
        }
    })
    .await;
    let total = fast.stats().total;
    assert_eq!((total.misses, total.coalesced, total.loads), (2, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn calls_merge_only_if_their_other_arguments_are_equal_and_a_long_list_is_one_run() {
    let (fast, shelf) = (fresh(), Shelf::open());
    with_cache(&fast, async {
        let calls = tokio::join!(shelf.few("a", vec![1]), shelf.few("b", vec![5, 6]), shelf.few("a", vec![2, 1]));
        assert_eq!((calls.0.len(), calls.1.len(), calls.2.len()), (1, 2, 2));
        let mut asked = shelf.asked();
        asked.sort();
        assert_eq!(asked, [[1, 2], [5, 6]], "one for each shop");
        let (short, long) = tokio::join!(shelf.few("c", vec![1]), shelf.few("c", (2..9).collect()));
        assert_eq!((short.len(), long.len()), (1, 7));
        let mut asked = shelf.asked();
        asked.sort();
        assert_eq!(asked, [&[1][..], &[2, 3, 4, 5, 6, 7, 8]], "the first begins when there is no room");
    })
    .await;
}

#[tokio::test]
async fn a_wait_of_zero_merges_the_calls_that_are_queued() {
    let (fast, shelf) = (fresh(), Shelf::open());
    let mut tasks = JoinSet::new();
    for id in (100..149).chain([9]) {
        let (fast, shelf) = (fast.clone(), shelf.clone());
        tasks.spawn(async move { with_cache(&fast, shelf.queued(&[id])).await.remove(&id) });
    }
    let found = tasks.join_all().await;
    assert_eq!(found.iter().flatten().count(), 49, "9 is absent");
    assert_eq!(shelf.asked(), [[9].into_iter().chain(100..149).collect::<Vec<_>>()]);
    with_cache(&fast, async {
        assert!(shelf.queued(&[9]).await.is_empty());
        assert_eq!(shelf.runs(), 0, "an absence is known");
        assert_eq!(bypass(shelf.queued(&[100])).await.len() + reload(shelf.queued(&[100])).await.len(), 2);
        assert_eq!(shelf.asked(), [[100], [100]]);
    })
    .await;
}

#[test]
fn calls_merge_where_there_is_no_runtime() {
    let (fast, shelf) = (fresh(), Shelf::open());
    let mut calls = [1, 2].map(|id| {
        let (fast, shelf) = (fast.clone(), shelf.clone());
        Box::pin(async move { with_cache(&fast, shelf.many(&[id])).await.remove(&id) })
    });
    let mut found = [None, None];
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while found.contains(&None) {
        for (call, found) in calls.iter_mut().zip(&mut found).filter(|(_, found)| found.is_none()) {
            if let std::task::Poll::Ready(value) = call.as_mut().poll(&mut context) {
                *found = value;
            }
        }
    }
    assert_eq!((found, shelf.asked()), ([value(1, 1), value(2, 1)], vec![vec![1, 2]]));
}

#[tokio::test(start_paused = true)]
async fn what_is_cached_is_served_at_once_and_what_is_under_way_is_waited_for() {
    let (fast, shelf) = (fresh(), Shelf::with_permits(1));
    with_cache(&fast, async {
        shelf.many(&[1, 2]).await;
        let mut running = Box::pin(shelf.many(&[3, 4]));
        assert!(poll_once(running.as_mut()).await.is_none());
        assert_eq!(poll_once(Box::pin(shelf.many(&[2, 1])).as_mut()).await.map(|found| found.len()), Some(2));
        advance(PAST).await;
        assert!(poll_once(running.as_mut()).await.is_none() && shelf.runs() == 2);

        let (mut partly, mut next) = (Box::pin(shelf.many(&[1, 4, 5])), Box::pin(shelf.many(&[6])));
        assert!(poll_once(partly.as_mut()).await.is_none() && poll_once(next.as_mut()).await.is_none());
        advance(PAST).await;
        assert!(poll_once(partly.as_mut()).await.is_none() && poll_once(next.as_mut()).await.is_none());
        assert_eq!(shelf.asked(), [&[1, 2][..], &[3, 4], &[6]], "a call during a run begins the next; 4 is waited for");
        shelf.0.gate.add_permits(3);
        let (running, partly, next) = tokio::join!(running, partly, next);
        assert_eq!((running.len(), partly.len(), next.len()), (2, 3, 1));
        assert_eq!(shelf.asked(), [[5]]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_leave_lose_nothing_for_the_others() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let lists = [[1], [2], [3], [4]];
        let mut calls: Vec<_> = lists.iter().map(|ids| Some(Box::pin(shelf.many(ids)))).collect();
        for call in calls.iter_mut().flatten() {
            assert!(poll_once(call.as_mut()).await.is_none());
        }
        calls[0] = None;
        calls[2] = None;
        for call in calls.iter_mut().flatten() {
            assert!(poll_once(call.as_mut()).await.is_none());
        }
        assert_eq!(shelf.asked(), [[1, 2, 3, 4]], "the second takes over before the time has passed");
        calls[1] = None;
        for call in calls.iter_mut().flatten() {
            assert!(poll_once(call.as_mut()).await.is_none());
        }
        assert_eq!(shelf.asked(), [[1, 2, 3, 4]], "the last takes over while the body runs");
        shelf.0.gate.add_permits(1);
        assert_eq!(calls[3].take().unwrap().await, HashMap::from([(4, 401)]));
        assert_eq!(shelf.many(&[1, 2, 3]).await.len(), 3);
        assert_eq!(shelf.runs(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_reaches_the_leader_and_the_calls_whose_ids_cause_it() {
    let (fast, shelf) = (fresh(), Shelf::open());
    let mut tasks = start(&fast, &shelf, 11..=15);
    let (mut found, mut panicked) = (Vec::new(), 0);
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok((id, value)) => found.push((id, value)),
            Err(error) => panicked += usize::from(error.is_panic()),
        }
    }
    found.sort_unstable();
    assert_eq!(found, [12, 14, 15].map(|id| (id, value(id, 1))));
    assert_eq!(panicked, 2);
    assert_eq!(shelf.asked(), [&[11, 12, 13, 14, 15][..], &[12], &[13], &[14], &[15]], "then each for itself");
    assert_eq!(with_cache(&fast, shelf.many(&[11, 12])).await.len(), 2, "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn an_error_goes_to_all_if_it_can_be_cloned_and_otherwise_each_call_runs() {
    let ((fast, clock), shelf) = (timed(), Shelf::open());
    with_cache(&fast, async {
        shelf.frail(&[1]).await.unwrap();
        clock.advance(Duration::from_secs(60));
        shelf.asked();
        shelf.0.is_down.store(true, Ordering::SeqCst);
        let calls = tokio::join!(shelf.frail(&[3]), shelf.frail(&[1]), shelf.frail(&[2]));
        assert_eq!((calls.0, calls.2), (Err(Fault::Down), Err(Fault::Down)));
        assert_eq!(calls.1, Ok(HashMap::from([(1, 101)])), "its old value");
        assert_eq!(shelf.asked(), [[1, 2, 3]]);
        let calls = tokio::join!(shelf.private(&[1]), shelf.private(&[2]), shelf.private(&[3]));
        assert_eq!(calls, (Err(NotClone), Err(NotClone), Err(NotClone)));
        assert_eq!(shelf.runs(), 3, "one for all, and then one for each of the others");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_goes_to_all() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let calls = tokio::join!(shelf.frail(&[1]), shelf.frail(&[2]));
        assert_eq!(calls, (Err(Fault::Timeout), Err(Fault::Timeout)));
        assert_eq!((shelf.asked(), fast.stats().total.load_timeouts), (vec![vec![1, 2]], 1));
        shelf.0.gate.add_permits(1);
        assert_eq!(shelf.frail(&[1]).await.map(|found| found.len()), Ok(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_during_the_run_is_seen_by_the_calls_after_it() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let mut old = Box::pin(shelf.many(&[1, 2]));
        assert!(poll_once(old.as_mut()).await.is_none());
        advance(PAST).await;
        assert!(poll_once(old.as_mut()).await.is_none() && shelf.runs() == 1);
        // The ids of the first run would count as under way twice.
        shelf.0.under_way.lock().unwrap().clear();
        shelf.0.version.store(2, Ordering::SeqCst);
        change(1).await;
        let (mut new, mut same) = (Box::pin(shelf.many(&[1])), Box::pin(shelf.many(&[2])));
        assert!(poll_once(new.as_mut()).await.is_none() && poll_once(same.as_mut()).await.is_none());
        shelf.0.gate.add_permits(2);
        let (old, new, same) = tokio::join!(old, new, same);
        assert_eq!((old[&1], new[&1], same[&2]), (101, 102, 201));
        assert_eq!(shelf.many(&[1, 2]).await, HashMap::from([(1, 102), (2, 201)]));
        assert_eq!(shelf.asked(), [&[1, 2][..], &[1]]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_lacks_what_was_a_hit_of_the_leader_gets_the_new_value() {
    let (fast, shelf) = (fresh(), Shelf::open());
    with_cache(&fast, async {
        shelf.many(&[1]).await;
        let mut leader = Box::pin(shelf.many(&[1, 2]));
        assert!(poll_once(leader.as_mut()).await.is_none(), "1 is a hit, and 2 waits for others");
        shelf.0.version.store(2, Ordering::SeqCst);
        change(1).await;
        let (leader, late) = tokio::join!(leader, shelf.many(&[1]));
        assert_eq!((late, leader[&2]), (HashMap::from([(1, 102)]), 202));
        assert_eq!(shelf.asked(), [&[1][..], &[1, 2]]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn background_refreshes_of_single_elements_merge() {
    let ((fast, clock), shelf) = (timed(), Shelf::open());
    with_cache(&fast, async {
        shelf.later(&[1, 2, 3]).await;
        clock.advance(Duration::from_secs(61));
        shelf.0.version.store(2, Ordering::SeqCst);
        for id in [1, 2, 3, 1] {
            assert_eq!(shelf.later(&[id]).await, HashMap::from([(id, id * 100 + 1)]), "no call waits");
        }
        settle().await;
        advance(MILLI * 3).await;
        settle().await;
        assert_eq!(shelf.later(&[1, 2, 3]).await, HashMap::from([(1, 102), (2, 202), (3, 302)]));
        assert_eq!(shelf.asked(), [[1, 2, 3], [1, 2, 3]]);
    })
    .await;
}

#[cacheable(ttl = 60, merge = "2ms", key = "circle:{ids}", batch(ids))]
async fn circle(ids: &[u32]) -> HashMap<u32, u32> {
    let mut found = HashMap::new();
    for id in ids {
        // Both its own id and the other one are under way in this run.
        let inner = if *id < 10 { Box::pin(circle(&[id + 10])).await.len() } else { 0 };
        found.insert(*id, u32::try_from(inner).unwrap());
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_body_that_calls_its_own_function_ends() {
    with_cache(&fresh(), async {
        let (one, eleven) = tokio::join!(circle(&[1]), circle(&[11]));
        assert_eq!((one, eleven), (HashMap::from([(1, 1)]), HashMap::from([(11, 0)])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_are_dropped_at_random_hand_over() {
    for round in 0..20_u32 {
        let (fast, shelf) = (fresh(), Shelf::open());
        let start = |ids: &mut dyn Iterator<Item = u32>| {
            let call = |id| {
                let (fast, shelf) = (fast.clone(), shelf.clone());
                async move { (id, with_cache(&fast, shelf.quick(&[id])).await.remove(&id)) }
            };
            ids.map(call).collect::<JoinSet<_>>()
        };
        let staying = start(&mut (0..200).map(|n| 100 + n % 40));
        let mut dropped = start(&mut (0..200).map(|n| 100 + n % 50));
        for _ in 0..round {
            yield_now().await;
        }
        dropped.abort_all();
        for (id, found) in staying.join_all().await {
            assert_eq!(found, value(id, 1));
        }
        while dropped.join_next().await.is_some() {}
        assert_eq!(with_cache(&fast, shelf.quick(&(100..150).collect::<Vec<_>>())).await.len(), 50);
    }
}
