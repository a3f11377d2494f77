//! Functions with rare but valid signatures, which the attributes accept.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use fastness::resilience::{Rejected, TimedOut};
use fastness::{
    bulkhead, cache_invalidate, cacheable, circuit_breaker, fallback, hedge, rate_limit, retry, timed, timeout,
    with_cache, with_cache_sync,
};

use crate::fresh;
use crate::functions::{assert_send, loads};

/// A connection, which drivers lend to each query.
#[derive(Default)]
struct Conn {
    queries: u64,
}

type Lent<'a> = &'a mut Conn;

#[cacheable(ttl = 60, skip(conn))]
async fn find(conn: &mut Conn, id: u64) -> Result<u64, String> {
    conn.queries += 1;
    tokio::task::yield_now().await;
    Ok(id)
}

#[cacheable(ttl = 60, skip(conn), key = "lent:{id}")]
async fn alias(conn: Lent<'_>, id: u64) -> Result<u64, String> {
    conn.queries += 1;
    Ok(id)
}

#[cacheable(ttl = 60, skip(conn))]
fn blocks(conn: &mut Conn, id: u64) -> Option<u64> {
    conn.queries += 1;
    (id > 0).then_some(id)
}

#[cacheable(ttl = 60, skip(conn), key = "many:{ids}", batch(ids))]
async fn many(conn: &mut Conn, ids: &[u64]) -> Result<std::collections::HashMap<u64, u64>, String> {
    conn.queries += 1;
    Ok(ids.iter().map(|id| (*id, *id)).collect())
}

#[cacheable(ttl = 60, skip(r#mod), key = "handled:{id}", handle = handled_entry)]
async fn handled(r#mod: &mut Conn, id: u64) -> u64 {
    r#mod.queries += 1;
    id
}

#[cacheable(ttl = 60, skip(conn))]
fn boxed(conn: &mut Conn, id: u64) -> crate::futures::BoxFuture<'_, u64> {
    conn.queries += 1;
    Box::pin(async move {
        conn.queries += 1;
        id
    })
}

struct Repo;

impl Repo {
    #[cacheable(ttl = 60, skip(conn))]
    async fn find(&self, conn: &mut Conn, id: u64) -> u64 {
        conn.queries += 1;
        id
    }
}

#[tokio::test]
async fn a_skipped_mutable_argument_is_lent_to_the_body_and_unchanged_by_a_hit() {
    let fast = fresh();
    let mut conn = Conn::default();
    with_cache(&fast, async {
        assert_eq!((find(&mut conn, 1).await, find(&mut conn, 1).await, conn.queries), (Ok(1), Ok(1), 1));
        assert_eq!((alias(&mut conn, 1).await, alias(&mut conn, 1).await, conn.queries), (Ok(1), Ok(1), 2));
        assert_eq!((blocks(&mut conn, 1), blocks(&mut conn, 1), conn.queries), (Some(1), Some(1), 3));
        assert_eq!(many(&mut conn, &[1, 2]).await.unwrap().len(), 2);
        assert_eq!((many(&mut conn, &[2, 1]).await.unwrap().len(), conn.queries), (2, 4));
        assert_eq!((handled(&mut conn, 1).await, handled_entry(&1).get().await, conn.queries), (1, Some(1), 5));
        assert_eq!((boxed(&mut conn, 1).await, boxed(&mut conn, 2).await, conn.queries), (1, 2, 9));
        assert_eq!((Repo.find(&mut conn, 1).await, Repo.find(&mut conn, 1).await, conn.queries), (1, 1, 10));
        assert_send(find(&mut conn, 9)).await.unwrap();
    })
    .await;
}

#[timed(name = "signatures.serve")]
#[cache_invalidate("served:{id}", before)]
async fn serve(id: u64) -> ! {
    loop {
        std::future::pending::<()>().await;
    }
}

#[timed(name = "signatures.fail")]
fn fail(why: &str) -> ! {
    panic!("{why}")
}

#[cache_invalidate("served:*")]
fn fail_and_forget() -> ! {
    std::panic::panic_any(1_u8)
}

#[cacheable(ttl = 60, key = "served:{id}")]
async fn served(id: u64) -> u64 {
    id
}

#[tokio::test(start_paused = true)]
async fn a_function_that_never_returns_is_counted_when_it_is_dropped() {
    let fast = fresh();
    with_cache(&fast, async {
        served(1).await;
        let late = tokio::time::timeout(std::time::Duration::from_secs(60), serve(1)).await;
        assert!(late.is_err());
        served(1).await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 2);
    assert!(std::panic::catch_unwind(|| fail("on purpose")).is_err());
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| with_cache_sync(&fast, || fail_and_forget()))).is_err());
    let count = |name: &str| {
        let stats = fastness::timing::snapshots().into_iter().find(|stats| stats.name == name).expect("it was called");
        (stats.cancelled.count(), stats.panicked.count())
    };
    assert_eq!((count("signatures.serve"), count("signatures.fail")), ((1, 0), (0, 1)));
}

