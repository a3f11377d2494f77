//! Turning the cache, or one function, off and on while the program runs.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use fastness::http::CacheLayer;
use fastness::metrics::prometheus;
use fastness::monitor::Monitor;
use fastness::{cache_invalidate, cache_put, cacheable, with_cache, with_cache_sync};
use tokio::task::{JoinSet, yield_now};
use tower::{Layer, ServiceExt, service_fn};

use crate::fresh;
use crate::origin::{MINUTE, Origin};
use fastness_tests::names::named;

#[cacheable(ttl = 60, key = "stock:{id}", skip(origin))]
async fn stock(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cacheable(ttl = 60, key = "price:{id}", skip(origin))]
fn price(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cacheable(ttl = 60, key = "stock:{ids}", batch(ids), skip(origin))]
async fn stocks(origin: &Origin, ids: &[u32]) -> HashMap<u32, u32> {
    let call = origin.count();
    ids.iter().map(|id| (*id, call)).collect()
}

#[cache_put(key = "stock:{id}", ttl = 60)]
async fn count_stock(id: u32, counted: u32) -> u32 {
    let _ = id;
    counted
}

#[cache_invalidate("stock:{id}")]
async fn sell(id: u32) {}

#[cacheable(ttl = 60, key = "parsed:{text}")]
async fn parsed<T: std::str::FromStr + Clone + Send + Sync + 'static>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[tokio::test]
async fn what_was_invalidated_meanwhile_is_not_served_afterwards() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((stock(&origin, 7).await, stock(&origin, 8).await, price(&origin, 7)), (1, 2, 3));
        fast.set_enabled(false);
        assert!(!fast.is_enabled() && fast.stats().disabled);
        assert_eq!((stock(&origin, 7).await, price(&origin, 7)), (4, 5));
        sell(7).await;
        assert_eq!(stock(&origin, 7).await, 6);
        assert_eq!(fast.stats().entries, 2, "the others stay");
        fast.set_enabled(true);
        assert_eq!((stock(&origin, 7).await, stock(&origin, 8).await, price(&origin, 7)), (7, 2, 3));
    })
    .await;
    let stats = fast.stats();
    assert_eq!((stats.total.bypassed, stats.total.loads, stats.total.hits, stats.disabled), (3, 4, 2, false));
}

#[tokio::test]
async fn no_kind_of_call_reads_or_stores_while_it_is_off() {
    let (fast, origin, key) = (fresh(), Origin::default(), named("direct:1"));
    let cache = fast.cache();
    with_cache(&fast, async {
        cache.set(&key, 1_u32, MINUTE).await;
        stock(&origin, 1).await;
        fast.set_enabled(false);
        assert_eq!(stocks(&origin, &[1, 2]).await, HashMap::from([(1, 2), (2, 2)]));
        count_stock(3, 30).await;
        assert_eq!(
            (cache.get::<u32>(&key).await, cache.mget::<u32>(std::slice::from_ref(&key)).await),
            (None, vec![None])
        );
        cache.set(&named("direct:2"), 2_u32, MINUTE).await;
        assert_eq!(cache.get_or_load(&key, MINUTE, async { Ok::<_, ()>(3_u32) }).await, Ok(3));
        assert_eq!(fastness::reload(stock(&origin, 1)).await, 3, "a reload stores nothing either");
        fast.set_enabled(true);
        assert_eq!((cache.get::<u32>(&key).await, cache.get::<u32>(&named("direct:2")).await), (Some(1), None));
        assert_eq!(stocks(&origin, &[1, 2, 3]).await, HashMap::from([(1, 1), (2, 4), (3, 4)]));
    })
    .await;
    assert_eq!(fast.stats().total.bypassed, 6);
}

#[tokio::test]
async fn one_function_is_turned_off_by_its_name() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        let off = fast.function("turned_off::stock").unwrap();
        off.set_enabled(false);
        assert!(!off.is_enabled() && fast.is_enabled());
        assert_eq!(
            (stock(&origin, 7).await, stock(&origin, 7).await),
            (1, 2),
            "before its first call, with a registry"
        );
        assert_eq!((price(&origin, 7), price(&origin, 7)), (3, 3));
        let sites = fast.stats().sites;
        let disabled = sites.iter().filter(|site| site.disabled).map(|site| (&*site.name, site.stats.bypassed));
        assert_eq!(disabled.collect::<Vec<_>>(), [("it.turned_off.stock", 2)]);
        assert!(prometheus(&fast).contains("fastness_cache_disabled{function=\"it.turned_off.stock\"} 1\n"));
        assert!(prometheus(&fast).contains("fastness_cache_disabled{function=\"it.turned_off.price\"} 0\n"));
        fast.function("it.turned_off.stock").unwrap().set_enabled(true);
        assert!(off.is_enabled());
        assert_eq!((stock(&origin, 7).await, stock(&origin, 7).await), (4, 4));
    })
    .await;
}

