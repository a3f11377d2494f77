//! The keys of one function, for an inspector.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bytes::Bytes;
use fastness::http::CacheLayer;
use fastness::key::{KeyInfo, KeyNamespace};
use fastness::{Fastness, cacheable, with_cache, with_cache_sync};
use fastness_tests::names::reached;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt};

use crate::{fresh, timed};

/// A value that no codec knows.
#[derive(Clone)]
struct Page(#[allow(dead_code)] Arc<dyn Fn() + Send + Sync>);

struct Pages {
    tenant: &'static str,
}

impl KeyNamespace for Pages {
    type Namespace<'a> = &'a str;
    fn key_namespace(&self) -> &str {
        self.tenant
    }
}

impl Pages {
    #[cacheable(ttl = 60, jitter = 0.0, key = "page:{id}")]
    async fn page(&self, id: u64) -> Page {
        let _ = id;
        Page(Arc::new(|| {}))
    }
}

#[cacheable(ttl = forever, negative_ttl = 5, key = "word:{text}", capacity = 3)]
fn word(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cacheable(ttl = forever, capacity = 1_000_000)]
fn number(n: u32) -> u32 {
    n
}

fn texts(keys: &[KeyInfo]) -> Vec<&str> {
    keys.iter().map(|info| info.key.as_str()).collect()
}

#[tokio::test]
async fn keys_of_a_method_have_their_age_their_ttl_and_their_heat() {
    let (fast, clock) = timed();
    let pages = Pages { tenant: "acme" };
    with_cache(&fast, async {
        pages.page(1).await;
        clock.advance(Duration::from_secs(10));
        pages.page(2).await;
        for _ in 0..5 {
            pages.page(1).await;
        }
    })
    .await;
    let page = fast.function("Pages::page").unwrap();
    let before = fast.stats();
    let keys = page.keys(10);
    assert_eq!((texts(&keys.keys), keys.is_complete), (vec!["@acme:page:1", "@acme:page:2"], true));
    let figures: Vec<_> = keys.keys.iter().map(|info| (info.heat, info.age.as_secs(), info.ttl_left)).collect();
    let left = |secs| Some(Duration::from_secs(secs));
    assert_eq!(figures, [(3, 10, left(50)), (0, 0, left(60))]);
    assert_eq!(fast.stats().total, before.total, "a list counts no call");
    assert_eq!(texts(&page.keys(10).keys), texts(&keys.keys), "and heats nothing");
    fast.cache().invalidate(&keys.keys[0].key).await;
    assert_eq!(texts(&page.keys(10).keys), ["@acme:page:2"], "a key from the list is one to invalidate");
    fast.cache().refresh(reached("@acme:page:*")).await;
    assert_eq!(page.keys(10).keys[0].ttl_left, left(0));
    clock.advance(Duration::from_secs(61));
    assert!(page.keys(10).keys.is_empty(), "expired");
}

#[test]
fn absences_and_evicted_entries_are_told_apart_from_values() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        word("");
        for text in ["a", "b:c", "d", "e", "f"] {
            word(text);
        }
    });
    let keys = fast.function("key_list::word").unwrap().keys(10);
    let negative: Vec<_> = keys.keys.iter().filter(|info| info.is_negative).map(|info| info.key.as_str()).collect();
    assert_eq!(negative.len(), 1);
    assert_eq!(keys.keys.len(), 1 + 3, "{keys:?}");
    assert!(keys.keys.iter().all(|info| info.is_negative || info.ttl_left.is_none()), "without an expiry");
}

#[test]
fn a_list_is_bounded_says_so_and_lists_direct_entries_too() {
    let fast = fresh();
    with_cache_sync(&fast, || (0..100).for_each(|n| assert_eq!(number(n), n)));
    let function = fast.function("key_list::number").unwrap();
    for (limit, listed, is_complete) in [(0, 0, false), (99, 99, false), (100, 100, true), (usize::MAX, 100, true)] {
        let keys = function.keys(limit);
        assert_eq!((keys.keys.len(), keys.is_complete), (listed, is_complete));
    }
    fast.clear();
    let keys = function.keys(10);
    assert!(keys.keys.is_empty() && keys.is_complete);
}

