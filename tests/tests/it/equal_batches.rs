//! Batches that lack the same elements at one time: one batch runs, and the others get its values or take over.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier as ThreadBarrier, Mutex};
use std::time::Duration;

use fastness::{cache_invalidate, cacheable, with_cache, with_cache_sync};
use tokio::sync::Semaphore;

use crate::{fresh, poll_once, timed};

const BOUND: Duration = Duration::from_secs(30);

/// The ids of each run of the body, and a gate that lets each run end.
struct Shelf {
    asked: Mutex<Vec<Vec<u32>>>,
    gate: Semaphore,
}

impl Shelf {
    fn shut() -> Self {
        Self { asked: Mutex::default(), gate: Semaphore::new(0) }
    }

    fn open() -> Self {
        Self { gate: Semaphore::new(1_000), ..Self::shut() }
    }

    async fn ask(&self, ids: &[u32]) {
        self.note(ids);
        tokio::task::yield_now().await;
        self.gate.acquire().await.unwrap().forget();
    }

    fn note(&self, ids: &[u32]) {
        self.asked.lock().unwrap().push(ids.to_vec());
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        self.asked.lock().unwrap().clone()
    }

    fn runs(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Down;

#[derive(Debug, PartialEq)]
struct NotClone(u32);

/// A value for each id but 9.
fn values(ids: &[u32]) -> HashMap<u32, u32> {
    ids.iter().filter(|id| **id != 9).map(|id| (*id, id * 10)).collect()
}

#[cacheable(ttl = 60, key = "item:{ids}", batch(ids), tags = ["odd:{ids}"], skip(shelf))]
async fn items(shelf: &Shelf, ids: &[u32]) -> HashMap<u32, u32> {
    shelf.ask(ids).await;
    assert!(!ids.contains(&13), "of bad luck");
    values(ids)
}

#[cacheable(ttl = 60, key = "item:{id}")]
async fn item(id: u32) -> u32 {
    id * 10
}

#[cache_invalidate("item:{id}")]
async fn change(id: u32) {}

#[cache_invalidate(tags = ["odd:{id}"])]
async fn change_by_tag(id: u32) {}

#[tokio::test]
async fn twenty_equal_batches_make_one_run_whatever_their_order() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    let lists: [&[u32]; 4] = [&[1, 2, 3, 9], &[9, 3, 2, 1], &[2, 2, 9, 1, 3, 2], &[3, 1, 9, 2]];
    let mut calls: Vec<_> = (0..20).map(|n| Box::pin(with_cache(&fast, items(&shelf, lists[n % 4])))).collect();
    for call in &mut calls {
        assert!(poll_once(call.as_mut()).await.is_none());
    }
    shelf.gate.add_permits(1);
    for call in calls {
        assert_eq!(call.await, values(&[1, 2, 3]));
    }
    assert_eq!(shelf.asked(), [[1, 2, 3, 9]], "of the first");
    let total = fast.stats().total;
    assert_eq!((total.misses, total.coalesced, total.loads), (4, 76, 1), "each element counts");
}

#[tokio::test]
async fn batches_with_equal_missing_elements_are_equal() {
    let (fast, shelf) = (fresh(), Shelf::open());
    with_cache(&fast, async {
        items(&shelf, &[1, 2]).await;
        let (first, second) = tokio::join!(items(&shelf, &[1, 3, 4]), items(&shelf, &[4, 2, 3]));
        assert_eq!((first, second), (values(&[1, 3, 4]), values(&[2, 3, 4])));
        assert_eq!(shelf.asked(), [&[1, 2][..], &[3, 4]]);
    })
    .await;
}

#[tokio::test]
async fn batches_that_overlap_in_part_run_side_by_side() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let (mut one, mut two) = (Box::pin(items(&shelf, &[1, 2])), Box::pin(items(&shelf, &[2, 3])));
        let (mut less, mut more) = (Box::pin(items(&shelf, &[1])), Box::pin(items(&shelf, &[1, 2, 3])));
        for call in [one.as_mut(), two.as_mut(), less.as_mut(), more.as_mut()] {
            assert!(poll_once(call).await.is_none());
        }
        assert_eq!(shelf.asked(), [&[1, 2][..], &[2, 3], &[1], &[1, 2, 3]], "none waits for another");
        shelf.gate.add_permits(4);
        let found = tokio::join!(one, two, less, more);
        assert_eq!(found, (values(&[1, 2]), values(&[2, 3]), values(&[1]), values(&[1, 2, 3])));
    })
    .await;
}

