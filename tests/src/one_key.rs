//! Checks that direct calls and functions with one key share entries, on a cache with or without a shared tier.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::names::{entries, named, reached, tagged};
use fastness::key::{KeyNamespace, KeyPart, KeyWriter};
use fastness::{Cache, Fastness, cache_put, cacheable, with_cache, with_cache_sync};
use tokio::sync::Notify;

const MINUTE: Duration = Duration::from_secs(60);

/// An origin that counts its calls.
#[derive(Clone, Debug, Default)]
struct Origin {
    calls: Arc<AtomicU32>,
    /// Notified when a load begins, and awaited before it ends.
    begun: Arc<Notify>,
    gate: Arc<Notify>,
}

impl Origin {
    fn count(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Returns this value, and counts the call.
    fn answer<T>(&self, value: T) -> T {
        self.count();
        value
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn get(cache: &Cache, key: impl AsRef<str>) -> Option<u32> {
    cache.get(&named(key)).await
}

async fn set(cache: &Cache, key: impl AsRef<str>, value: u32) {
    cache.set(&named(key), value, MINUTE).await;
}

async fn loaded(cache: &Cache, key: &str, value: u32) -> u32 {
    cache.get_or_load(&named(key), MINUTE, async { Ok::<_, ()>(value) }).await.expect("it loads")
}

#[cacheable(ttl = 60, key = "visits:{id}", skip(origin))]
async fn visits(id: u32, origin: &Origin) -> u32 {
    origin.answer(1_000 + id)
}

/// Checks that direct calls find a function's value, whether it was stored before the first direct call or after.
pub async fn direct_calls_find_the_values_of_functions(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        visits(1, &origin).await;
        visits(2, &origin).await;
        assert_eq!(get(&cache, "visits:1").await, Some(1_001));
        visits(3, &origin).await;
        assert_eq!(get(&cache, "visits:3").await, Some(1_003));
        let found = cache.mget::<u32>(&["visits:3", "visits:9", "visits:2"].map(named)).await;
        assert_eq!(found, [Some(1_003), None, Some(1_002)]);
        assert_eq!(loaded(&cache, "visits:2", 0).await, 1_002, "there is nothing to load");
        assert_eq!(visits(2, &origin).await, 1_002);
        assert_eq!(origin.calls(), 3);
    })
    .await;
}

/// Checks that a value of a direct call is a hit of the function, and that both find it again: there is one entry.
pub async fn functions_find_the_values_of_direct_calls(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        set(&cache, "visits:1", 1).await;
        cache.mset(entries([("visits:2", 2_u32), ("visits:3", 3)]), MINUTE).await;
        assert_eq!(loaded(&cache, "visits:4", 4).await, 4);
        for _ in 0..2 {
            for id in 1..=4 {
                assert_eq!(visits(id, &origin).await, id);
                assert_eq!(get(&cache, &format!("visits:{id}")).await, Some(id));
            }
        }
        assert_eq!((origin.calls(), fast.stats().entries), (0, 4));
        let total = fast.stats().total;
        assert_eq!((total.misses, total.hits), (1, 16), "the load of `get_or_load` alone is none");
    })
    .await;
}

/// Checks that each way to store replaces the value that the other has stored.
pub async fn functions_and_direct_calls_replace_each_others_values(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        visits(1, &origin).await;
        set(&cache, "visits:1", 5).await;
        assert_eq!(visits(1, &origin).await, 5);
        set(&cache, "visits:1", 6).await;
        assert_eq!((visits(1, &origin).await, get(&cache, "visits:1").await), (6, Some(6)));
        store_visits(1, 7).await;
        assert_eq!((get(&cache, "visits:1").await, visits(1, &origin).await), (Some(7), 7));
        set(&cache, "visits:1", 8).await;
        assert_eq!((get(&cache, "visits:1").await, visits(1, &origin).await), (Some(8), 8));
        cache.set(&named("visits:1"), "text".to_owned(), MINUTE).await;
        assert_eq!((get(&cache, "visits:1").await, visits(1, &origin).await), (None, 1_001), "as another type");
        assert_eq!((origin.calls(), cache.get::<String>(&named("visits:1")).await.as_deref()), (2, Some("text")));
        assert_eq!(fast.stats().entries, 2);
    })
    .await;
}

#[cache_put(ttl = 60, key = "visits:{id}")]
async fn store_visits(id: u32, value: u32) -> u32 {
    let _ = id;
    value
}