#[tokio::test]
async fn a_generic_function_is_one() {
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!((parsed::<u8>("7").await, parsed::<u16>("7").await), (Some(7), Some(7)));
        let name = fast.stats().sites[0].name.clone();
        let function = fast.function(&name).unwrap();
        assert_eq!(function.name(), fast.function("turned_off.parsed").unwrap().name(), "{name}");
        function.set_enabled(false);
        assert_eq!((parsed::<u8>("7").await, parsed::<u16>("7").await), (Some(7), Some(7)));
    })
    .await;
    assert_eq!((fast.stats().total.bypassed, fast.stats().total.hits), (2, 0));
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_nearest() {
    let error = fresh().function("turned_of.stok").unwrap_err();
    assert!(error.is_unknown_function());
    assert!(error.to_string().contains("the nearest are `it.turned_off.stock`"), "{error}");
}

#[test]
fn other_handles_are_not_concerned() {
    let (fast, other, origin) = (fresh(), fresh(), Origin::default());
    fast.set_enabled(false);
    for expected in [1, 1] {
        assert_eq!(with_cache_sync(&other, || price(&origin, 7)), expected);
    }
    drop(fast);
    assert_eq!(with_cache_sync(&other, || price(&origin, 7)), 1);
    assert_eq!(other.stats().total.bypassed, 0);
}

/// A value of which each change is invalidated.
#[derive(Default)]
struct Changing(AtomicU32);

#[cacheable(ttl = 60, key = "changing:{id}", skip(row))]
async fn changing(row: &Changing, id: u32) -> u32 {
    let (_, value) = (id, row.0.load(SeqCst));
    yield_now().await;
    value
}

#[cache_invalidate("changing:{id}")]
async fn change(row: &Changing, id: u32) -> u32 {
    row.0.fetch_add(1, SeqCst) + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn turning_it_under_load_serves_no_old_value_and_every_call_is_counted() {
    let (fast, row) = (fresh(), Arc::new(Changing::default()));
    let (mut readers, committed) = (JoinSet::new(), Arc::new(AtomicU32::new(0)));
    for _ in 0..4 {
        let (fast, row, committed) = (fast.clone(), row.clone(), committed.clone());
        readers.spawn(async move {
            for _ in 0..2_000 {
                let before = committed.load(SeqCst);
                let value = with_cache(&fast, changing(&row, 7)).await;
                assert!(value >= before, "{value} was read after {before} was invalidated");
            }
        });
    }
    with_cache(&fast, async {
        changing(&row, 8).await;
        let function = fast.function("turned_off.changing").unwrap();
        function.set_enabled(false);
        changing(&row, 8).await;
        function.set_enabled(true);
        for round in 0_u32.. {
            committed.store(change(&row, 7).await, SeqCst);
            match round % 8 {
                0 => fast.set_enabled(false),
                2 => fast.set_enabled(true),
                4 => function.set_enabled(false),
                6 => function.set_enabled(true),
                _ => {}
            }
            yield_now().await;
            if let Some(reader) = readers.try_join_next() {
                reader.unwrap();
                break;
            }
        }
    })
    .await;
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
    let stats = fast.stats().total;
    assert_eq!(stats.calls(), 4 * 2_000 + 2, "{stats:?}");
    assert!(stats.bypassed > 0 && stats.loads > 0, "{stats:?}");
}

#[tokio::test]
async fn so_is_the_http_cache() {
    let (fast, calls) = (fresh(), Arc::<Origin>::default());
    let counted = calls.clone();
    let handler = service_fn(move |_: Request<Body>| {
        let body = counted.count().to_string();
        async move {
            Ok::<_, Infallible>(
                Response::builder().header("cache-control", "max-age=60").body(Body::from(body)).unwrap(),
            )
        }
    });
    let service = CacheLayer::new().on(&fast).layer(handler);
    let status = async || {
        let request = Request::get("/list").header("host", "shop").body(Body::empty()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        to_bytes(Body::new(body), 1_000).await.unwrap();
        head.headers["cache-status"].to_str().unwrap().split(';').nth(1).unwrap().trim().to_owned()
    };
    assert_eq!((status().await, status().await), ("fwd=uri-miss".to_owned(), "hit".to_owned()));
    fast.function("http").unwrap().set_enabled(false);
    assert_eq!((status().await, calls.calls()), ("fwd=bypass".to_owned(), 2));
    fast.function("http").unwrap().set_enabled(true);
    fast.set_enabled(false);
    assert_eq!((status().await, calls.calls()), ("fwd=bypass".to_owned(), 3));
    fast.set_enabled(true);
    assert_eq!((status().await, calls.calls()), ("hit".to_owned(), 3));
    assert_eq!(fast.stats().total.bypassed, 2);
}

#[tokio::test]
async fn the_performance_report_shows_it() {
    let (fast, origin) = (fresh(), Origin::default());
    let monitor = Monitor::builder().cache(&fast).build().unwrap();
    with_cache(&fast, stock(&origin, 7)).await;
    monitor.sample().await;
    fast.function("turned_off.stock").unwrap().set_enabled(false);
    monitor.sample().await;
    let report = monitor.performance().unwrap();
    let sites: Vec<_> = report.cache.sites.iter().map(|site| (&*site.name, site.disabled)).collect();
    assert_eq!((sites, report.cache.disabled), (vec![("it.turned_off.stock", true)], false), "without any call of it");
    fast.set_enabled(false);
    monitor.sample().await;
    assert!(monitor.performance().unwrap().cache.disabled);
}
