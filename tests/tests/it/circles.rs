//! Loads that need each other: none waits for ever, and none loads more often than the circle requires.
//!
//! The values depend on the key alone. `depth` is the number of steps that a body goes on round the circle, so that every call would end
//! without a cache too.

use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier as ThreadBarrier, mpsc};
use std::time::Duration;

use fastness::{cacheable, with_cache, with_cache_sync};
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;

use crate::origin::Origin;
use crate::{fresh, poll_once};

const BOUND: Duration = Duration::from_secs(30);

/// The depth of a call that comes from outside; the bodies of such calls start together.
const OUTER: u8 = 4;

#[cacheable(ttl = 60, key = "number", skip(depth, start))]
async fn number(depth: u8, start: &Barrier) -> u64 {
    if depth == OUTER {
        start.wait().await;
    }
    if depth > 0 {
        assert_eq!(Box::pin(text(depth - 1, start)).await.as_deref(), Ok("text"));
    }
    1
}

#[cacheable(ttl = 60, key = "text", skip(depth, start))]
async fn text(depth: u8, start: &Barrier) -> Result<String, String> {
    if depth == OUTER {
        start.wait().await;
    }
    if depth > 0 {
        assert_eq!(Box::pin(flag(depth - 1, start)).await, Some(true));
    }
    Ok("text".to_owned())
}

#[cacheable(ttl = 60, key = "flag", skip(depth, start))]
async fn flag(depth: u8, start: &Barrier) -> Option<bool> {
    if depth == OUTER {
        start.wait().await;
    }
    if depth > 0 {
        assert_eq!(Box::pin(number(depth - 1, start)).await, 1);
    }
    Some(true)
}

/// Three functions of different types, each leading the load that another one needs, and callers that wait for all of them.
#[tokio::test(start_paused = true)]
async fn a_circle_of_three_functions_ends_and_so_do_its_waiters() {
    let (fast, start) = (fresh(), Barrier::new(3));
    let leaders = async { tokio::join!(number(OUTER, &start), text(OUTER, &start), flag(OUTER, &start)) };
    let waiters = async { tokio::join!(number(OUTER, &start), text(OUTER, &start), flag(OUTER, &start)) };
    let all = async { tokio::join!(leaders, waiters) };
    let (led, waited) = tokio::time::timeout(BOUND, with_cache(&fast, all)).await.expect("no deadlock");
    assert_eq!(led, (1, Ok("text".to_owned()), Some(true)));
    assert_eq!(waited, led);
    // The three callers outside and two loads of the circle join; its third load goes on alone until it would wait for itself again.
    assert_eq!(fast.stats().total.coalesced, 5);
}

#[cacheable(ttl = 60, key = "thread:{n}", skip(depth, start))]
fn blocks(n: u8, depth: u8, start: &ThreadBarrier) -> u8 {
    if depth == OUTER {
        start.wait();
    }
    if depth > 0 {
        assert_eq!(blocks((n + 1) % 3, depth - 1, start), (n + 1) % 3);
    }
    n
}

#[test]
fn a_circle_of_threads_ends() {
    let (fast, start) = (fresh(), Arc::new(ThreadBarrier::new(3)));
    let (done, ended) = mpsc::channel();
    for n in 0..3 {
        let (fast, start, done) = (fast.clone(), start.clone(), done.clone());
        std::thread::spawn(move || done.send(with_cache_sync(&fast, || blocks(n, OUTER, &start))));
    }
    let mut values: Vec<_> = (0..3).map(|_| ended.recv_timeout(BOUND).expect("no deadlock")).collect();
    values.sort_unstable();
    assert_eq!(values, [0, 1, 2]);
}

#[cacheable(ttl = 60, key = "gives_up", skip(origin, asked, go_on))]
async fn gives_up(origin: &Origin, asked: &Notify, go_on: &Notify) -> u32 {
    let call = origin.count();
    assert!(poll_once(pin!(Box::pin(needs_it(origin, asked, go_on)))).await.is_none(), "it waits, and is dropped");
    go_on.notified().await;
    call
}

#[cacheable(ttl = 60, key = "needs_it", skip(origin, asked, go_on))]
async fn needs_it(origin: &Origin, asked: &Notify, go_on: &Notify) -> u32 {
    asked.notified().await;
    gives_up(origin, asked, go_on).await
}

#[tokio::test]
async fn a_cancelled_wait_does_not_block_the_other_direction() {
    let (fast, origin, asked, go_on) = (fresh(), Origin::default(), Notify::new(), Notify::new());
    with_cache(&fast, async {
        let mut needing = pin!(needs_it(&origin, &asked, &go_on));
        let mut giving = pin!(gives_up(&origin, &asked, &go_on));
        assert!(poll_once(needing.as_mut()).await.is_none() && poll_once(giving.as_mut()).await.is_none());
        asked.notify_one();
        assert!(poll_once(needing.as_mut()).await.is_none());
        assert_eq!(origin.calls(), 1, "the call waits now, and does not load on its own");
        go_on.notify_one();
        assert_eq!(tokio::join!(needing, giving), (1, 1));
    })
    .await;
    assert_eq!(origin.calls(), 1);
}

/// One of [`KEYS`] functions in effect; `seed` chooses which others its body needs.
#[cacheable(ttl = 60, key = "any:{n}", skip(seed, depth))]
fn needs_any(n: usize, seed: u64, depth: u8) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        let mut random = fastrand::Rng::with_seed(seed * 100 + n as u64);
        if depth > 0 {
            let (one, two) = (random.usize(..KEYS), random.usize(..KEYS));
            tokio::task::yield_now().await;
            let both = tokio::join!(needs_any(one, seed, depth - 1), needs_any(two, seed, depth - 1));
            assert_eq!(both, (one, two));
        }
        n
    })
}

const KEYS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_that_need_each_other_at_random_end() {
    for seed in 0..200 {
        let (fast, mut set) = (fresh(), JoinSet::new());
        for n in 0..KEYS {
            let fast = fast.clone();
            set.spawn(async move { with_cache(&fast, needs_any(n, seed, OUTER)).await });
        }
        let answers = tokio::time::timeout(BOUND, set.join_all()).await;
        assert!(answers.is_ok(), "a deadlock with seed {seed}");
    }
}
