//! Named expressions: `with(user = claims.sub())`.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use std::collections::HashMap;

use fastness::{cache_invalidate, cache_put, cacheable, with_cache, with_cache_sync};

use crate::fresh;

struct Claims {
    subject: String,
    asked: AtomicU32,
}

impl Claims {
    fn new(subject: &str) -> Self {
        Self { subject: subject.into(), asked: AtomicU32::new(0) }
    }

    fn sub(&self) -> &str {
        self.asked.fetch_add(1, Relaxed);
        &self.subject
    }
}

#[cacheable(ttl = 60, key = "inbox:{user}:{page}", with(user = claims.sub()), tags = ["of:{user}"])]
async fn inbox(claims: &Claims, page: u32) -> String {
    format!("{} {page}", claims.subject)
}

#[cacheable(ttl = 60, key = "inbox:{user}:{page}")]
async fn inbox_by_name(user: &str, page: u32) -> String {
    unreachable!("{user} {page} is in the cache")
}

#[cache_invalidate("inbox:{user}:*", with(user = claims.sub()))]
async fn send(claims: &Claims) {}

#[cache_invalidate(tags = ["of:{name}"], with(name = claims.sub().to_lowercase()))]
async fn forget(claims: Claims) {}

#[cache_put(ttl = 60, key = "inbox:{user}:{page}", with(user = claims.subject.as_str(), page = 1 + 1_u32))]
async fn write(claims: Claims) -> String {
    format!("written by {}", claims.subject)
}

#[tokio::test]
async fn a_named_expression_is_a_part_of_keys_tags_and_patterns() {
    let fast = fresh();
    let ada = Claims::new("ada");
    with_cache(&fast, async {
        for _ in 0..2 {
            assert_eq!(inbox(&ada, 1).await, "ada 1");
            assert_eq!(inbox(&Claims::new("bob"), 1).await, "bob 1");
        }
        assert_eq!(inbox_by_name("ada", 1).await, "ada 1", "it shares with a parameter of the value's type");
        assert_eq!(fast.stats().total.loads, 2);
        send(&ada).await;
        inbox(&ada, 1).await;
        forget(Claims::new("ADA")).await;
        inbox(&ada, 1).await;
        inbox(&Claims::new("bob"), 1).await;
        assert_eq!(fast.stats().total.loads, 4);
        write(Claims::new("ada")).await;
        assert_eq!(inbox(&ada, 2).await, "written by ada");
    })
    .await;
    assert_eq!(ada.asked.load(Relaxed), 6, "each call evaluates it once");
}

struct Shop {
    tenants: Vec<String>,
}

impl Shop {
    fn tenant(&self) -> &str {
        &self.tenants[0]
    }

    #[cacheable(ttl = 60, key = "price:{tenant}:{double}", with(tenant = self.tenant(), double = id * 2))]
    fn price(&self, id: u64) -> String {
        format!("{} {id}", self.tenant())
    }

    #[cacheable(ttl = 60, key = "stock:{tenant}:{id}", with(tenant = self.tenant(), id = format!("{item}")), handle = stocks)]
    async fn stock(&self, item: u64) -> u64 {
        item
    }

    #[cacheable(ttl = 60, key = "bulk:{tenant}:{ids}", batch(ids), with(tenant = self.tenant()))]
    async fn bulk(&self, ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, format!("{} {id}", self.tenant()))).collect()
    }
}

#[test]
fn self_in_an_expression_is_in_the_key() {
    let fast = fresh();
    let [ada, bob] = ["ada", "bob"].map(|name| Shop { tenants: vec![name.into()] });
    with_cache_sync(&fast, || {
        assert_eq!([ada.price(1), bob.price(1), ada.price(1), ada.price(2)], ["ada 1", "bob 1", "ada 1", "ada 2"]);
    });
    assert_eq!(fast.stats().total.loads, 3);
}

#[tokio::test]
async fn a_batch_evaluates_it_once_for_all_elements() {
    let fast = fresh();
    let [ada, bob] = ["ada", "bob"].map(|name| Shop { tenants: vec![name.into()] });
    with_cache(&fast, async {
        assert_eq!(ada.bulk(&[1, 2]).await[&2], "ada 2");
        assert_eq!(bob.bulk(&[1, 2]).await[&2], "bob 2");
        ada.bulk(&[1, 2]).await;
    })
    .await;
    assert_eq!((fast.stats().total.loads, fast.stats().total.hits), (2, 2));
}

#[tokio::test]
async fn a_handle_takes_the_parameters_that_the_expression_mentions() {
    let fast = fresh();
    let shop = Shop { tenants: vec!["ada".into()] };
    with_cache(&fast, async {
        shop.stock(7).await;
        assert_eq!(shop.stocks(&7).get().await, Some(7));
        assert_eq!(shop.stocks(&8).get().await, None);
        fast.cache().invalidate(fastness::Scope::from_static("stock:ada:*")).await;
        assert_eq!(shop.stocks(&7).get().await, None);
    })
    .await;
}

#[cacheable(ttl = 60, key = "maybe:{user}", with(user = claims.unwrap().sub().to_owned()), condition = claims.is_some())]
async fn maybe(claims: Option<&Claims>) -> bool {
    claims.is_some()
}

#[cacheable(ttl = 60, key = "moved:{length}:{name}", with(length = name.len(), name_again = name), tags = ["t:{name_again}"], condition = !name.is_empty())]
fn moved(name: String) -> String {
    name
}

#[tokio::test]
async fn a_call_that_bypasses_the_cache_by_its_condition_does_not_evaluate_it() {
    let fast = fresh();
    with_cache(&fast, async {
        assert!(!maybe(None).await);
        assert!(maybe(Some(&Claims::new("ada"))).await);
        assert!(maybe(Some(&Claims::new("ada"))).await);
    })
    .await;
    assert_eq!((fast.stats().total.loads, fast.stats().total.hits), (1, 1));
}

#[test]
fn an_expression_does_not_move_what_the_body_consumes() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        assert_eq!([moved("a".into()), moved("a".into()), moved(String::new())], ["a", "a", ""]);
    });
    assert_eq!(fast.stats().total.loads, 1);
}
