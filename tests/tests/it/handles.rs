//! `handle = ..` on methods, on generic functions and in traits: the handle's arguments, and that it reaches the function's own entries.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, cache_invalidate, cacheable, with_cache, with_cache_sync};

use fastness::key::KeyNamespace;
use fastness_tests::names::tagged;

use crate::fresh;
use crate::origin::{Fault, Origin};

struct Repo {
    tenant: &'static str,
    origin: Origin,
    fast: Fastness,
}

impl Repo {
    fn new(tenant: &'static str) -> Self {
        Self { tenant, origin: Origin::default(), fast: fresh() }
    }
}

impl KeyNamespace for Repo {
    type Namespace<'a> = &'a str;
    fn key_namespace(&self) -> &str {
        self.tenant
    }
}

impl Repo {
    /// A method whose keys begin with a scope.
    #[cacheable(ttl = 60, handle = user_entry)]
    async fn user(&self, id: u64) -> Result<u32, Fault> {
        let _ = id;
        self.origin.next()
    }

    /// A method with a field of the receiver in its key.
    #[cacheable(ttl = 60, key = "row:{self.tenant}:{id}", handle = row_entry)]
    fn row(&self, id: u64) -> Result<u32, Fault> {
        let _ = id;
        self.origin.next()
    }

    #[cacheable(ttl = 60, key = "shared:{id}", skip(self), handle = shared_entry)]
    async fn shared(&self, id: u64) -> Result<u32, Fault> {
        let _ = id;
        self.origin.next()
    }

    /// A method whose receiver is not in the key, but has the cache.
    #[cacheable(ttl = 60, key = "own:{id}", skip(self), on = self.fast, handle = own_entry)]
    async fn own(&self, id: u64) -> Result<u32, Fault> {
        let _ = id;
        self.origin.next()
    }

    #[cacheable(ttl = 60, key = "counted:{self.tenant}", handle = counted_entry)]
    async fn counted(self: Arc<Self>) -> Result<u32, Fault> {
        self.origin.next()
    }

    #[cacheable(ttl = 60, handle = Self::double_entry)]
    async fn double(n: u32) -> u32 {
        n * 2
    }

    #[cache_invalidate(self.user_entry(id), self.row_entry(id), Self::shared_entry(id), Self::double_entry(n))]
    async fn forget(&self, id: u64, n: u32) {}
}

#[tokio::test]
async fn a_handle_on_a_method_takes_a_receiver_that_is_in_the_key() {
    let (repo, other) = (Repo::new("acme"), Repo::new("other"));
    with_cache(&fresh(), async {
        assert_eq!(repo.user(7).await, repo.user(7).await);
        assert_eq!(repo.user_entry(&7).get().await, Some(Ok(1)));
        assert_eq!(other.user_entry(&7).get().await, None);
        let key = repo.user_entry(&7).key();
        assert!(key.as_str().starts_with("@acme:user:it.handles.Repo.user:7"), "{key}");

        repo.row_entry(&7).put(Ok(70)).await;
        assert_eq!((repo.row(7), other.row(7)), (Ok(70), Ok(1)));
        assert_eq!(repo.row_entry(&7).key().as_str(), "row:acme:7");
    })
    .await;
}

#[tokio::test]
async fn a_handle_on_a_method_that_skips_its_receiver_takes_none() {
    let repo = Repo::new("acme");
    with_cache(&fresh(), async {
        Repo::shared_entry(&7).put(Ok(70)).await;
        assert_eq!(repo.shared(7).await, Ok(70));
        assert_eq!(Repo::double_entry(&4).get().await, None);
        assert_eq!((Repo::double(4).await, Repo::double_entry(&4).get().await), (8, Some(8)));
        let key = Repo::double_entry(&4).key();
        assert!(key.as_str().starts_with("double:it.handles.Repo.double:4"), "{key}");
    })
    .await;
}

