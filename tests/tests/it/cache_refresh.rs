//! `#[cache_refresh]`: functions that expire entries when they have ended, however they end.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use fastness::{
    CacheTransaction, Reach, cache_invalidate, cache_put, cache_refresh, cacheable, with_cache, with_cache_sync,
};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::origin::{Fault, Origin};
use crate::{fresh, poll_once};

#[cacheable(ttl = 600, early = off, key = "tariff:{bank}:{id}", tags = ["bank:{bank}"], handle = tariffs, skip(origin))]
async fn tariff(origin: &Origin, bank: u32, id: u32) -> Result<u32, Fault> {
    let _ = (bank, id);
    origin.next()
}

#[cache_refresh("tariff:{bank}:{id}")]
async fn publish(bank: u32, id: u32, outcome: Result<(), Fault>) -> Result<(), Fault> {
    let _ = (bank, id);
    if outcome == Err(Fault::Timeout) {
        pending::<()>().await;
    }
    outcome
}

#[cache_refresh("tariff:{bank}:{id}", when = always)]
async fn publish_always(bank: u32, id: u32) -> Result<(), Fault> {
    let _ = (bank, id);
    Err(Fault::Down)
}

#[cache_refresh("tariff:1:*")]
async fn publish_below() {}

#[cache_refresh(tags = ["bank:{bank}"])]
async fn publish_bank(bank: u32) {
    let _ = bank;
}

#[cache_refresh(tariffs(bank, id))]
async fn publish_one(bank: u32, id: u32) {
    let _ = (bank, id);
}

#[cache_refresh("tariff:{bank}:{id}")]
fn publish_plainly(bank: u32, id: u32, panics: bool) {
    let _ = (bank, id);
    assert!(!panics, "on purpose");
}

#[tokio::test]
async fn keys_prefixes_tags_and_handles_expire_and_others_do_not() {
    let (fast, origin) = (fresh(), Origin::default());
    let read = || tariff(&origin, 1, 7);
    with_cache(&fast, async {
        assert_eq!((read().await, tariff(&origin, 2, 7).await), (Ok(1), Ok(2)));
        publish(1, 7, Ok(())).await.unwrap();
        assert_eq!((tariffs(&1, &7).get().await, read().await), (None, Ok(3)));
        publish_below().await;
        assert_eq!((read().await, read().await), (Ok(4), Ok(4)));
        publish_bank(1).await;
        assert_eq!(read().await, Ok(5));
        publish_one(1, 7).await;
        assert_eq!(read().await, Ok(6));
        publish_plainly(1, 7, false);
        assert_eq!(read().await, Ok(7));
        assert_eq!(tariff(&origin, 2, 7).await, Ok(2));
    })
    .await;
    assert_eq!(fast.stats().invalidations, 5, "refreshes count among them");
}

#[tokio::test]
async fn a_function_that_may_have_written_expires_its_targets_however_it_ends() {
    let (fast, origin) = (fresh(), Origin::default());
    let read = || tariff(&origin, 1, 7);
    with_cache(&fast, async {
        assert_eq!(read().await, Ok(1));
        publish(1, 7, Err(Fault::Down)).await.unwrap_err();
        assert_eq!(read().await, Ok(1), "an error says that nothing was written");
        publish_always(1, 7).await.unwrap_err();
        assert_eq!(read().await, Ok(2), "`when = always`");
        assert!(tokio::time::timeout(Duration::ZERO, publish(1, 7, Err(Fault::Timeout))).await.is_err());
        assert_eq!(read().await, Ok(3), "a cancelled body may have written");
    })
    .await;
    let inside = fast.clone();
    let panicked = tokio::spawn(async move { with_cache(&inside, async { publish_plainly(1, 7, true) }).await });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(with_cache(&fast, read()).await, Ok(4), "a panic may come after the write");
}