/// Calls go on while a million keys are listed.
#[test]
fn a_million_keys_are_listed_while_others_are_stored() {
    let fast = fresh();
    let store = |fast: &Fastness, from: u32, to: u32| {
        with_cache_sync(fast, || (from..to).for_each(|n| assert_eq!(number(n), n)));
    };
    store(&fast, 0, 900_000);
    let (function, done) = (fast.function("key_list::number").unwrap(), AtomicBool::new(false));
    std::thread::scope(|threads| {
        let lists = threads.spawn(|| {
            let mut lists = 0;
            while !done.load(SeqCst) || lists < 2 {
                let keys = function.keys(100);
                assert_eq!((keys.keys.len(), keys.is_complete), (100, false));
                lists += 1;
            }
        });
        store(&fast, 900_000, 950_000);
        done.store(true, SeqCst);
        lists.join().unwrap();
    });
    assert_eq!(function.keys(usize::MAX).keys.len(), 950_000);
}

#[tokio::test]
async fn stored_responses_are_listed_and_can_be_invalidated() {
    let (fast, clock) = timed();
    let layer = CacheLayer::new().on(&fast).default_ttl(Duration::from_secs(60));
    let answer = async |_: Request<Full<Bytes>>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"page"))))
    };
    let service = ServiceBuilder::new().layer(layer).service(tower::service_fn(answer));
    for path in ["/a?page=1", "/b"] {
        let request = Request::get(format!("http://shop{path}")).body(Full::default()).unwrap();
        service.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    }
    clock.advance(Duration::from_secs(20));
    let list = || fast.function("http").unwrap().keys(10);
    let listed = list();
    assert!(listed.is_complete && listed.keys.len() == 2, "{listed:?}");
    for (path, info) in ["/a", "/b"].into_iter().zip({
        let mut all = listed.keys.clone();
        all.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        all
    }) {
        assert!(info.key.as_str().starts_with("http:") && info.key.as_str().contains(path), "{info:?}");
        assert_eq!((info.age.as_secs(), info.ttl_left.map(|left| left.as_secs())), (20, Some(40)));
    }
    fast.cache().invalidate(&listed.keys[0].key).await;
    assert_eq!(texts(&list().keys), [listed.keys[1].key.as_str()], "a key from the list is one to invalidate");
}

#[cacheable(ttl = 60, key = "line:{length}")]
fn line(length: usize) -> String {
    "-".repeat(length)
}

#[cacheable(ttl = 60, key = "count:{length}")]
fn count(length: usize) -> Vec<u64> {
    vec![0; length]
}

#[cacheable(ttl = 60, key = "weighed:{length}", weigh = |numbers: &Vec<u64>| numbers.len() * 8)]
fn weighed(length: usize) -> Vec<u64> {
    vec![0; length]
}

#[test]
fn the_largest_entries_come_first_and_a_size_of_the_type_is_marked() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for length in [100, 10_000, 1_000] {
            drop((line(length), count(length), weighed(length), number(1)));
        }
        line(100);
    });
    let largest = |name: &str, limit| fast.function(name).unwrap().largest_keys(limit);
    let lines = largest("key_list::line", 2);
    assert_eq!((texts(&lines.keys), lines.is_complete), (vec!["line:10000", "line:1000"], false));
    assert!(lines.keys[1].bytes > 1_000 && !lines.keys[1].is_size_of_type);
    let counts = largest("key_list::count", 10).keys;
    assert!(counts.iter().all(|info| info.is_size_of_type && info.bytes < 800), "{counts:?}");
    let weighed = largest("key_list::weighed", 10).keys;
    assert_eq!(texts(&weighed), ["weighed:10000", "weighed:1000", "weighed:100"]);
    assert!(weighed.iter().all(|info| !info.is_size_of_type) && weighed[0].bytes > 80_000, "{weighed:?}");
    assert!(!largest("key_list::number", 1).keys[0].is_size_of_type, "a number has no more than its type");
}
