//! The attributes on methods: every receiver, and every kind of trait.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fastness::{cache_invalidate, cacheable, with_cache, with_cache_sync};

use crate::fresh;
use crate::functions::{assert_send, loads};

type Shared<T> = Result<Arc<T>, String>;

#[derive(Clone)]
struct Repo<T> {
    items: Vec<T>,
    loads: Arc<AtomicU32>,
}

impl<T: Clone + Display + Send + Sync + 'static> Repo<T> {
    fn new(items: Vec<T>) -> Self {
        Self { items, loads: Arc::default() }
    }

    /// A method whose key and value types do not depend on `T`.
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
    with_cache(&fresh(), async {
        assert_eq!(assert_send(words.show(0)).await.unwrap(), "one");
        assert_eq!(numbers.show(0).await.unwrap(), "1");
        assert_eq!(words.show(0).await.unwrap(), "one");
        assert!(words.show(9).await.is_err());
        assert_eq!(words.loads.load(Ordering::Relaxed), 2);
    })
    .await;
}

#[tokio::test]
async fn receivers_of_every_kind_are_accepted() {
    let repo = Arc::new(Repo::new(vec![1_u8, 2]));
    assert_eq!(loads(|| repo.clone().by_count(1)).await, 1);
    assert_eq!(loads(|| repo.in_a_macro(1)).await, 1);
    let fast = fresh();
    assert_eq!(with_cache_sync(&fast, || (*repo).clone().consume(1) + (*repo).clone().consume(1)), 6);
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
    #[cacheable(ttl = 60, key = "boxed:{id}:{name}", skip(self))]
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
async fn native_and_boxed_trait_methods_are_cached() {
    assert_eq!(loads(|| assert_send(Service.native(1))).await, 1);
    let service: Box<dyn DynApi> = Box::new(Service);
    assert_eq!(loads(|| assert_send(service.boxed(1, "ab"))).await, 1);
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!(*service.boxed(1, "ab").await.unwrap(), "21");
        assert!(service.boxed(0, "ab").await.is_err());
        service.touch(1).await.unwrap();
        service.boxed(1, "ab").await.unwrap();
    })
    .await;
    assert_eq!(fast.stats().total.loads, 2);
}

mod receivers {
    use std::pin::Pin;
    use std::rc::Rc;
    use std::sync::Arc;

    use fastness::{cache_invalidate, cache_put, cacheable};

    #[derive(Clone, Debug)]
    pub(super) struct Counter(pub(super) u8);

    impl Counter {
        #[cacheable(ttl = 60)]
        pub(super) async fn by_value(mut self, n: u8) -> u8 {
            self.0 += n;
            self.0
        }

        #[cacheable(ttl = 60)]
        pub(super) async fn boxed(self: Box<Self>, n: u8) -> u8 {
            self.0 + n
        }

        #[cacheable(ttl = 60)]
        pub(super) async fn pinned(self: Pin<&Self>, n: u8) -> u8 {
            self.0 + n
        }

        #[cacheable(ttl = 60)]
        pub(super) async fn through(self: &Arc<Self>, n: u8) -> u8 {
            self.0 + n
        }

        #[cacheable(ttl = 60)]
        pub(super) fn counted(self: Rc<Self>, n: u8) -> u8 {
            self.0 + n
        }

        #[cacheable(ttl = 60, stale = 60, refresh = background)]
        pub(super) async fn refreshed(self: Arc<Self>, n: u8) -> u8 {
            self.0 + n
        }

        #[cacheable(ttl = 60, stale = 60, refresh = background)]
        pub(super) async fn formatted(&self, n: u8) -> String {
            let this = self;
            format!("{this:?} {:?} {n}", self)
        }

        #[cacheable(ttl = 60)]
        pub(super) async fn associated(n: u8) -> u8 {
            Self(n).0
        }

        #[cache_put(key = "counter:{n}", ttl = 60, skip(self))]
        pub(super) async fn set(&mut self, n: u8, log: &mut Vec<u8>) -> u8 {
            log.push(n);
            self.0 = n;
            n
        }

        #[cache_invalidate("counter:*")]
        pub(super) fn clear(&mut self) {
            self.0 = 0;
        }
    }
}

#[tokio::test]
async fn receivers_by_value_and_through_every_pointer_are_accepted() {
    let one = receivers::Counter(1);
    assert_eq!(loads(|| assert_send(one.clone().by_value(1))).await, 1);
    assert_eq!(loads(|| assert_send(Box::new(one.clone()).boxed(1))).await, 1);
    assert_eq!(loads(|| assert_send(Pin::new(&one).pinned(1))).await, 1);
    let shared = Arc::new(one.clone());
    assert_eq!(loads(|| assert_send(shared.through(1))).await, 1);
    assert_eq!(loads(|| assert_send(shared.clone().refreshed(1))).await, 1);
    assert_eq!(loads(|| assert_send(one.formatted(1))).await, 1);
    assert_eq!(loads(|| std::future::ready(std::rc::Rc::new(one.clone()).counted(1))).await, 1);
    assert_eq!(loads(|| assert_send(receivers::Counter::associated(1))).await, 1);
    let (fast, mut written, mut log) = (fresh(), one.clone(), vec![]);
    with_cache(&fast, async {
        assert_eq!(assert_send(written.set(5, &mut log)).await, 5);
        written.clear();
    })
    .await;
    assert_eq!((written.0, log, fast.stats().invalidations), (0, vec![5], 2));
}

#[async_trait::async_trait]
trait Provided: Sync {
    fn id(&self) -> u64;

    #[cacheable(ttl = 60, key = "provided:{n}", skip(self))]
    async fn boxed(&self, n: u64) -> anyhow::Result<u64> {
        Ok(self.id() + n)
    }
}

impl dyn Provided {
    #[cacheable(ttl = 60)]
    async fn of_the_object(&self, n: u64) -> u64 {
        self.id() + n
    }
}

#[async_trait::async_trait]
impl Provided for Service {
    fn id(&self) -> u64 {
        1
    }
}

#[tokio::test]
async fn methods_declared_in_traits_are_cached() {
    let service: &dyn Provided = &Service;
    assert_eq!(loads(|| assert_send(service.boxed(1))).await, 1);
    assert_eq!(loads(|| assert_send(service.of_the_object(1))).await, 1);
}
