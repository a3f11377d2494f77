//! Calls that share an entry, and calls that never do.

use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cache_refresh, cacheable, with_cache, with_cache_sync};

use fastness::key::KeyNamespace;

use crate::fresh;
use crate::origin::Origin;

struct Users;

impl Users {
    #[cacheable(ttl = 60)]
    async fn get_user(&self, id: u64) -> String {
        format!("by id {id}")
    }

    #[cacheable(ttl = 60)]
    async fn find_user(&self, id: u64) -> String {
        format!("by email {id}")
    }

    #[cache_invalidate("user:*")]
    async fn change(&self) {}
}

#[tokio::test]
async fn two_methods_with_equal_prefixes_share_nothing_and_are_invalidated_together() {
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!(Users.get_user(1).await, "by id 1");
        assert_eq!(
            Users.find_user(1).await,
            "by email 1",
            "it has the same prefix and arguments, and is another function"
        );
        Users.change().await;
        Users.get_user(1).await;
        Users.find_user(1).await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 4);
}

struct Tenant(&'static str);

impl KeyNamespace for Tenant {
    type Namespace<'a> = &'a str;
    fn key_namespace(&self) -> &str {
        self.0
    }
}

impl Tenant {
    #[cacheable(ttl = 60, key = "orders:{page}")]
    async fn orders(&self, page: u32) -> String {
        format!("{} {page}", self.0)
    }

    #[cacheable(ttl = 60, key = "who:{self.0}")]
    async fn who(&self) -> &'static str {
        self.0
    }

    #[cache_invalidate("orders:*")]
    async fn order(&self) {}
}

#[tokio::test]
async fn tenants_never_share_entries() {
    let (a, b, fast) = (Tenant("a"), Arc::new(Tenant("b")), fresh());
    with_cache(&fast, async {
        assert_eq!((a.orders(1).await, b.orders(1).await), ("a 1".into(), "b 1".into()));
        assert_eq!((a.who().await, b.who().await), ("a", "b"));
        a.order().await;
        a.orders(1).await;
        assert_eq!(fast.stats().total.loads, 5, "its own orders were loaded again");
        b.orders(1).await;
        assert_eq!(fast.stats().total.loads, 5, "the other's were not");
    })
    .await;
}

#[cacheable(ttl = 60, key = "user:{id}:orders")]
async fn orders(id: &str) -> String {
    format!("orders of {id}")
}

#[cacheable(ttl = 60, key = "user:{id}")]
async fn user(id: &str) -> String {
    format!("user {id}")
}

#[cache_invalidate("user:{id}")]
async fn change_user(id: &str) {}

#[cache_invalidate("user:{id}:*")]
async fn change_below(id: &str) {}

#[tokio::test]
async fn no_argument_reaches_another_keys_space() {
    let fast = fresh();
    let loads = || fast.stats().total.loads;
    with_cache(&fast, async {
        assert_eq!(user("1:orders").await, "user 1:orders");
        assert_eq!(orders("1").await, "orders of 1");
        assert_eq!(user("").await, "user ");
        change_user("1:orders").await;
        orders("1").await;
        user("").await;
        assert_eq!(loads(), 3);
        change_user("").await;
        orders("1").await;
        assert_eq!(loads(), 3, "an empty argument is no prefix");
        change_below("*").await;
        orders("1").await;
        assert_eq!(loads(), 3, "a star is no prefix either");
        change_below("1").await;
        orders("1").await;
        assert_eq!(loads(), 4);
    })
    .await;
}

#[derive(serde::Serialize)]
struct Filter {
    category: Option<String>,
    #[serde(skip)]
    trace: u32,
}

#[cacheable(ttl = 60, key = "search:{filter:hash}:{name:lower}")]
async fn search(filter: &Filter, name: &str) -> String {
    format!("{:?} {name} {}", filter.category, filter.trace)
}

#[tokio::test]
async fn formatters_are_applied_to_keys() {
    let fast = fresh();
    let filter = |category: &str, trace| Filter { category: Some(category.to_owned()), trace };
    with_cache(&fast, async {
        assert_eq!(search(&filter("a", 1), "Ada").await, search(&filter("a", 2), "ADA").await);
        search(&filter("b", 1), "Ada").await;
        search(&filter("a", 1), "Bob").await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 3);
}

struct Record {
    id: u64,
}

#[cacheable(ttl = 60, key = "record:{id}")]
async fn by_id(id: u64) -> Option<u64> {
    Some(id)
}

#[cacheable(ttl = 60, key = "record:{record.id}")]
async fn by_record(record: &Record) -> Result<u64, std::fmt::Error> {
    Ok(record.id + 100)
}

#[tokio::test]
async fn functions_with_one_template_share_entries_whatever_their_placeholders_are_called() {
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!(by_id(1).await, Some(1));
        assert_eq!(by_record(&Record { id: 1 }).await, Ok(1));
        assert_eq!(by_record(&Record { id: 2 }).await, Ok(102));
        assert_eq!(by_id(2).await, Some(102));
    })
    .await;
}