/// Checks that invalidations by key, by prefix and of everything reach both.
pub async fn invalidations_reach_functions_and_direct_calls(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        for (n, pattern) in (1..).zip(["visits:1", "visits:*"]) {
            set(&cache, "visits:1", 1).await;
            assert_eq!(visits(1, &origin).await, 1);
            cache.invalidate(reached(pattern)).await;
            assert_eq!(get(&cache, "visits:1").await, None);
            assert_eq!((visits(1, &origin).await, origin.calls()), (1_001, n));
            assert_eq!(get(&cache, "visits:1").await, Some(1_001));
            cache.invalidate(reached(pattern)).await;
            assert_eq!(get(&cache, "visits:1").await, None, "the value that the function loaded");
            set(&cache, "visits:1", 2).await;
            cache.invalidate(reached(pattern)).await;
            assert_eq!((visits(1, &origin).await, origin.calls()), (1_001, n + 1), "the value that was only set");
            cache.invalidate(reached(pattern)).await;
            origin.calls.store(n, Ordering::SeqCst);
        }
        set(&cache, "visits:1", 3).await;
        visits(1, &origin).await;
        set(&cache, "visits:2", 3).await;
        fast.clear();
        assert_eq!((get(&cache, "visits:1").await, get(&cache, "visits:2").await), (None, None));
        assert_eq!(fast.stats().entries, 0);
    })
    .await;
}

#[cacheable(ttl = 60, key = "rate:{id}", stale = "1m", skip(origin))]
async fn rate(id: u32, origin: &Origin) -> u32 {
    if id > 0 {
        origin.gate.notified().await;
    }
    origin.count()
}

/// Checks that a refresh expires both, and that a value of a direct call may be served while the function loads.
pub async fn refreshes_reach_functions_and_direct_calls(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        set(&cache, "rate:0", 70).await;
        assert_eq!(rate(0, &origin).await, 70);
        cache.refresh(reached("rate:0")).await;
        assert_eq!(get(&cache, "rate:0").await, None);
        assert_eq!((rate(0, &origin).await, get(&cache, "rate:0").await), (1, Some(1)));
        set(&cache, "rate:1", 71).await;
        cache.refresh(reached("rate:*")).await;
        assert_eq!(get(&cache, "rate:1").await, None);
        let (loads, meanwhile) = tokio::join!(biased; rate(1, &origin), async {
            let meanwhile = rate(1, &origin).await;
            origin.gate.notify_one();
            meanwhile
        });
        assert_eq!((loads, meanwhile, get(&cache, "rate:1").await), (2, 71, Some(2)));
    })
    .await;
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "member:{id}", skip(origin))]
async fn member(id: u32, origin: &Origin) -> Option<u32> {
    origin.answer((id > 10).then_some(id))
}

/// Checks that a direct call does not find an absence, and that a value that is stored later replaces it.
pub async fn a_value_replaces_an_absence_that_direct_calls_do_not_find(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        assert_eq!((member(1, &origin).await, get(&cache, "member:1").await), (None, None));
        set(&cache, "member:1", 1).await;
        assert_eq!((member(1, &origin).await, get(&cache, "member:1").await), (Some(1), Some(1)));
        cache.invalidate(reached("member:1")).await;
        assert_eq!((member(1, &origin).await, origin.calls()), (None, 2));
        assert_eq!((get(&cache, "member:1").await, member(1, &origin).await), (None, None));
        assert_eq!((member(11, &origin).await, get(&cache, "member:11").await), (Some(11), Some(11)));
        assert_eq!(origin.calls(), 3);
    })
    .await;
}

#[cacheable(ttl = 60, key = "visits:{ids}", batch(ids), skip(origin))]
async fn many_visits(ids: &[u32], origin: &Origin) -> BTreeMap<u32, u32> {
    origin.answer(ids.iter().map(|id| (*id, 2_000 + id)).collect())
}

/// Checks that a batch loads only elements that neither it nor a direct call has stored.
pub async fn batches_share_entries_with_direct_calls(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        cache.mset(entries([("visits:1", 1_u32), ("visits:2", 2)]), MINUTE).await;
        let found = many_visits(&[1, 2, 3], &origin).await;
        assert_eq!(found, BTreeMap::from([(1, 1), (2, 2), (3, 2_003)]));
        let found = cache.mget::<u32>(&["visits:1", "visits:2", "visits:3"].map(named)).await;
        assert_eq!(found, [Some(1), Some(2), Some(2_003)]);
        assert_eq!((many_visits(&[3, 2, 1], &origin).await.len(), origin.calls(), fast.stats().entries), (3, 1, 3));
    })
    .await;
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "seats:{ids}", batch(ids), skip(origin))]
async fn many_seats(ids: &[u32], origin: &Origin) -> BTreeMap<u32, u32> {
    let _ = ids;
    origin.answer(BTreeMap::new())
}

