//! The attributes on every kind of function.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fastness::{cache_invalidate, cacheable, scope, scope_sync};

use crate::fresh;

type Shared<T> = Result<Arc<T>, String>;

fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

/// Runs an async call twice in a cache of its own and says how often it loaded.
async fn loads<F: Future>(call: impl Fn() -> F) -> u64 {
    let fast = fresh().await;
    scope(&fast, async {
        call().await;
        call().await;
    })
    .await;
    fast.stats().total.loads
}

#[derive(Clone)]
struct Repo<T> {
    items: Vec<T>,
    loads: Arc<AtomicU32>,
}

impl<T: Clone + Display + Send + Sync + 'static> Repo<T> {
    fn new(items: Vec<T>) -> Self {
        Self { items, loads: Arc::default() }
    }

    /// The types of key and value say nothing of `T`.
    #[cacheable(ttl = 60, skip(self))]
    async fn show(&self, index: usize) -> Result<String, String> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(self.items.get(index).ok_or("none")?.to_string())
    }

    #[cacheable(ttl = 60)]
    async fn by_count(self: Arc<Self>, n: usize) -> usize {
        self.items.len() + n
    }

    #[cacheable(ttl = 60)]
    fn consume(self, n: usize) -> usize {
        self.items.len() + n
    }

    #[cacheable(ttl = 60, skip(self))]
    async fn in_a_macro(&self, n: usize) -> String {
        let all = [self.items[n].clone(), self.items[n].clone()].map(|item| vec![item]);
        format!("{}{}", all[0][0], self.items.len())
    }
}

#[tokio::test]
async fn instantiations_of_a_generic_impl_share_nothing() {
    let (words, numbers) = (Repo::new(vec!["one"]), Repo::new(vec![1]));
    scope(&fresh().await, async {
        assert_eq!(assert_send(words.show(0)).await.unwrap(), "one");
        assert_eq!(numbers.show(0).await.unwrap(), "1");
        assert_eq!(words.show(0).await.unwrap(), "one");
        assert!(words.show(9).await.is_err());
        assert_eq!(words.loads.load(Ordering::Relaxed), 2);
    })
    .await;
}

#[tokio::test]
async fn receivers_of_every_kind() {
    let repo = Arc::new(Repo::new(vec![1_u8, 2]));
    assert_eq!(loads(|| repo.clone().by_count(1)).await, 1);
    assert_eq!(loads(|| repo.in_a_macro(1)).await, 1);
    let fast = fresh().await;
    assert_eq!(scope_sync(&fast, || (*repo).clone().consume(1) + (*repo).clone().consume(1)), 6);
    assert_eq!(fast.stats().total.loads, 1);
}

trait Api: Send + Sync {
    fn native(&self, id: u64) -> impl Future<Output = Shared<u64>> + Send;
}

#[async_trait::async_trait]
trait DynApi: Send + Sync {
    async fn boxed(&self, id: u64, name: &str) -> Shared<String>;
    async fn touch(&self, id: u64) -> Result<(), String>;
}

struct Service;

impl Api for Service {
    #[cacheable(ttl = 60)]
    async fn native(&self, id: u64) -> Shared<u64> {
        Ok(Arc::new(id))
    }
}

#[async_trait::async_trait]
impl DynApi for Service {
    #[cacheable(ttl = 60, key = "boxed:{id}:{name}")]
    async fn boxed(&self, id: u64, name: &str) -> Shared<String> {
        if id == 0 {
            return Err("zero".to_owned());
        }
        let parsed: u64 = name.len().to_string().parse().map_err(|_| "no number")?;
        Ok(Arc::new(format!("{parsed}{id}")))
    }

    #[cache_invalidate("boxed:{id}:*")]
    async fn touch(&self, id: u64) -> Result<(), String> {
        let _ = id;
        Ok(())
    }
}