#[tokio::test]
async fn a_dropped_batch_is_taken_over_by_a_waiter() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let mut first = Box::pin(items(&shelf, &[1, 2]));
        let (mut second, mut third) = (Box::pin(items(&shelf, &[2, 1])), Box::pin(items(&shelf, &[1, 2])));
        assert!(poll_once(first.as_mut()).await.is_none());
        assert!(poll_once(second.as_mut()).await.is_none() && poll_once(third.as_mut()).await.is_none());
        assert_eq!(shelf.runs(), 1);
        drop(first);
        assert!(poll_once(third.as_mut()).await.is_none() && poll_once(second.as_mut()).await.is_none());
        assert_eq!(shelf.asked(), [[1, 2], [2, 1]], "the next in line");
        shelf.gate.add_permits(1);
        assert_eq!(tokio::join!(second, third), (values(&[1, 2]), values(&[1, 2])));
        assert_eq!(shelf.runs(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_heir_loads_only_elements_that_are_still_missing() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let mut first = Box::pin(items(&shelf, &[1, 2]));
        let (mut second, mut third) = (Box::pin(items(&shelf, &[1, 2])), Box::pin(items(&shelf, &[1, 2])));
        assert!(poll_once(first.as_mut()).await.is_none());
        assert!(poll_once(second.as_mut()).await.is_none() && poll_once(third.as_mut()).await.is_none());
        item(1).await;
        drop(first);
        shelf.gate.add_permits(1);
        assert_eq!(tokio::join!(second, third), (values(&[1, 2]), values(&[1, 2])), "the third gets both as well");
        assert_eq!(shelf.asked(), [&[1, 2][..], &[2]]);

        let mut first = Box::pin(items(&shelf, &[5, 6]));
        let (mut second, mut third) = (Box::pin(items(&shelf, &[5, 6])), Box::pin(items(&shelf, &[5, 6])));
        assert!(poll_once(first.as_mut()).await.is_none());
        assert!(poll_once(second.as_mut()).await.is_none() && poll_once(third.as_mut()).await.is_none());
        item(5).await;
        item(6).await;
        drop(first);
        assert_eq!(tokio::join!(second, third), (values(&[5, 6]), values(&[5, 6])));
        assert_eq!(shelf.runs(), 3, "nothing was left to load");
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_panics_hands_over() {
    let (fast, shelf) = (fresh(), Arc::new(Shelf::shut()));
    let call = || {
        let (fast, shelf) = (fast.clone(), shelf.clone());
        tokio::spawn(async move { with_cache(&fast, items(&shelf, &[12, 13])).await })
    };
    let calls = [call(), call(), call()];
    // On one thread, all three have been polled by then.
    while shelf.runs() < 1 {
        tokio::task::yield_now().await;
    }
    // One after another: each batch that takes over panics as well.
    for runs in 1..=3 {
        while shelf.runs() < runs {
            tokio::task::yield_now().await;
        }
        assert_eq!(shelf.runs(), runs);
        shelf.gate.add_permits(1);
    }
    for call in calls {
        assert!(call.await.is_err_and(|error| error.is_panic()));
    }
    shelf.gate.add_permits(1);
    assert_eq!(with_cache(&fast, items(&shelf, &[12])).await, values(&[12]), "nothing is left behind");
}

#[cacheable(ttl = 60, key = "failing:{ids}", batch(ids), skip(shelf))]
async fn failing(shelf: &Shelf, ids: &[u32]) -> Result<HashMap<u32, u32>, Down> {
    shelf.ask(ids).await;
    Err(Down)
}

#[cacheable(ttl = 60, key = "private:{ids}", batch(ids), skip(shelf))]
async fn private(shelf: &Shelf, ids: &[u32]) -> Result<HashMap<u32, u32>, NotClone> {
    shelf.ask(ids).await;
    Err(NotClone(1))
}

#[cacheable(ttl = 60, key = "copied:{ids}", batch(ids), share_error = |error| NotClone(error.0 + 1), skip(shelf))]
async fn copied(shelf: &Shelf, ids: &[u32]) -> Result<HashMap<u32, u32>, NotClone> {
    shelf.ask(ids).await;
    Err(NotClone(1))
}

#[tokio::test]
async fn an_error_is_shared_if_it_can_be_cloned_and_otherwise_each_batch_runs() {
    let (fast, shelf) = (fresh(), Shelf::open());
    with_cache(&fast, async {
        let call = || Box::pin(failing(&shelf, &[1, 2]));
        assert_eq!(tokio::join!(call(), call(), call()), (Err(Down), Err(Down), Err(Down)));
        assert_eq!((shelf.runs(), fast.stats().total.load_errors), (1, 1));

        let shelf = Shelf::shut();
        let call = || Box::pin(private(&shelf, &[1]));
        let mut calls = Box::pin(async { tokio::join!(call(), call(), call()) });
        assert!(poll_once(calls.as_mut()).await.is_none());
        assert_eq!(shelf.runs(), 1);
        shelf.gate.add_permits(1);
        while shelf.runs() < 3 {
            assert!(poll_once(calls.as_mut()).await.is_none(), "both waiters run, side by side");
        }
        shelf.gate.add_permits(2);
        let own = || Err(NotClone(1));
        assert_eq!(calls.await, (own(), own(), own()));

        let shelf = Shelf::open();
        let (first, second) = tokio::join!(Box::pin(copied(&shelf, &[1])), Box::pin(copied(&shelf, &[1])));
        assert_eq!((first, shelf.runs()), (Err(NotClone(1)), 1));
        assert!(second.is_err_and(|error| error.0 > 1), "a copy");
    })
    .await;
}

#[tokio::test]
async fn no_batch_joins_a_run_with_an_invalidated_element() {
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let (mut old, mut early) = (Box::pin(items(&shelf, &[1, 2])), Box::pin(items(&shelf, &[1, 2])));
        assert!(poll_once(old.as_mut()).await.is_none() && poll_once(early.as_mut()).await.is_none());
        change(2).await;
        let mut new = Box::pin(items(&shelf, &[1, 2]));
        assert!(poll_once(new.as_mut()).await.is_none());
        assert_eq!(shelf.runs(), 2);
        change_by_tag(1).await;
        let mut newest = Box::pin(items(&shelf, &[1, 2]));
        assert!(poll_once(newest.as_mut()).await.is_none());
        assert_eq!(shelf.runs(), 3);
        shelf.gate.add_permits(3);
        tokio::join!(old, early, new, newest);
        assert_eq!(shelf.runs(), 3, "earlier waiters get the old one");
    })
    .await;
}

