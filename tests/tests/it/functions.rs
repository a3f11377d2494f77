//! The attributes on every kind of function.

use std::fmt::Display;
use std::pin::Pin;

use fastness::{cache_invalidate, cacheable, with_cache, with_cache_sync};

use crate::fresh;

pub(crate) fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

/// Runs an async call twice in a cache of its own, and returns the number of loads.
pub(crate) async fn loads<F: Future>(call: impl Fn() -> F) -> u64 {
    let fast = fresh();
    with_cache(&fast, async {
        call().await;
        call().await;
    })
    .await;
    fast.stats().total.loads
}

#[cacheable(ttl = 60)]
fn boxed_by_hand(id: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { id })
}

#[cacheable(ttl = 60)]
fn future_by_hand(id: u64) -> impl Future<Output = u64> + Send {
    async move { id }
}

#[tokio::test]
async fn functions_that_return_futures_are_cached() {
    assert_eq!(loads(|| assert_send(boxed_by_hand(1))).await, 1);
    assert_eq!(loads(|| assert_send(future_by_hand(1))).await, 1);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Sku(String);

impl Display for Sku {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

struct User {
    id: u64,
    team: (u8, &'static str),
}

#[cacheable(ttl = 60)]
async fn arguments(name: &str, ids: &[u64], nick: Option<&str>, sku: &Sku, on: bool) -> usize {
    name.len() + ids.len() + nick.map_or(0, str::len) + sku.0.len() + usize::from(on)
}

#[cacheable(ttl = 60, key = "user:{user.id}:{user.team.0}:{user.team.1}")]
async fn fields(user: &User) -> u64 {
    user.id
}

#[cacheable(ttl = 60)]
async fn by_impl_trait(id: impl Display + Clone + Eq + std::hash::Hash + Send + Sync + 'static) -> String {
    id.to_string()
}

#[cacheable(ttl = 60)]
async fn pattern_parameters((a, b): (u8, u8), mut c: u8) -> u8 {
    c += 1;
    a + b + c
}

#[cacheable(ttl = 60)]
async fn generic<T, const N: usize>(values: [T; N]) -> usize
where
    T: fastness::key::KeyPart + Send,
{
    values.len()
}

#[tokio::test]
async fn arguments_of_every_kind_are_in_keys() {
    let sku = Sku("x".into());
    assert_eq!(loads(|| arguments("a", &[1, 2], Some("n"), &sku, true)).await, 1);
    let user = User { id: 7, team: (1, "red") };
    assert_eq!(loads(|| fields(&user)).await, 1);
    assert_eq!(loads(|| by_impl_trait("x")).await, 1);
    assert_eq!(loads(|| pattern_parameters((1, 2), 3)).await, 1);
    assert_eq!(loads(|| generic([1_u8, 2])).await, 1);
    with_cache(&fresh(), async {
        assert_eq!(arguments("a", &[], None, &sku, false).await, 2);
        assert_eq!(arguments("a", &[], Some(""), &sku, false).await, 2);
        assert_eq!(arguments("a", &[1], None, &sku, false).await, 3);
        assert_eq!(generic([1_u8, 2]).await + generic([1_u8]).await + generic(["a"; 2]).await, 5);
        assert_eq!(by_impl_trait(1_u8).await + &by_impl_trait("1").await, "11");
    })
    .await;
}

#[cacheable(ttl = 60)]
async fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { Box::pin(fibonacci(n - 1)).await + Box::pin(fibonacci(n - 2)).await }
}

#[cacheable(ttl = 60)]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[tokio::test]
async fn recursive_functions_are_cached() {
    let fast = fresh();
    assert_eq!(with_cache(&fast, fibonacci(50)).await, 12_586_269_025);
    assert_eq!(fast.stats().total.loads, 51);
    assert_eq!(with_cache_sync(&fast, || factorial(20)), 2_432_902_008_176_640_000);
}

#[cacheable(ttl = 60, key = "other:{n}", skip(depth))]
async fn needs_the_other(n: u8, depth: u8) -> u8 {
    tokio::task::yield_now().await;
    if depth > 0 {
        assert_eq!(Box::pin(needs_the_other(1 - n, depth - 1)).await, 1 - n);
    }
    n
}

/// Each function leads one key and asks for the other's; without a cache both would end.
#[tokio::test(start_paused = true)]
async fn two_loads_that_need_each_other_do_not_wait_for_ever() {
    let both = async { tokio::join!(needs_the_other(0, 3), needs_the_other(1, 3)) };
    let answers = tokio::time::timeout(std::time::Duration::from_secs(60), with_cache(&fresh(), both)).await;
    assert_eq!(answers, Ok((0, 1)));
}

#[cacheable(ttl = 60)]
async fn not_send(n: u64) -> u64 {
    let rc = std::rc::Rc::new(n);
    tokio::task::yield_now().await;
    *rc
}

#[tokio::test]
async fn bodies_that_are_not_send_stay_local() {
    let local = tokio::task::LocalSet::new();
    let fast = fresh();
    let seen = local.run_until(with_cache(&fast, async { not_send(1).await + not_send(1).await })).await;
    assert_eq!((seen, fast.stats().total.loads), (2, 1));
}

/// A type's `Send`, read at run time.
struct Probe<T>(T);

impl<T: Send> Probe<&T> {
    #[allow(clippy::unused_self)] // as the trait has it
    fn is_send(&self) -> bool {
        true
    }
}

trait NotSend {
    fn is_send(&self) -> bool {
        false
    }
}

impl<T> NotSend for Probe<&T> {}

#[cacheable(ttl = 60)]
async fn fails_locally(n: u64) -> Result<u64, Box<dyn std::error::Error>> {
    if n == 0 {
        return Err("zero".into());
    }
    tokio::task::yield_now().await;
    Ok(n)
}

#[cacheable(ttl = 60, stale = 60, stale_if_error = 60, load_timeout = 1)]
async fn fails_locally_in_time(n: u64) -> Result<u64, Local> {
    Ok(n)
}

#[derive(Debug)]
struct Local(#[allow(dead_code)] std::rc::Rc<str>);

impl From<fastness::LoadTimeout> for Local {
    fn from(timeout: fastness::LoadTimeout) -> Self {
        Self(timeout.to_string().into())
    }
}

#[fastness::cache_put(key = "local:{n}", ttl = 60)]
async fn puts_locally(n: u64) -> Result<u64, Local> {
    Ok(n)
}

#[cache_invalidate("local:*")]
async fn invalidates_locally() -> Result<(), Local> {
    Ok(())
}

#[cacheable(ttl = 60, batch(ids), key = "local:{ids}")]
async fn batch_locally(ids: &[u64]) -> Result<std::collections::HashMap<u64, u64>, Local> {
    Ok(ids.iter().map(|id| (*id, *id)).collect())
}

/// An error that cannot be sent makes no future unsendable, as long as no `.await` holds one.
#[test]
fn futures_are_send_where_the_body_is() {
    assert!(!Probe(&not_send(1)).is_send(), "the probe can say no");
    assert!(Probe(&with_value(1)).is_send());
    assert!(Probe(&puts_locally(1)).is_send());
    assert!(Probe(&invalidates_locally()).is_send());
    assert!(Probe(&batch_locally(&[1])).is_send());
    assert!(Probe(&fails_locally(1)).is_send());
    assert!(Probe(&fails_locally_in_time(1)).is_send());
}

#[cacheable(ttl = 60)]
async fn with_value(n: u64) -> u64 {
    n
}