#[test]
fn the_registry_knows_every_function_and_the_audit_finds_their_faults() {
    let all = fastness::registry::annotated();
    let orders = all.iter().find(|f| f.name == "orders" && f.module == "it::keys" && f.keys == ["user:{id}:orders"]);
    assert!(orders.is_some_and(|f| f.file.ends_with("keys.rs") && f.line > 0), "{orders:?}");
    assert!(all.iter().any(|f| f.name == "get_user" && f.keys == ["user:<path>:{id}"]));
    let audit = fastness::registry::audit();
    let errors = audit.errors();
    let [pattern, refreshed, put, breaker] = errors else { panic!("{audit}") };
    assert!(pattern.contains("invalidates `unread:*`"), "{audit}");
    assert!(refreshed.contains("expires `unseen:*`"), "{audit}");
    let parts = ["`it::keys::put_secret`", "writes `secret:{id}` without `erase`", "`it::keys::secret`"];
    assert!(parts.iter().all(|part| put.contains(part)), "{audit}");
    // The breaker of `resilience::one_name_with_two_settings_is_reported`.
    assert!(breaker.contains("circuit breaker `disputed`"), "{audit}");
    assert!(audit.notes().iter().any(|note| note.contains("nothing invalidates `search:{filter:hash}:{name:lower}`")));
    assert!(audit.notes().iter().any(|note| note.contains("`self` is not in the key of `it::keys::get_user`")));
}

#[cache_invalidate("unread:*")]
#[allow(dead_code)]
async fn invalidates_nothing() {}

#[cache_refresh("unseen:*")]
#[allow(dead_code)]
async fn expires_nothing() {}

#[cacheable(ttl = 60, key = "secret:{id}", erase)]
#[allow(dead_code)]
async fn secret(id: u64) -> u64 {
    id
}

#[cache_put(ttl = 60, key = "secret:{id}")]
#[allow(dead_code)]
async fn put_secret(id: u64) -> u64 {
    id
}

#[cache_put(ttl = 60, key = "secret:{id}", erase)]
#[allow(dead_code)]
async fn put_secret_that_is_erased(id: u64) -> u64 {
    id
}

#[cache_put(ttl = 60, key = "secret:{id}", tier = local)]
#[allow(dead_code)]
async fn put_secret_here(id: u64) -> u64 {
    id
}

/// A plain function stores nothing in Redis unless it names that tier.
#[cache_put(ttl = 60, key = "secret:{id}")]
#[allow(dead_code)]
fn put_secret_plainly(id: u64) -> u64 {
    id
}

struct Deep {
    pair: (u8, (u16, String)),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Sku(String);

impl std::fmt::Display for Sku {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sku {}", self.0)
    }
}

struct Wrapped(Deep);

impl Wrapped {
    #[cacheable(ttl = 60, key = "deep:{self.0.pair.1.0}:{deep.pair.1.1}:{x.1.0}", skip(origin))]
    fn deep(&self, deep: &Deep, x: (u8, (u8, u8)), origin: &Origin) -> u32 {
        origin.count() + u32::from(x.0)
    }
}

#[cacheable(ttl = 60, key = "sku:{sku}:{brief}", handle = skus_entry)]
fn by_sku(sku: &Sku, brief: Option<bool>) -> String {
    format!("{} {brief:?}", sku.0)
}

#[tokio::test]
async fn keys_take_fields_at_any_depth_and_types_that_only_display() {
    let (fast, origin) = (fresh(), Origin::default());
    let deep = |a, b, c: &str| Deep { pair: (a, (b, c.to_owned())) };
    with_cache_sync(&fast, || {
        let first = Wrapped(deep(1, 2, "x")).deep(&deep(3, 4, "y"), (5, (6, 7)), &origin);
        assert_eq!(
            Wrapped(deep(9, 2, "z")).deep(&deep(9, 9, "y"), (9, (6, 9)), &origin),
            first,
            "no named field differs"
        );
        for (own, other, x) in [(9, "y", 6), (2, "z", 6), (2, "y", 9)] {
            assert_ne!(Wrapped(deep(1, own, "x")).deep(&deep(3, 4, other), (5, (x, 7)), &origin), first);
        }
        let skus = ["", "1", "1:2", "*"].map(|sku| Sku(sku.to_owned()));
        for sku in skus.iter().chain(&skus) {
            for brief in [None, Some(true), Some(false)] {
                assert_eq!(by_sku(sku, brief), format!("{} {brief:?}", sku.0));
            }
        }
    });
    assert_eq!(skus_entry(&Sku("1:2".into()), &Some(true)).key().as_str(), "sku:sku 1%3A2:true");
    assert_eq!(origin.calls(), 4);
}

#[cacheable(ttl = 60, key = "mail:{address}")]
fn mailbox(address: &str) -> String {
    format!("of {address}")
}

#[cache_put(key = "mail:{address:lower}", ttl = 60)]
fn new_mailbox(address: &str) -> String {
    format!("new, of {address}")
}

#[tokio::test]
async fn keys_with_equal_texts_are_one_key() {
    with_cache_sync(&fresh(), || {
        mailbox("ada");
        new_mailbox("ADA");
        assert_eq!(mailbox("ada"), "new, of ADA");
        assert_eq!(mailbox("ADA"), "of ADA");
    });
}