#[tokio::test]
async fn additional_elements_go_to_the_leader_only() {
    #[cacheable(ttl = 60, key = "more:{ids}", batch(ids))]
    async fn more(ids: &[u32]) -> BTreeMap<u32, u32> {
        tokio::task::yield_now().await;
        ids.iter().chain(&[77]).map(|id| (*id, *id)).collect()
    }
    let fast = fresh();
    let (first, second) = with_cache(&fast, async { tokio::join!(more(&[1]), more(&[1])) }).await;
    assert_eq!((first.len(), second.len()), (2, 1));
}

#[tokio::test]
async fn each_batch_runs_without_single_flight() {
    #[cacheable(ttl = 60, key = "apart:{ids}", batch(ids), single_flight = off, skip(shelf))]
    async fn apart(shelf: &Shelf, ids: &[u32]) -> HashMap<u32, u32> {
        shelf.ask(ids).await;
        values(ids)
    }
    let (fast, shelf) = (fresh(), Shelf::shut());
    with_cache(&fast, async {
        let (mut one, mut two) = (Box::pin(apart(&shelf, &[1])), Box::pin(apart(&shelf, &[1])));
        assert!(poll_once(one.as_mut()).await.is_none() && poll_once(two.as_mut()).await.is_none());
        assert_eq!(shelf.runs(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_resting_batch_is_given_up_and_another_runs() {
    let ((fast, clock), shelf) = (timed(), Shelf::shut());
    with_cache(&fast, async {
        let mut rests = Box::pin(items(&shelf, &[1, 2]));
        let mut waits = Box::pin(items(&shelf, &[2, 1]));
        assert!(poll_once(rests.as_mut()).await.is_none() && poll_once(waits.as_mut()).await.is_none());
        clock.advance(BOUND);
        assert!(poll_once(waits.as_mut()).await.is_none());
        assert_eq!((shelf.runs(), fast.stats().total.loads_stalled), (2, 1));
        shelf.gate.add_permits(2);
        assert_eq!(tokio::join!(rests, waits), (values(&[1, 2]), values(&[1, 2])));
    })
    .await;
}

#[cacheable(ttl = 60, key = "thread:{ids}", batch(ids), skip(shelf, barrier))]
fn blocking(shelf: &Shelf, barrier: &ThreadBarrier, ids: &[u32]) -> HashMap<u32, u32> {
    shelf.note(ids);
    barrier.wait();
    values(ids)
}

#[cacheable(ttl = 60, key = "panics:{ids}", batch(ids), skip(shelf, barrier))]
fn panics_once(shelf: &Shelf, barrier: &ThreadBarrier, ids: &[u32]) -> HashMap<u32, u32> {
    shelf.note(ids);
    if shelf.runs() == 2 {
        barrier.wait();
        panic!("the first of these");
    }
    values(ids)
}

#[test]
fn threads_join_a_batch_too_and_one_takes_over_after_a_panic() {
    let fast = fresh();
    let (shelf, barrier) = (Arc::new(Shelf::shut()), Arc::new(ThreadBarrier::new(2)));
    let arrived = Arc::new(AtomicUsize::new(0));
    let call = |ids: &'static [u32]| {
        let (fast, shelf, barrier, arrived) = (fast.clone(), shelf.clone(), barrier.clone(), arrived.clone());
        std::thread::spawn(move || {
            arrived.fetch_add(1, Ordering::SeqCst);
            with_cache_sync(&fast, || blocking(&shelf, &barrier, ids))
        })
    };
    let calls = [call(&[1, 2]), call(&[2, 1]), call(&[1, 1, 2])];
    while arrived.load(Ordering::SeqCst) < 3 {
        std::thread::yield_now();
    }
    barrier.wait();
    for call in calls {
        assert_eq!(call.join().unwrap(), values(&[1, 2]));
    }
    assert_eq!(shelf.runs(), 1);

    let call = || {
        let (fast, shelf, barrier, arrived) = (fast.clone(), shelf.clone(), barrier.clone(), arrived.clone());
        std::thread::spawn(move || {
            arrived.fetch_add(1, Ordering::SeqCst);
            with_cache_sync(&fast, || panics_once(&shelf, &barrier, &[1, 2]))
        })
    };
    let calls = [call(), call()];
    while arrived.load(Ordering::SeqCst) < 5 {
        std::thread::yield_now();
    }
    barrier.wait();
    let ended: Vec<_> = calls.into_iter().map(std::thread::JoinHandle::join).collect();
    assert_eq!(ended.iter().filter(|ended| ended.is_err()).count(), 1);
    assert!(ended.into_iter().flatten().all(|found| found == values(&[1, 2])));
}

/// A body that asks for `next`, and goes on round the circle for `depth` steps.
#[cacheable(ttl = 60, key = "circle:{ids}", batch(ids), skip(next, depth, start))]
async fn circle(ids: &[u32], next: &[u32], depth: u8, start: &tokio::sync::Barrier) -> HashMap<u32, u32> {
    if depth == 3 {
        start.wait().await;
    }
    if depth > 0 {
        assert_eq!(Box::pin(circle(next, ids, depth - 1, start)).await, values(next));
    }
    values(ids)
}

#[tokio::test(start_paused = true)]
async fn batches_that_need_each_other_end() {
    let fast = fresh();
    let one = tokio::sync::Barrier::new(1);
    let itself = with_cache(&fast, circle(&[1, 2], &[2, 1], 3, &one));
    assert_eq!(tokio::time::timeout(BOUND, itself).await.expect("no deadlock"), values(&[1, 2]));

    let two = tokio::sync::Barrier::new(2);
    let call = |ids: &'static [u32], next: &'static [u32]| Box::pin(circle(ids, next, 3, &two));
    let both = async { tokio::join!(call(&[3, 4], &[5, 6]), call(&[6, 5], &[4, 3])) };
    let both = tokio::time::timeout(BOUND, with_cache(&fast, both)).await.expect("no deadlock");
    assert_eq!(both, (values(&[3, 4]), values(&[5, 6])));
}

/// A function for one element asks for the batch, and the batch asks for the function.
#[tokio::test(start_paused = true)]
async fn a_batch_and_a_function_of_one_element_that_need_each_other_end() {
    #[cacheable(ttl = 60, key = "needs:{id}", skip(depth))]
    async fn one(id: u32, depth: u8) -> u32 {
        tokio::task::yield_now().await;
        if depth > 0 {
            assert_eq!(Box::pin(many(&[id, id + 1], depth - 1)).await.len(), 2);
        }
        id
    }
    #[cacheable(ttl = 60, key = "needs:{ids}", batch(ids), skip(depth))]
    async fn many(ids: &[u32], depth: u8) -> HashMap<u32, u32> {
        tokio::task::yield_now().await;
        if depth > 0 {
            assert_eq!(Box::pin(one(ids[0], depth - 1)).await, ids[0]);
        }
        ids.iter().map(|id| (*id, *id)).collect()
    }
    let fast = fresh();
    let many = |ids: &'static [u32]| Box::pin(many(ids, 4));
    let calls = async { tokio::join!(one(1, 4), many(&[2, 1]), one(2, 4), many(&[1, 2])) };
    let ended = tokio::time::timeout(BOUND, with_cache(&fast, calls)).await.expect("no deadlock");
    assert_eq!((ended.0, ended.2), (1, 2));
}

/// Batches begin, join and are dropped in an order that a seed chooses: all that are not dropped are answered, by one load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_are_dropped_at_random_hand_over() {
    let mut handed_over = 0;
    for seed in 0..300 {
        let (fast, shelf) = (fresh(), Arc::new(Shelf::shut()));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut calls: Vec<_> = (0..8)
            .map(|n| {
                let (fast, shelf) = (fast.clone(), shelf.clone());
                let ids = if n % 2 == 0 { [1, 2] } else { [2, 1] };
                tokio::spawn(async move { with_cache(&fast, items(&shelf, &ids)).await })
            })
            .collect();
        for _ in 0..random.usize(1..7) {
            for _ in 0..random.usize(0..4) {
                tokio::task::yield_now().await;
            }
            let call = calls.swap_remove(random.usize(..calls.len()));
            call.abort();
            let _ = call.await;
        }
        shelf.gate.add_permits(8);
        for call in calls {
            let found = tokio::time::timeout(BOUND, call).await.expect("no caller hangs").unwrap();
            assert_eq!(found, values(&[1, 2]), "seed {seed}");
        }
        assert_eq!(fast.stats().total.loads, 1, "seed {seed}");
        handed_over += shelf.runs() - 1;
    }
    assert!(handed_over > 50, "only {handed_over} were taken over");
}