/// An origin whose loads wait while its gate is shut.
#[derive(Default)]
struct Gated {
    origin: Origin,
    is_shut: AtomicBool,
    gate: Notify,
}

impl Gated {
    async fn next(&self) -> Result<u32, Fault> {
        let answer = self.origin.next();
        if self.is_shut.load(SeqCst) {
            self.gate.notified().await;
        }
        answer
    }
}

#[cacheable(ttl = 600, early = off, stale = "10m", key = "fee:{id}", skip(gated))]
async fn fee(gated: &Gated, id: u32) -> Result<u32, Fault> {
    let _ = id;
    gated.next().await
}

#[cacheable(ttl = 600, early = off, stale = "10m", refresh = background, key = "fee:{id}", skip(gated))]
async fn fee_in_the_background(gated: Arc<Gated>, id: u32) -> Result<u32, Fault> {
    let _ = id;
    gated.next().await
}

#[cacheable(ttl = 600, early = off, stale_if_error = "10m", key = "fee:{id}", skip(gated))]
async fn fee_or_the_last(gated: &Gated, id: u32) -> Result<u32, Fault> {
    let _ = id;
    gated.next().await
}

#[cache_refresh("fee:{id}")]
async fn change_fee(id: u32) {
    let _ = id;
}

#[cache_invalidate("fee:{id}")]
async fn correct_fee(id: u32) {
    let _ = id;
}

#[tokio::test]
async fn with_stale_others_get_the_old_value_while_one_loads_and_never_after_an_invalidation() {
    let (fast, gated) = (fresh(), Gated::default());
    let read = || with_cache(&fast, fee(&gated, 7));
    assert_eq!(read().await, Ok(1));
    gated.is_shut.store(true, SeqCst);
    with_cache(&fast, change_fee(7)).await;
    {
        let mut leader = pin!(read());
        assert_eq!(poll_once(leader.as_mut()).await, None);
        for _ in 0..3 {
            assert_eq!(read().await, Ok(1), "while the leader loads");
        }
        gated.gate.notify_one();
        assert_eq!((leader.await, gated.origin.calls()), (Ok(2), 2));
    }
    assert_eq!(read().await, Ok(2));
    with_cache(&fast, correct_fee(7)).await;
    let (mut leader, mut waiter) = (pin!(read()), pin!(read()));
    assert_eq!(poll_once(leader.as_mut()).await, None);
    assert_eq!(poll_once(waiter.as_mut()).await, None, "an invalidated value is served to none");
    gated.gate.notify_one();
    assert_eq!((leader.await, waiter.await, gated.origin.calls()), (Ok(3), Ok(3), 3));
}

#[tokio::test]
async fn with_a_refresh_in_the_background_no_caller_waits() {
    let (fast, gated) = (fresh(), Arc::<Gated>::default());
    let read = || with_cache(&fast, fee_in_the_background(gated.clone(), 7));
    assert_eq!(read().await, Ok(1));
    gated.is_shut.store(true, SeqCst);
    with_cache(&fast, change_fee(7)).await;
    assert_eq!((read().await, read().await), (Ok(1), Ok(1)));
    while gated.origin.calls() < 2 {
        yield_now().await;
    }
    gated.gate.notify_one();
    while read().await == Ok(1) {
        yield_now().await;
    }
    assert_eq!((read().await, gated.origin.calls()), (Ok(2), 2));
}

#[tokio::test]
async fn with_stale_if_error_the_old_value_replaces_an_error_and_never_after_an_invalidation() {
    let (fast, gated) = (fresh(), Gated::default());
    let read = || with_cache(&fast, fee_or_the_last(&gated, 7));
    assert_eq!(read().await, Ok(1));
    with_cache(&fast, change_fee(7)).await;
    gated.origin.set_down(true);
    assert_eq!((read().await, gated.origin.calls()), (Ok(1), 2));
    with_cache(&fast, correct_fee(7)).await;
    assert_eq!((read().await, gated.origin.calls()), (Err(Fault::Down), 3));
}