/// Checks that a batch with `negative_ttl` finds a value that a direct call has stored since.
pub async fn batches_find_a_direct_value_that_is_newer_than_an_absence(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        assert_eq!(many_seats(&[7, 8], &origin).await, BTreeMap::new());
        let load = async { Ok::<_, Infallible>(9_u32) };
        assert_eq!(cache.get_or_load(&named("seats:7"), MINUTE, load).await, Ok(9));
        assert_eq!((many_seats(&[7, 8], &origin).await, origin.calls()), (BTreeMap::from([(7, 9)]), 1));
    })
    .await;
}

#[cacheable(ttl = 60, handle = squares_entry, skip(origin))]
async fn square(n: u32, origin: &Origin) -> u32 {
    origin.answer(n * n)
}

/// Checks that a handle's `get`, `put` and `key` concern the same entries, for a function without a `key` too.
pub async fn handles_share_entries_with_direct_calls(fast: &Fastness) {
    let (cache, origin, key) = (fast.cache(), Origin::default(), squares_entry(&3).key());
    with_cache(fast, async {
        set(&cache, &key, 5).await;
        assert_eq!((squares_entry(&3).get().await, square(3, &origin).await), (Some(5), 5));
        squares_entry(&3).put(6).await;
        assert_eq!((get(&cache, &key).await, square(3, &origin).await), (Some(6), 6));
        set(&cache, &key, 7).await;
        squares_entry(&3).refresh().await;
        assert_eq!((get(&cache, &key).await, square(3, &origin).await), (None, 9));
        squares_entry(&3).invalidate().await;
        assert_eq!(get(&cache, &key).await, None);
    })
    .await;
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Code(u32);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c:{}", self.0)
    }
}

struct Sku<'a>(u32, &'a str);

/// Displays its parts with a dash between them.
#[derive(Clone, PartialEq, Eq)]
struct OwnedSku(u32, String);

impl KeyPart for Sku<'_> {
    type Owned = OwnedSku;
    fn feed<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0, self.1).feed(state);
    }
    fn same(&self, owned: &OwnedSku) -> bool {
        self.0 == owned.0 && self.1 == owned.1
    }
    fn to_owned_part(&self) -> OwnedSku {
        OwnedSku(self.0, self.1.to_owned())
    }
    fn write(&self, out: &mut KeyWriter) {
        out.display(format_args!("{}-{}", self.0, self.1));
    }
}

impl KeyPart for OwnedSku {
    type Owned = Self;
    fn feed<H: std::hash::Hasher>(&self, state: &mut H) {
        Sku(self.0, &self.1).feed(state);
    }
    fn same(&self, owned: &Self) -> bool {
        self == owned
    }
    fn to_owned_part(&self) -> Self {
        self.clone()
    }
    fn write(&self, out: &mut KeyWriter) {
        Sku(self.0, &self.1).write(out);
    }
}