#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Down,
    Rejected,
    TimedOut,
}

impl From<Rejected> for Trouble {
    fn from(_: Rejected) -> Self {
        Self::Rejected
    }
}

impl From<TimedOut> for Trouble {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

static WRITTEN: AtomicU64 = AtomicU64::new(0);

#[cacheable(ttl = 60, key = "hidden:{id}")]
async fn read(id: u64) -> u64 {
    WRITTEN.load(SeqCst) + id
}

#[cache_invalidate("hidden:{id}")]
async fn write(id: u64, to: Option<u64>) -> Result<impl Display, Trouble> {
    WRITTEN.store(to.unwrap_or(99), SeqCst);
    let to = to.ok_or(Trouble::Down)?;
    Ok(to + id)
}

#[cache_invalidate("hidden:{id}")]
fn write_now(id: u64, to: u64) -> Option<impl Display> {
    WRITTEN.store(to, SeqCst);
    Some(to + id)
}

#[tokio::test]
async fn a_value_of_an_opaque_type_invalidates_by_its_outcome() {
    with_cache(&fresh(), async {
        assert_eq!(read(0).await, 0);
        assert_eq!(write(0, Some(5)).await.unwrap().to_string(), "5");
        assert_eq!(read(0).await, 5);
        assert_eq!(write(0, None).await.err(), Some(Trouble::Down));
        assert_eq!(read(0).await, 5, "nothing was written, as far as is said");
        assert_eq!(write_now(0, 7).unwrap().to_string(), "7");
        assert_eq!(read(0).await, 7);
    })
    .await;
}

#[fallback(nothing)]
#[circuit_breaker(ignore = |error| *error == Trouble::Down)]
#[hedge(after = "1h")]
async fn hidden(text: &str) -> Result<impl Display, Trouble> {
    Err::<String, _>(Trouble::Down)?;
    Ok(text.to_owned())
}

#[allow(clippy::unused_async)] // as the function that it answers for
async fn nothing(text: &str, _: Trouble) -> Result<String, Trouble> {
    Ok(format!("no {text}"))
}

#[retry(attempts = 2, wait = "1ms", when = |error| *error == Trouble::Down)]
#[timeout("1h")]
#[bulkhead(max = 8)]
#[rate_limit(calls = 100, per = "1s")]
async fn hidden_list(text: &str) -> Result<Vec<impl Display>, Trouble> {
    Ok(vec![text.to_owned()])
}

#[retry(attempts = 2, wait = "1ms")]
#[bulkhead(max = 8)]
fn hidden_now(text: &str) -> Result<impl Display, Trouble> {
    Ok(text.to_owned())
}

#[tokio::test]
async fn policies_take_values_of_opaque_types() {
    assert_eq!(hidden("tea").await.unwrap().to_string(), "no tea");
    assert_eq!(hidden_list("tea").await.unwrap()[0].to_string(), "tea");
    assert_eq!(hidden_now("tea").unwrap().to_string(), "tea");
}

#[derive(Clone)]
struct Shop {
    id: u64,
}

fn apply(step: fn(&Shop) -> u64, shop: &Shop) -> u64 {
    step(shop)
}

impl Shop {
    fn price(&self) -> u64 {
        self.id
    }

    #[cacheable(ttl = 1, stale = 5, refresh = background)]
    async fn total(&self, n: u64) -> u64 {
        let size = size_of::<fn(&Self) -> u64>() as u64;
        apply(Self::price as fn(&Self) -> u64, self) + n + size - size
    }
}

#[tokio::test]
async fn a_background_refresh_accepts_function_pointer_types_in_the_body() {
    assert_eq!(loads(|| async { assert_eq!(Shop { id: 1 }.total(1).await, 2) }).await, 1);
}

#[cacheable(ttl = 60)]
extern "C" fn foreign(id: u64) -> u64 {
    id + 1
}

#[expect(improper_ctypes_definitions, reason = "it is called from here alone")]
#[timed]
#[circuit_breaker]
#[retry(attempts = 2, wait = "1ms")]
extern "C" fn foreign_trouble(id: u64) -> Result<u64, Trouble> {
    Ok(id)
}

#[tokio::test]
async fn a_function_may_have_another_calling_convention() {
    let fast = fresh();
    let call: extern "C" fn(u64) -> u64 = foreign;
    assert_eq!(with_cache_sync(&fast, || (call(1), call(1))), (2, 2));
    assert_eq!(fast.stats().total.loads, 1);
    assert_eq!(foreign_trouble(1), Ok(1));
}
