//! Tags that values state: known only when a load ends, and judged from its beginning.

use std::collections::HashMap;
use std::iter::repeat;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use fastness::{Fastness, Key, Scope, cache_invalidate, cache_put, cacheable, with_cache, with_cache_sync};
use tokio::sync::Semaphore;

use crate::origin::{MINUTE, SECOND};
use crate::{fresh, timed};

const PRODUCT: Key = Key::from_static("product");
const SHOP: Key = Key::from_static("shop");

/// An order, which is to be loaded again when one of its products changes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Order {
    load: u32,
    products: Vec<u64>,
}

impl Order {
    fn tags(&self) -> Vec<Key> {
        self.products.iter().map(|id| PRODUCT.join(id)).collect()
    }
}

/// An origin of orders, which counts its loads and answers when it is told to.
struct Orders {
    loads: AtomicU32,
    products: AtomicUsize,
    gate: Semaphore,
}

#[derive(Clone, Debug, PartialEq)]
struct Down;

impl Orders {
    fn open() -> Self {
        Self::with_permits(Semaphore::MAX_PERMITS)
    }

    fn closed() -> Self {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Self {
        Self { loads: AtomicU32::new(0), products: AtomicUsize::new(2), gate: Semaphore::new(permits) }
    }

    fn loads(&self) -> u32 {
        self.loads.load(Ordering::SeqCst)
    }

    /// An order of the products 1, 2 and so on.
    fn make(&self) -> Order {
        let products = (1..=self.products.load(Ordering::SeqCst) as u64).collect();
        Order { load: self.loads.fetch_add(1, Ordering::SeqCst) + 1, products }
    }

    async fn answer(&self) -> Order {
        let order = self.make();
        self.gate.acquire().await.unwrap().forget();
        order
    }

    #[cacheable(
        ttl = 60,
        tags = ["orders", |order| order.products.iter().map(|id| format!("product:{id}"))],
        tag_patterns = ["product:{id}"],
        key = "order:{id}",
        skip(self)
    )]
    async fn order(&self, id: u64) -> Order {
        let _ = id;
        self.answer().await
    }

    #[cacheable(ttl = 60, tags = Order::tags, tag_patterns = ["product:{id}"], key = "order_here:{id}", skip(self))]
    fn order_here(&self, id: u64) -> Result<Option<Order>, Down> {
        let _ = id;
        Ok(Some(self.make()))
    }

    #[cacheable(
        ttl = 60,
        negative_ttl = 60,
        cache_err = |_| true,
        err_ttl = 60,
        tags = ["shop:{id}", Order::tags],
        tag_patterns = ["product:{id}"],
        key = "maybe:{id}",
        skip(self)
    )]
    async fn maybe(&self, id: u64) -> Result<Option<Order>, Down> {
        self.make();
        if id == 0 { Err(Down) } else { Ok(None) }
    }

    #[cacheable(
        ttl = 1,
        jitter = 0,
        stale = 60,
        stale_if_error = 60,
        tags = Order::tags,
        tag_patterns = ["product:{id}"],
        key = "stale",
        skip(self)
    )]
    async fn stale(&self) -> Result<Order, Down> {
        if self.products.load(Ordering::SeqCst) == 0 {
            self.make();
            return Err(Down);
        }
        Ok(self.answer().await)
    }

    #[cacheable(ttl = 60, tags = panicking, tag_patterns = ["product:{id}"], key = "panics", skip(self))]
    async fn panics(&self) -> Order {
        self.answer().await
    }

    #[cacheable(ttl = 60, tags = Order::tags, tag_patterns = ["product:{id}"], key = "many", skip(self))]
    fn many(&self) -> Order {
        self.make()
    }

    #[cacheable(ttl = 60, tags = |_| repeat("endless"), tag_patterns = ["endless"], key = "endless", skip(self))]
    fn endless(&self) -> Order {
        self.make()
    }

    #[cacheable(
        ttl = 60,
        tags = ["orders", Order::tags],
        tag_patterns = ["product:{id}"],
        key = "order:{ids}",
        batch(ids),
        skip(self)
    )]
    async fn batch(&self, ids: &[u64]) -> HashMap<u64, Order> {
        let load = self.answer().await.load;
        ids.iter().map(|id| (*id, Order { load, products: vec![*id] })).collect()
    }

    #[cache_put(ttl = 60, tags = Order::tags, tag_patterns = ["product:{id}"], key = "order:{id}", skip(self))]
    async fn replace(&self, id: u64) -> Order {
        let _ = id;
        self.answer().await
    }

    #[cache_put(ttl = 60, tags = panicking, tag_patterns = ["product:{id}"], key = "order:{id}", skip(self))]
    async fn replace_and_panic(&self, id: u64) -> Order {
        let _ = id;
        self.answer().await
    }
}