#[cache_refresh("fee:{id}", before)]
async fn change_fee_slowly(id: u32, goes_on: &Notify) {
    let _ = id;
    goes_on.notified().await;
}

#[tokio::test]
async fn before_expires_ahead_of_the_body_too() {
    let (fast, gated, goes_on) = (fresh(), Gated::default(), Notify::new());
    with_cache(&fast, async {
        assert_eq!(fee(&gated, 7).await, Ok(1));
        let mut change = pin!(change_fee_slowly(7, &goes_on));
        assert_eq!(poll_once(change.as_mut()).await, None);
        assert_eq!(fee(&gated, 7).await, Ok(2));
        goes_on.notify_one();
        change.await;
        assert_eq!(fee(&gated, 7).await, Ok(3));
    })
    .await;
}

#[cacheable(ttl = 600, key = "ledger:{n}", skip(origin))]
fn ledger(origin: &Origin, n: u32) -> u32 {
    n + origin.count()
}

#[cache_refresh("ledger:*")]
fn post() {}

#[test]
fn plain_functions_expire_and_load_again() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        assert_eq!([ledger(&origin, 10), ledger(&origin, 10)], [11, 11]);
        post();
        assert_eq!([ledger(&origin, 10), ledger(&origin, 10)], [12, 12]);
    });
}

#[tokio::test]
async fn a_transaction_collects_refreshes_and_an_invalidation_of_the_same_key_keeps_its_effect() {
    let (fast, gated) = (fresh(), Gated::default());
    let read = || with_cache(&fast, fee_or_the_last(&gated, 7));
    let run = |cached: &CacheTransaction, is_correction: bool| {
        cached.run(with_cache(&fast, async move {
            change_fee(7).await;
            if is_correction {
                correct_fee(7).await;
            }
        }))
    };
    assert_eq!(read().await, Ok(1));
    gated.origin.set_down(true);

    let undone = CacheTransaction::new();
    run(&undone, false).await;
    undone.rollback();
    assert_eq!((read().await, gated.origin.calls()), (Ok(1), 1));

    let cached = CacheTransaction::new();
    run(&cached, false).await;
    assert_eq!((read().await, gated.origin.calls()), (Ok(1), 1), "nothing is sent yet");
    assert_eq!(cached.commit().await, Reach::Announced);
    assert_eq!((read().await, gated.origin.calls()), (Ok(1), 2), "expired, not invalid");

    let cached = CacheTransaction::new();
    run(&cached, true).await;
    cached.commit().await;
    assert_eq!(read().await, Err(Fault::Down));
}

#[cache_invalidate("tariff:1:{id}")]
#[cache_refresh("fee:*")]
async fn edit(id: u32) {
    let _ = id;
}

#[cache_refresh("fee:*")]
#[cache_put(key = "tariff:{bank}:{id}", ttl = 600)]
async fn save(bank: u32, id: u32) -> Result<u32, Fault> {
    let _ = (bank, id);
    Ok(50)
}

#[tokio::test]
async fn a_function_may_invalidate_or_put_one_entry_and_expire_others() {
    let (fast, origin, gated) = (fresh(), Origin::default(), Gated::default());
    with_cache(&fast, async {
        assert_eq!((tariff(&origin, 1, 7).await, fee_or_the_last(&gated, 7).await), (Ok(1), Ok(1)));
        edit(7).await;
        assert_eq!((tariff(&origin, 1, 7).await, fee_or_the_last(&gated, 7).await), (Ok(2), Ok(2)));
        gated.origin.set_down(true);
        save(1, 7).await.unwrap();
        assert_eq!((tariff(&origin, 1, 7).await, fee_or_the_last(&gated, 7).await), (Ok(50), Ok(2)));
        assert_eq!(gated.origin.calls(), 3, "a load that failed");
    })
    .await;
}