#[tokio::test]
async fn a_handle_takes_the_arguments_that_find_the_cache() {
    let (repo, other) = (Repo::new("acme"), Repo::new("acme"));
    repo.own_entry(&7).put(Ok(70)).await;
    assert_eq!((repo.own(7).await, other.own(7).await), (Ok(70), Ok(1)));
    assert_eq!(other.own_entry(&7).get().await, Some(Ok(1)));
    let repo = Arc::new(Repo::new("counted"));
    with_cache(&fresh(), async {
        assert_eq!((repo.clone().counted().await, repo.counted_entry().get().await), (Ok(1), Some(Ok(1))));
    })
    .await;
}

#[tokio::test]
async fn handles_of_methods_are_targets_of_invalidations() {
    let repo = Repo::new("acme");
    with_cache(&fresh(), async {
        repo.user_entry(&7).put(Ok(70)).await;
        repo.row_entry(&7).put(Ok(71)).await;
        Repo::shared_entry(&7).put(Ok(72)).await;
        Repo::double_entry(&4).put(73).await;
        repo.forget(7, 4).await;
        assert_eq!((repo.user_entry(&7).get().await, repo.row_entry(&7).get().await), (None, None));
        assert_eq!((Repo::shared_entry(&7).get().await, Repo::double_entry(&4).get().await), (None, None));
    })
    .await;
}

#[cacheable(ttl = 60, key = "parsed:{text}", handle = parsed_entry)]
fn parsed<T, const N: usize>(text: &str) -> Option<[T; N]>
where
    T: std::str::FromStr + Copy + Send + Sync + 'static,
{
    text.parse().ok().map(|value| [value; N])
}

#[cacheable(ttl = 60, key = "shown:{id}", skip(source), handle = shown_entry)]
fn shown(source: &impl Debug, id: u64) -> String {
    format!("{source:?} {id}")
}

#[tokio::test]
async fn a_handle_of_a_generic_function_is_of_one_instantiation() {
    with_cache(&fresh(), async {
        parsed_entry::<u8, 2>("7").put(Some([1, 2])).await;
        assert_eq!((parsed::<u8, 2>("7"), parsed::<u16, 2>("7")), (Some([1, 2]), Some([7, 7])));
        assert_eq!(parsed_entry::<u8, 1>("7").get().await, None);
        assert_eq!(parsed_entry::<u16, 2>("7").get().await, Some(Some([7, 7])));
        parsed_entry::<u8, 2>("7").invalidate().await;
        assert_eq!(parsed::<u8, 2>("7"), Some([7, 7]));

        assert_eq!((shown(&"a", 1), shown_entry(&1).get().await), ("\"a\" 1".into(), Some("\"a\" 1".into())));
    })
    .await;
}

trait Api: Send + Sync {
    fn value(&self) -> u32;

    #[cacheable(ttl = 60, key = "api:{id}", skip(self), handle = load_entry)]
    fn load(&self, id: u32) -> u32
    where
        Self: Sized,
    {
        self.value() + id
    }
}

struct Ten;
struct Hundred;

impl Api for Ten {
    fn value(&self) -> u32 {
        10
    }
}

impl Api for Hundred {
    fn value(&self) -> u32 {
        100
    }
}

#[tokio::test]
async fn a_provided_method_has_a_handle_for_each_type() {
    with_cache(&fresh(), async {
        assert_eq!((Ten.load(1), Hundred.load(1)), (11, 101));
        assert_eq!((Ten::load_entry(&1).get().await, Hundred::load_entry(&1).get().await), (Some(11), Some(101)));
        Ten::load_entry(&1).put(12).await;
        assert_eq!((Ten.load(1), Hundred.load(1)), (12, 101), "a put invalidates the key, and stores for its own type");
    })
    .await;
}

#[cacheable(ttl = 60, key = "page:{id}", tags = ["site:{site}"], skip(site, origin), handle = page_entry)]
async fn page(site: &str, id: u32, origin: &Origin) -> Result<u32, Fault> {
    let _ = (site, id);
    origin.next()
}

#[cacheable(ttl = 60, key = "maybe:{id}", condition = id != 0, skip(origin), handle = maybe_entry)]
fn maybe(id: u32, origin: &Origin) -> Result<u32, Fault> {
    origin.next()
}