fn panicking(_: &Order) -> Vec<String> {
    panic!("on purpose")
}

#[cache_invalidate(tags = ["product:{id}"])]
async fn change_product(id: u64) {
    let _ = id;
}

async fn invalidate(fast: &Fastness, tag: Key) {
    fast.cache().invalidate(Scope::from_tag(tag)).await;
}

/// Polls a call once, after which it waits or loads.
async fn begin<F: Future>(mut call: Pin<&mut F>) {
    std::future::poll_fn(|cx| {
        assert!(call.as_mut().poll(cx).is_pending(), "the gate is closed");
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_of_a_tag_reaches_the_values_that_state_it() {
    let (fast, orders) = (fresh(), Orders::open());
    with_cache(&fast, async {
        let load = async |id| orders.order(id).await.load;
        assert_eq!((load(1).await, load(1).await), (1, 1));
        change_product(3).await;
        assert_eq!(load(1).await, 1, "it has no such product");
        change_product(2).await;
        assert_eq!((load(1).await, load(1).await), (2, 2));
        invalidate(&fast, Key::from_static("orders")).await;
        assert_eq!(load(1).await, 3, "a tag that follows from no value");
        fast.cache().invalidate(Scope::from_static("order:*")).await;
        assert_eq!(load(1).await, 4);
        fast.cache().refresh(Scope::from_tag(PRODUCT.join(1))).await;
        assert_eq!(load(1).await, 5, "a refresh of a tag");
    })
    .await;
    with_cache_sync(&fast, || {
        let load = || orders.order_here(1).unwrap().unwrap().load;
        assert_eq!((load(), load()), (6, 6));
    });
    invalidate(&fast, PRODUCT.join(2)).await;
    with_cache_sync(&fast, || assert_eq!(orders.order_here(1).unwrap().unwrap().load, 7));
}

#[tokio::test]
async fn a_value_whose_tag_was_invalidated_while_it_was_loaded_is_not_served_again() {
    let (fast, orders) = (fresh(), Orders::closed());
    with_cache(&fast, async {
        let mut call = pin!(orders.order(1));
        begin(call.as_mut()).await;
        invalidate(&fast, PRODUCT.join(2)).await;
        orders.gate.add_permits(2);
        assert_eq!(call.await.load, 1, "the caller began before");
        assert_eq!(orders.order(1).await.load, 2);
    })
    .await;
    assert_eq!(fast.stats().total.overtaken, 1);
}

/// A load cannot be judged by its tags when a caller joins it, because they are known at its end.
#[tokio::test]
async fn a_waiter_that_began_after_an_invalidation_of_a_tag_loads_again() {
    let (fast, orders) = (fresh(), Orders::closed());
    with_cache(&fast, async {
        let (mut leader, mut early) = (pin!(orders.order(1)), pin!(orders.order(1)));
        begin(leader.as_mut()).await;
        begin(early.as_mut()).await;
        invalidate(&fast, PRODUCT.join(2)).await;
        let (mut late, mut later) = (pin!(orders.order(1)), pin!(orders.order(1)));
        begin(late.as_mut()).await;
        begin(later.as_mut()).await;
        assert_eq!(orders.loads(), 1, "all of them wait for one load");
        orders.gate.add_permits(1);
        assert_eq!((leader.await.load, early.await.load), (1, 1));
        begin(late.as_mut()).await;
        begin(later.as_mut()).await;
        assert_eq!(orders.loads(), 2, "they share the next load");
        // This one does not concern them: their load began after they did.
        invalidate(&fast, PRODUCT.join(1)).await;
        orders.gate.add_permits(1);
        assert_eq!((late.await.load, later.await.load), (2, 2));
    })
    .await;
    assert_eq!(orders.loads(), 2);
}

#[tokio::test]
async fn a_waiter_takes_a_value_whose_tags_nothing_invalidated() {
    let (fast, orders) = (fresh(), Orders::closed());
    with_cache(&fast, async {
        let mut leader = pin!(orders.order(1));
        begin(leader.as_mut()).await;
        invalidate(&fast, PRODUCT.join(9)).await;
        let mut waiter = pin!(orders.order(1));
        begin(waiter.as_mut()).await;
        orders.gate.add_permits(1);
        assert_eq!((leader.await.load, waiter.await.load), (1, 1));
    })
    .await;
    assert_eq!(fast.stats().total.coalesced, 1);
}

#[tokio::test]
async fn absences_and_errors_have_the_tags_of_the_call() {
    let (fast, orders) = (fresh(), Orders::open());
    with_cache(&fast, async {
        for id in [0, 1] {
            for _ in 0..2 {
                let _ = orders.maybe(id).await;
            }
        }
        assert_eq!(orders.loads(), 2, "both are stored");
        invalidate(&fast, SHOP.join(0)).await;
        assert_eq!((orders.maybe(0).await, orders.loads()), (Err(Down), 3));
        assert_eq!((orders.maybe(1).await, orders.loads()), (Ok(None), 3));
        invalidate(&fast, SHOP.join(1)).await;
        assert_eq!((orders.maybe(1).await, orders.loads()), (Ok(None), 4));
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_of_a_tag_ends_the_stale_time_too() {
    let ((fast, clock), orders) = (timed(), Orders::open());
    with_cache(&fast, async {
        let load = async || orders.stale().await.map(|order| order.load);
        assert_eq!(load().await, Ok(1));
        clock.advance(SECOND * 2);
        orders.products.store(0, Ordering::SeqCst);
        assert_eq!(load().await, Ok(1), "a fallback of the load that failed");
        invalidate(&fast, PRODUCT.join(1)).await;
        assert_eq!(load().await, Err(Down));
    })
    .await;
}

#[tokio::test]
async fn a_panic_of_the_function_that_states_tags_harms_no_caller() {
    let (fast, orders) = (fresh(), Orders::closed());
    with_cache(&fast, async {
        let (mut leader, mut waiter) = (pin!(orders.panics()), pin!(orders.panics()));
        begin(leader.as_mut()).await;
        begin(waiter.as_mut()).await;
        invalidate(&fast, SHOP).await;
        let mut late = pin!(orders.panics());
        begin(late.as_mut()).await;
        orders.gate.add_permits(2);
        assert_eq!((leader.await.load, waiter.await.load), (1, 1), "the waiter has its value too");
        assert_eq!(late.await.load, 2, "the tag may have been one of the value");
        orders.gate.add_permits(1);
        assert_eq!(orders.panics().await.load, 3, "nothing is stored");
    })
    .await;
    let stats = fast.stats();
    assert_eq!((stats.total.tag_failures, stats.total.loads, stats.entries), (3, 3, 0));
}

#[tokio::test]
async fn a_value_with_too_many_tags_is_returned_and_not_stored() {
    let (fast, orders) = (fresh(), Orders::open());
    with_cache_sync(&fast, || {
        orders.products.store(1_024, Ordering::SeqCst);
        assert_eq!((orders.many().load, orders.many().load), (1, 1));
    });
    invalidate(&fast, PRODUCT.join(1_024)).await;
    with_cache_sync(&fast, || {
        assert_eq!(orders.many().load, 2, "the last tag counts as the first does");
        assert_eq!(orders.many().load, 2);
    });
    fast.cache().invalidate(Scope::from_static("many")).await;
    orders.products.store(1_025, Ordering::SeqCst);
    with_cache_sync(&fast, || {
        assert_eq!((orders.many().load, orders.many().load), (3, 4));
        assert_eq!(
            (orders.endless().load, orders.endless().load),
            (5, 6),
            "no more tags are read than a value may have"
        );
    });
    assert_eq!(fast.stats().total.tag_failures, 4);
}

#[tokio::test]
async fn each_element_of_a_batch_has_the_tags_of_its_value() {
    let (fast, orders) = (fresh(), Orders::open());
    with_cache(&fast, async {
        orders.batch(&[1, 2, 3]).await;
        change_product(2).await;
        let found = orders.batch(&[1, 2, 3]).await;
        assert_eq!([1, 2, 3].map(|id| found[&id].load), [1, 2, 1]);
        assert_eq!(orders.order(3).await.load, 1, "the function for one finds it");
        change_product(3).await;
        assert_eq!(orders.order(3).await.load, 3);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_began_after_an_invalidation_of_a_tag_takes_no_older_values() {
    let (fast, orders) = (fresh(), Orders::closed());
    with_cache(&fast, async {
        let (mut leader, mut early) = (Box::pin(orders.batch(&[1, 2])), Box::pin(orders.batch(&[2, 1])));
        begin(leader.as_mut()).await;
        begin(early.as_mut()).await;
        change_product(2).await;
        let mut late = Box::pin(orders.batch(&[1, 2]));
        begin(late.as_mut()).await;
        orders.gate.add_permits(1);
        assert_eq!((leader.await[&1].load, early.await[&2].load), (1, 1));
        orders.gate.add_permits(1);
        assert_eq!(late.await[&2].load, 2);
        assert_eq!(orders.loads(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_put_value_has_the_tags_that_it_states() {
    let (fast, orders) = (fresh(), Orders::open());
    with_cache(&fast, async {
        assert_eq!((orders.replace(1).await.load, orders.order(1).await.load), (1, 1));
        change_product(1).await;
        assert_eq!(orders.order(1).await.load, 2);
        assert_eq!(orders.replace_and_panic(1).await.load, 3, "returned");
        assert_eq!(orders.order(1).await.load, 4, "not stored, and the older one is gone");
    })
    .await;
    let orders = Orders::closed();
    with_cache(&fast, async {
        let mut put = pin!(orders.replace(2));
        begin(put.as_mut()).await;
        change_product(1).await;
        orders.gate.add_permits(2);
        assert_eq!((put.await.load, orders.order(2).await.load), (1, 2), "the write may be older than the change");
    })
    .await;
}

/// The writer's tags and the reader's judge together, whichever of the two had none.
#[tokio::test]
async fn direct_calls_and_functions_keep_each_others_tags() {
    let (fast, orders) = (fresh(), Orders::open());
    let (cache, key) = (fast.cache(), Key::from_static("order").join(1));
    let direct = async || {
        let load = async { Ok::<_, Down>(orders.make()) };
        cache.get_or_load_tagged(&key, MINUTE, Order::tags, load).await.unwrap().load
    };
    assert_eq!((direct().await, direct().await), (1, 1));
    invalidate(&fast, PRODUCT.join(2)).await;
    assert_eq!((direct().await, cache.get::<Order>(&key).await.map(|order| order.load)), (2, Some(2)));
    invalidate(&fast, PRODUCT.join(1)).await;
    assert_eq!(cache.get::<Order>(&key).await, None);
    // A function copies the entry of a direct call, with its tags.
    assert_eq!(direct().await, 3);
    with_cache(&fast, async {
        assert_eq!(untagged(&orders, 1).await.load, 3);
        change_product(2).await;
        assert_eq!(untagged(&orders, 1).await.load, 4);
        // A value that was set has no tags, and the function finds its own in it.
        cache.set(&key, orders.make(), MINUTE).await;
        assert_eq!(orders.order(1).await.load, 5);
        change_product(2).await;
        assert_eq!(orders.order(1).await.load, 6);
    })
    .await;
}

#[cacheable(ttl = 60, key = "order:{id}", skip(orders))]
async fn untagged(orders: &Orders, id: u64) -> Order {
    let _ = id;
    orders.make()
}

#[tokio::test]
async fn the_tags_of_a_direct_load_may_fail_too() {
    let (fast, orders) = (fresh(), Orders::open());
    let (cache, key) = (fast.cache(), Key::from_static("direct"));
    let direct = async || {
        let load = async { Ok::<_, Down>(orders.make()) };
        let tags = |order: &Order| if order.load > 1 { panic!("on purpose") } else { vec![SHOP; 3] };
        cache.get_or_load_tagged(&key, Duration::MAX, tags, load).await.unwrap().load
    };
    assert_eq!((direct().await, direct().await), (1, 1));
    invalidate(&fast, SHOP).await;
    assert_eq!((direct().await, direct().await), (2, 3));
    assert_eq!(fast.stats().total.tag_failures, 2);
}

#[test]
fn the_audit_knows_the_patterns_of_the_tags() {
    let all = fastness::registry::annotated();
    let order = all.iter().find(|f| f.name == "order_here").expect("it is registered");
    assert_eq!(order.tags, ["product:{id}"]);
    let report = fastness::registry::audit();
    assert!(!report.errors().iter().any(|error| error.contains("change_product")), "{report}");
}