struct Tenant(&'static str);

impl KeyNamespace for Tenant {
    type Namespace<'a> = &'a str;
    fn key_namespace(&self) -> &str {
        self.0
    }
}

impl Tenant {
    #[cacheable(ttl = 60, key = "order:{id}")]
    async fn order(&self, id: u32) -> u32 {
        id
    }
}

macro_rules! kinds {
    ($($name:ident $handle:ident $key:literal: $ty:ty;)*) => {$(
        #[cacheable(ttl = 60, key = $key, handle = $handle)]
        async fn $name(x: $ty) -> u32 {
            let _ = x;
            1
        }
    )*};
}

kinds! {
    text text_entry "text:{x}": &str;
    lower lower_entry "lower:{x:lower}": &str;
    digest digest_entry "digest:{x:hash}": &(u32, String);
    bytes bytes_entry "bytes:{x}": &[u8];
    maybe maybe_entry "maybe:{x}": Option<(i8, Option<i8>)>;
    list list_entry "list:{x}": &[(u8, Option<String>)];
    shown shown_entry "shown:{x}": Code;
    shown_list shown_list_entry "shown_list:{x}": &[Option<Code>];
    float float_entry "float:{x}": f64;
    sku sku_entry "sku:{x}:of": Sku<'_>;
    time time_entry "time:{x}": Duration;
    network network_entry "network:{x}": std::net::Ipv4Addr;
}

/// Checks that entries with arguments of every kind are found by the text of their key, also where the entry stores a digest.
pub async fn keys_of_all_kinds_are_found_by_their_text(fast: &Fastness) {
    let (cache, long) = (fast.cache(), "x".repeat(600));
    let sku = || Sku(7, "a:b");
    let names = [
        text_entry("a:b*%\n").key(),
        text_entry("").key(),
        text_entry(&long).key(),
        lower_entry("ÄB").key(),
        digest_entry(&(1, "one".to_owned())).key(),
        bytes_entry(b"bytes").key(),
        bytes_entry(long.as_bytes()).key(),
        maybe_entry(&Some((-1, None))).key(),
        maybe_entry(&None).key(),
        list_entry(&[(1, None), (2, Some("b".to_owned()))]).key(),
        shown_entry(&Code(7)).key(),
        shown_list_entry(&[None, Some(Code(7))]).key(),
        float_entry(&0.5).key(),
        sku_entry(&sku()).key(),
        time_entry(&MINUTE).key(),
        network_entry(&[127, 0, 0, 1].into()).key(),
        named("@acme:order:7"),
    ];
    let call = async || {
        with_cache(fast, async {
            let shown = [None, Some(Code(7))];
            [
                text("a:b*%\n").await,
                text("").await,
                text(&long).await,
                lower("äb").await,
                digest(&(1, "one".to_owned())).await,
                bytes(b"bytes").await,
                bytes(long.as_bytes()).await,
                maybe(Some((-1, None))).await,
                maybe(None).await,
                list(&[(1, None), (2, Some("b".to_owned()))]).await,
                self::shown(Code(7)).await,
                shown_list(&shown).await,
                float(0.5).await,
                self::sku(sku()).await,
                time(MINUTE).await,
                network([127, 0, 0, 1].into()).await,
                Tenant("acme").order(7).await,
            ]
        })
        .await
    };
    let stored = call().await;
    for (name, value) in names.iter().zip(stored) {
        assert_eq!(get(&cache, name).await, Some(value), "{name}");
    }
    assert_eq!(get(&cache, "@other:order:7").await, None);
    assert_eq!(get(&cache, "order:7").await, None);
    for (name, value) in names.iter().zip(100..) {
        set(&cache, name, value).await;
    }
    assert!(call().await.into_iter().eq(100..117), "each function finds what was set");
    assert_eq!(fast.stats().entries, 17);
}

#[cacheable(ttl = 60, key = "visits:{id}", version = 2)]
async fn visits_anew(id: u32) -> u32 {
    id
}

#[cacheable(ttl = 60, key = "visits:{id}")]
async fn as_text(id: u32) -> String {
    id.to_string()
}

#[cacheable(ttl = 60, key = "visits:{id}")]
async fn generic<T: Default + Clone + Send + Sync + 'static>(id: u32) -> u32 {
    let _ = T::default();
    id
}

/// Checks that versions, types of values, instantiations and caches do not share entries.
pub async fn entries_that_differ_in_the_shared_tier_differ_in_the_process(fast: &Fastness, other: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        assert_eq!((visits_anew(1).await, as_text(1).await.as_str(), generic::<u8>(1).await), (1, "1", 1));
        assert_eq!(get(&cache, "visits:1").await, None);
        assert_eq!(cache.get::<String>(&named("visits:1")).await.as_deref(), Some("1"));
        set(&cache, "visits:2", 50).await;
        assert_eq!((visits_anew(2).await, as_text(2).await.as_str(), generic::<u8>(2).await), (2, "2", 2));
        assert_eq!(visits(2, &origin).await, 50);
    })
    .await;
    assert_eq!(get(&other.cache(), "visits:2").await, None);
    assert_eq!(with_cache(other, visits(2, &origin)).await, 1_002);
}

#[cacheable(ttl = 60, key = "visits:{id}", skip(origin))]
async fn wide_visits(id: u64, origin: &Origin) -> u32 {
    origin.answer(3_000 + u32::try_from(id).unwrap())
}

/// Checks that functions whose arguments have other types share entries with the same direct calls.
pub async fn several_functions_share_an_entry_with_one_direct_call(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        set(&cache, "visits:1", 1).await;
        assert_eq!((visits(1, &origin).await, wide_visits(1, &origin).await), (1, 1));
        set(&cache, "visits:1", 2).await;
        assert_eq!((wide_visits(1, &origin).await, visits(1, &origin).await), (2, 2));
        assert_eq!((get(&cache, "visits:1").await, origin.calls()), (Some(2), 0));
        store_visits(1, 3).await;
        assert_eq!((get(&cache, "visits:1").await, wide_visits(1, &origin).await), (Some(3), 3));
    })
    .await;
}

#[cacheable(ttl = 60, key = "place:{id}", tier = local, skip(origin))]
async fn nearby(id: u32, origin: &Origin) -> u32 {
    origin.answer(id)
}