#[tokio::test]
async fn trait_methods_native_and_boxed() {
    assert_eq!(loads(|| assert_send(Service.native(1))).await, 1);
    let service: Box<dyn DynApi> = Box::new(Service);
    assert_eq!(loads(|| assert_send(service.boxed(1, "ab"))).await, 1);
    let fast = fresh().await;
    scope(&fast, async {
        assert_eq!(*service.boxed(1, "ab").await.unwrap(), "21");
        assert!(service.boxed(0, "ab").await.is_err());
        service.touch(1).await.unwrap();
        service.boxed(1, "ab").await.unwrap();
    })
    .await;
    assert_eq!(fast.stats().total.loads, 2);
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
async fn functions_that_return_futures() {
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
    T: fastness::KeyPart + Send,
{
    values.len()
}

#[tokio::test]
async fn arguments_of_every_kind() {
    let sku = Sku("x".into());
    assert_eq!(loads(|| arguments("a", &[1, 2], Some("n"), &sku, true)).await, 1);
    let user = User { id: 7, team: (1, "red") };
    assert_eq!(loads(|| fields(&user)).await, 1);
    assert_eq!(loads(|| by_impl_trait("x")).await, 1);
    assert_eq!(loads(|| pattern_parameters((1, 2), 3)).await, 1);
    assert_eq!(loads(|| generic([1_u8, 2])).await, 1);
    scope(&fresh().await, async {
        assert_eq!(arguments("a", &[], None, &sku, false).await, 2);
        assert_eq!(arguments("a", &[], Some(""), &sku, false).await, 2);
        assert_eq!(arguments("a", &[1], None, &sku, false).await, 3);
        assert_eq!(generic([1_u8, 2]).await + generic([1_u8]).await + generic(["a"; 2]).await, 5);
        assert_eq!(by_impl_trait(1_u8).await + &by_impl_trait("1").await, "11");
    })
    .await;
}

#[cacheable(ttl = 60)]
async fn with_anyhow(id: u64) -> anyhow::Result<Arc<u64>> {
    anyhow::ensure!(id > 0, "zero");
    tokio::task::yield_now().await;
    Ok(Arc::new("7".parse::<u64>()? + id))
}

#[cacheable(ttl = 60, share_error = |error| anyhow::anyhow!("{error:#}"), skip(calls))]
async fn anyhow_shared(calls: &AtomicU32, id: u64) -> anyhow::Result<u64> {
    calls.fetch_add(1, Ordering::Relaxed);
    tokio::task::yield_now().await;
    anyhow::bail!("no {id}")
}

#[cacheable(ttl = 60)]
async fn shared_option(id: u64) -> Option<Arc<u64>> {
    (id > 0).then(|| Arc::new(id))
}

#[tokio::test]
async fn return_types_of_every_kind() {
    assert_eq!(loads(|| assert_send(with_anyhow(1))).await, 1);
    assert_eq!(loads(|| shared_option(1)).await, 1);
    assert_eq!(loads(|| shared_option(0)).await, 2, "`None` is not stored");
    let calls = AtomicU32::new(0);
    scope(&fresh().await, async {
        assert_eq!(with_anyhow(0).await.unwrap_err().to_string(), "zero");
        let (a, b) = tokio::join!(anyhow_shared(&calls, 1), anyhow_shared(&calls, 1));
        assert_eq!((a.unwrap_err().to_string(), b.unwrap_err().to_string()), ("no 1".into(), "no 1".into()));
    })
    .await;
    assert_eq!(calls.load(Ordering::Relaxed), 1, "an error that is no `Clone` is shared as the function says");
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
async fn recursion() {
    let fast = fresh().await;
    assert_eq!(scope(&fast, fibonacci(50)).await, 12_586_269_025);
    assert_eq!(fast.stats().total.loads, 51);
    assert_eq!(scope_sync(&fast, || factorial(20)), 2_432_902_008_176_640_000);
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
    let fast = fresh().await;
    let seen = local.run_until(scope(&fast, async { not_send(1).await + not_send(1).await })).await;
    assert_eq!((seen, fast.stats().total.loads), (2, 1));
}

mod visible {
    /// Documented, visible, deprecated: as written.
    #[fastness::cacheable(ttl = 60)]
    #[must_use]
    #[allow(clippy::unused_async)]
    pub(super) async fn outside(n: u8) -> u8 {
        n
    }
}

#[allow(dead_code)]
#[no_implicit_prelude]
mod hostile {
    //! Names that an expansion could trip over.
    #![deny(warnings, clippy::pedantic)]

    use ::fastness::{cache_invalidate, cache_put, cacheable};

    struct Option;
    struct Result;
    struct Box;
    mod std {}
    mod core {}

    fn __site() {}

    #[cacheable(ttl = 60)]
    pub(super) async fn r#type(r#fn: u64, __hit: u64) -> ::core::result::Result<u64, ::std::string::String> {
        ::core::result::Result::Ok(r#fn + __hit)
    }

    #[cache_put(key = "put:{__miss}", ttl = 60)]
    pub(super) async fn put(__miss: u64) -> u64 {
        __miss
    }

    #[cache_invalidate("put:*")]
    pub(super) async fn forget() {}
}

#[tokio::test]
async fn names_do_not_clash() {
    assert_eq!(loads(|| visible::outside(1)).await, 1);
    assert_eq!(loads(|| hostile::r#type(1, 2)).await, 1);
    let fast = fresh().await;
    scope(&fast, async {
        assert_eq!(hostile::put(3).await, 3);
        hostile::forget().await;
    })
    .await;
}