#[tokio::test]
async fn a_handle_takes_the_arguments_of_tags_and_ignores_the_condition() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        page_entry("blog", &1).put(Ok(70)).await;
        assert_eq!(page("blog", 1, &origin).await, Ok(70));
        fast.cache().invalidate(tagged("site:blog")).await;
        assert_eq!(page_entry("blog", &1).get().await, None);

        maybe_entry(&0).put(Ok(9)).await;
        assert_eq!((maybe(0, &origin), maybe_entry(&0).get().await), (Ok(1), Some(Ok(9))));
    })
    .await;
    assert_eq!(fast.stats().total.bypassed, 1);
}

#[cacheable(ttl = 60, key = "task:{id}", skip(name), load = task, stale = "1m", refresh = background, handle = task_entry)]
async fn task(id: u64, name: &str) -> Result<String, Fault> {
    Ok(format!("{id} {name}"))
}

#[tokio::test]
async fn a_handle_can_be_used_in_a_task_and_is_identified_by_its_key() {
    let fast = fresh();
    let run = async {
        let name = "a".to_owned();
        assert_eq!(task_entry(&1).get().await, None);
        assert_eq!(task(1, &name).await, Ok("1 a".into()));
        let later = task_entry(&1).get();
        assert_eq!(later.await, Some(Ok("1 a".into())));
        assert_eq!(format!("{:?}", task_entry(&1)), r#"Handle("task:1")"#);
    };
    tokio::spawn(async move { with_cache(&fast, run).await }).await.unwrap();
}

mod alone {
    use fastness::cacheable;

    #[cacheable(ttl = 60)]
    pub(super) fn plain(n: u32) -> u32 {
        n
    }

    #[cacheable(ttl = 60, prefix = "plain", handle = entry)]
    pub(super) fn with_handle(n: u32) -> u32 {
        n
    }
}

#[test]
fn a_handle_changes_neither_the_key_of_a_function_nor_its_name() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        assert_eq!((alone::plain(1), alone::with_handle(1)), (1, 1));
        assert_eq!(alone::entry(&1).key().as_str(), "plain:it.handles.alone.with_handle:1");
    });
    let names: Vec<_> = fast.stats().sites.into_iter().map(|site| site.name).collect();
    assert!(names.iter().any(|name| name == "it.handles.alone.with_handle"), "{names:?}");
}

#[derive(Clone, Copy)]
enum Kind {
    Short,
    Long,
}

fn lifetime(kind: Kind) -> Duration {
    Duration::from_secs(if matches!(kind, Kind::Short) { 1 } else { 60 })
}

struct Lifetimes {
    failures: Duration,
}

#[cacheable(
    ttl = lifetime(kind), local_ttl = local, cache_err = |_| true, err_ttl = lifetimes.failures, key = "lives:{id}", skip(kind, local, lifetimes, origin),
    handle = lives_entry
)]
async fn lives(id: u64, kind: Kind, local: Duration, lifetimes: Lifetimes, origin: &Origin) -> Result<u32, Fault> {
    let _ = (id, kind, local, lifetimes);
    origin.next()
}

/// A duration is an expression over the parameters as the function has them. A handle takes them by reference.
#[tokio::test]
async fn durations_of_a_handle_are_those_of_the_function() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        for kind in [Kind::Short, Kind::Long] {
            let (local, lifetimes) = (Duration::from_secs(9), || Lifetimes { failures: Duration::from_secs(5) });
            let id = u64::from(matches!(kind, Kind::Long));
            let first = lives(id, kind, local, lifetimes(), &origin).await.unwrap();
            let by_reference = lifetimes();
            let entry = || lives_entry(&id, &kind, &local, &by_reference);
            assert_eq!(entry().get().await, Some(Ok(first)));
            entry().put(Ok(first + 100)).await;
            assert_eq!(lives(id, kind, local, lifetimes(), &origin).await.unwrap(), first + 100);
        }
    })
    .await;
}