#[cacheable(ttl = 60, key = "place:{id}", tier = local, skip(origin))]
fn nearby_sync(id: u32, origin: &Origin) -> u32 {
    origin.answer(id)
}

/// Checks that functions of the local tier alone, and functions without `tier`, share entries with direct calls in their process.
pub async fn functions_of_the_local_tier_share_entries_with_direct_calls(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    assert_eq!(with_cache(fast, nearby(1, &origin)).await, 1);
    assert_eq!(get(&cache, "place:1").await, Some(1));
    set(&cache, "place:1", 10).await;
    set(&cache, "place:2", 20).await;
    assert_eq!(with_cache(fast, nearby(1, &origin)).await, 10);
    assert_eq!(with_cache_sync(fast, || nearby_sync(2, &origin)), 20);
    assert_eq!(origin.calls(), 1);
}

#[cacheable(ttl = 60, key = "seat:{id}", tier = shared, skip(origin))]
async fn faraway(id: u32, origin: &Origin) -> u32 {
    origin.answer(id)
}

/// Checks that direct calls find the values of a function of the shared tier, and that a value which they set is a hit of the function.
pub async fn functions_of_the_shared_tier_share_entries_with_direct_calls(fast: &Fastness, stored: impl AsyncFn(u64)) {
    let (cache, origin) = (fast.cache(), Origin::default());
    assert_eq!(with_cache(fast, faraway(1, &origin)).await, 1);
    stored(1).await;
    assert_eq!(get(&cache, "seat:1").await, Some(1));
    set(&cache, "seat:1", 10).await;
    stored(2).await;
    assert_eq!((with_cache(fast, faraway(1, &origin)).await, origin.calls()), (10, 1));
}

#[cacheable(ttl = 60, key = "slow:{id}", skip(origin))]
async fn slow(id: u32, origin: &Origin) -> u32 {
    let number = origin.count();
    origin.begun.notify_one();
    origin.gate.notified().await;
    id + number
}

/// Checks that of two loads the value of the later one stays, whether a direct call or a function made it.
pub async fn the_newest_load_wins(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    let gate = Notify::new();
    let open = async || {
        origin.begun.notify_one();
        gate.notified().await;
        Ok::<_, ()>(70)
    };
    with_cache(fast, async {
        // The function began first and ends last.
        let (own, ()) = tokio::join!(biased; slow(20, &origin), async {
            origin.begun.notified().await;
            assert_eq!(loaded(&cache, "slow:20", 60).await, 60);
            origin.gate.notify_one();
        });
        assert_eq!(own, 21, "its own caller gets it");
        assert_eq!((get(&cache, "slow:20").await, slow(20, &origin).await), (Some(60), 60));
        // The direct call began first and ends last.
        let key = named("slow:30");
        let (own, ()) = tokio::join!(biased; cache.get_or_load(&key, MINUTE, open()), async {
            origin.begun.notified().await;
            origin.gate.notify_one();
            slow(30, &origin).await;
            gate.notify_one();
        });
        assert_eq!(own, Ok(70), "its own caller gets it");
        let newer = slow(30, &origin).await;
        assert!(newer < 70 && get(&cache, "slow:30").await == Some(newer));
    })
    .await;
}

/// Checks that a value that is set while a function loads is not replaced by the value of that load.
pub async fn a_value_that_is_set_while_a_function_loads_stays(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        let (own, ()) = tokio::join!(biased; slow(1, &origin), async {
            origin.begun.notified().await;
            set(&cache, "slow:1", 100).await;
            origin.gate.notify_one();
        });
        assert_eq!((own, slow(1, &origin).await, get(&cache, "slow:1").await), (2, 100, Some(100)));
    })
    .await;
}

#[cacheable(ttl = 60, key = "city:{id}", tags = ["region:{region}"], skip(region, origin))]
async fn city(id: u32, region: u32, origin: &Origin) -> u32 {
    let _ = region;
    origin.answer(id)
}

/// Checks that a function's tags concern the values that it stored, and those that it took over from a direct call.
pub async fn tags_concern_the_values_of_functions(fast: &Fastness) {
    let (cache, origin) = (fast.cache(), Origin::default());
    with_cache(fast, async {
        assert_eq!((city(1, 1, &origin).await, get(&cache, "city:1").await), (1, Some(1)));
        set(&cache, "city:2", 20).await;
        assert_eq!(city(2, 1, &origin).await, 20);
        cache.invalidate(tagged("region:1")).await;
        assert_eq!((city(1, 1, &origin).await, city(2, 1, &origin).await, origin.calls()), (1, 2, 3));
    })
    .await;
}
