//! `previous(old)` and `Cache::get_or_reload`: loads that get the value that they replace, and may return it again.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastness::resilience::TimedOut;
use fastness::{
    Key, LoadTimeout, bypass, cache_invalidate, cache_put, cache_refresh, cacheable, hedge, reload, retry, timeout,
    with_cache, with_cache_sync,
};
use fastness_tests::names::tagged;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::origin::{MINUTE, SECOND, just_before};
use crate::{fresh, poll_once, timed};

const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug, PartialEq)]
struct Page {
    etag: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct Down;

impl From<LoadTimeout> for Down {
    fn from(_: LoadTimeout) -> Self {
        Self
    }
}

type Answer = Result<Option<Arc<Page>>, Down>;

/// An origin that returns the caller's own page if it is the newest, as one that answers "not modified" does. It notes the pages that
/// callers had.
#[derive(Default)]
struct Server {
    etag: AtomicU32,
    is_down: AtomicBool,
    is_gone: AtomicBool,
    is_shut: AtomicBool,
    is_broken: AtomicBool,
    gate: Notify,
    had: Mutex<Vec<Option<u32>>>,
}

impl Server {
    fn answer(&self, old: Option<Arc<Page>>) -> Answer {
        self.had.lock().unwrap().push(old.as_ref().map(|page| page.etag));
        let etag = self.etag.load(SeqCst);
        match old {
            _ if self.is_down.load(SeqCst) => Err(Down),
            _ if self.is_gone.load(SeqCst) => Ok(None),
            Some(same) if same.etag == etag => Ok(Some(same)),
            _ => Ok(Some(Arc::new(Page { etag }))),
        }
    }

    async fn get(&self, old: Option<Arc<Page>>) -> Answer {
        let answer = self.answer(old);
        assert!(!self.is_broken.load(SeqCst), "on purpose");
        if self.is_shut.load(SeqCst) {
            self.gate.notified().await;
        }
        answer
    }

    /// The etags that callers had since the last question, in order; `None` for one that had no page.
    fn had(&self) -> Vec<Option<u32>> {
        std::mem::take(&mut *self.had.lock().unwrap())
    }

    fn change(&self) -> u32 {
        self.etag.fetch_add(1, SeqCst) + 1
    }
}

fn etag(answer: &Answer) -> Option<u32> {
    Some(answer.as_ref().ok()?.as_ref()?.etag)
}

#[cacheable(ttl = 60, jitter = 0, early = off, negative_ttl = 60, previous(old), keep_expired = "1h", key = "page:{id}", handle = pages, skip(server))]
async fn page(server: &Server, id: u32) -> Answer {
    let _ = id;
    server.get(old).await
}

#[cache_invalidate("page:{id}")]
async fn remove(id: u32) {
    let _ = id;
}

#[cache_refresh("page:{id}")]
async fn expire(id: u32) {
    let _ = id;
}

#[cache_put(key = "page:{id}", ttl = 60)]
async fn write(id: u32, etag: u32) -> Answer {
    let _ = id;
    Ok(Some(Arc::new(Page { etag })))
}

#[tokio::test]
async fn a_value_that_is_returned_again_begins_a_new_lifetime_and_is_not_copied() {
    let ((fast, clock), server) = (timed(), Server::default());
    with_cache(&fast, async {
        let first = page(&server, 7).await.unwrap().unwrap();
        clock.advance(MINUTE);
        let again = page(&server, 7).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again), "not modified");
        clock.advance(just_before(MINUTE));
        let hit = page(&server, 7).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &hit));
        assert_eq!(server.had(), [None, Some(0)], "a load with nothing, and one with the expired page");
        server.change();
        clock.advance(SECOND);
        assert_eq!(etag(&page(&server, 7).await), Some(1));
        assert_eq!(etag(&page(&server, 8).await), Some(1));
        assert_eq!(server.had(), [Some(0), None], "another key has nothing");
    })
    .await;
    assert_eq!(fast.stats().total.loads, 4, "each is a load");
}

#[tokio::test]
async fn an_expired_value_is_given_for_as_long_as_it_is_kept_and_served_to_no_caller() {
    let ((fast, clock), server) = (timed(), Server::default());
    with_cache(&fast, async {
        page(&server, 7).await.unwrap();
        clock.advance(just_before(MINUTE + HOUR));
        server.is_down.store(true, SeqCst);
        assert_eq!(page(&server, 7).await, Err(Down), "it replaces no error");
        assert_eq!(pages(&7).get().await, None);
        server.is_down.store(false, SeqCst);
        page(&server, 7).await.unwrap();
        assert_eq!(server.had(), [None, Some(0), Some(0)], "the load that failed took nothing away");
        clock.advance(MINUTE + HOUR);
        page(&server, 7).await.unwrap();
        assert_eq!(server.had(), [None]);
    })
    .await;
}

#[tokio::test]
async fn a_refreshed_value_is_given_and_an_invalidated_or_replaced_one_never() {
    let (fast, server) = (fresh(), Server::default());
    with_cache(&fast, async {
        page(&server, 7).await.unwrap();
        expire(7).await;
        page(&server, 7).await.unwrap();
        assert_eq!(server.had(), [None, Some(0)]);
        remove(7).await;
        page(&server, 7).await.unwrap();
        expire(7).await;
        remove(7).await;
        page(&server, 7).await.unwrap();
        remove(7).await;
        expire(7).await;
        page(&server, 7).await.unwrap();
        fast.clear();
        page(&server, 7).await.unwrap();
        assert_eq!(server.had(), [None; 4]);

        write(7, 50).await.unwrap();
        expire(7).await;
        assert_eq!((etag(&page(&server, 7).await), server.had()), (Some(0), vec![Some(50)]), "what was put");
        server.is_gone.store(true, SeqCst);
        expire(7).await;
        assert_eq!(page(&server, 7).await, Ok(None));
        expire(7).await;
        assert_eq!(page(&server, 7).await, Ok(None));
        assert_eq!(server.had(), [Some(0), None], "the absence has replaced it");
    })
    .await;
}

/// The load has the old value when the invalidation comes: the caller of that load gets it, as it began before, and no later one.
#[tokio::test]
async fn an_old_value_that_is_invalidated_during_the_load_goes_to_no_later_caller() {
    for is_changed in [false, true] {
        let (fast, server) = (fresh(), Server::default());
        with_cache(&fast, async {
            page(&server, 7).await.unwrap();
            expire(7).await;
            server.is_shut.store(true, SeqCst);
            let mut load = pin!(page(&server, 7));
            assert!(poll_once(load.as_mut()).await.is_none());
            if is_changed {
                server.change();
            }
            remove(7).await;
            let mut later = pin!(page(&server, 7));
            assert!(poll_once(later.as_mut()).await.is_none(), "it does not join that load");
            server.is_shut.store(false, SeqCst);
            server.gate.notify_waiters();
            assert_eq!(etag(&load.await), Some(0));
            assert_eq!(etag(&later.await), Some(u32::from(is_changed)));
            assert_eq!(etag(&page(&server, 7).await), Some(u32::from(is_changed)));
            assert_eq!(server.had(), [None, Some(0), None], "the later load had no old value");
        })
        .await;
    }
}

#[tokio::test]
async fn an_old_value_that_is_returned_after_its_invalidation_is_not_stored() {
    let (fast, server) = (fresh(), Server::default());
    with_cache(&fast, async {
        page(&server, 7).await.unwrap();
        expire(7).await;
        server.is_shut.store(true, SeqCst);
        let mut load = pin!(page(&server, 7));
        assert!(poll_once(load.as_mut()).await.is_none());
        remove(7).await;
        server.is_shut.store(false, SeqCst);
        server.gate.notify_waiters();
        assert_eq!(etag(&load.await), Some(0));
        assert_eq!(pages(&7).get().await, None);
        page(&server, 7).await.unwrap();
        assert_eq!(server.had(), [None, Some(0), None]);
    })
    .await;
    assert_eq!(fast.stats().total.overtaken, 1);
}

#[tokio::test]
async fn a_load_that_is_cancelled_or_panics_leaves_the_old_value_for_the_next() {
    let (fast, server) = (fresh(), Arc::<Server>::default());
    with_cache(&fast, async {
        page(&server, 7).await.unwrap();
        expire(7).await;
        server.is_shut.store(true, SeqCst);
        {
            let (mut leader, mut waiter) = (pin!(page(&server, 7)), pin!(page(&server, 7)));
            assert!(poll_once(leader.as_mut()).await.is_none());
            assert!(poll_once(waiter.as_mut()).await.is_none());
            drop(page(&server, 7));
        }
        assert_eq!(server.had(), [None, Some(0)]);
        server.is_shut.store(false, SeqCst);
    })
    .await;
    server.is_broken.store(true, SeqCst);
    let (inside, source) = (fast.clone(), server.clone());
    let panicked = tokio::spawn(async move { with_cache(&inside, page(&source, 7)).await });
    assert!(panicked.await.unwrap_err().is_panic());
    server.is_broken.store(false, SeqCst);
    with_cache(&fast, page(&server, 7)).await.unwrap();
    assert_eq!(server.had(), [Some(0), Some(0)]);
}

#[tokio::test]
async fn bypasses_and_reloads_get_no_old_value() {
    let (fast, server) = (fresh(), Server::default());
    with_cache(&fast, async {
        page(&server, 7).await.unwrap();
        expire(7).await;
        bypass(page(&server, 7)).await.unwrap();
        reload(page(&server, 7)).await.unwrap();
        assert_eq!(server.had(), [None; 3]);
        fast.set_enabled(false);
        page(&server, 7).await.unwrap();
        assert_eq!(server.had(), [None]);
    })
    .await;
}

#[cacheable(ttl = 60, jitter = 0, early = off, stale = "10m", refresh = background, previous(old), key = "mild:{id}", skip(server))]
async fn mild(server: Arc<Server>, id: u32) -> Answer {
    let _ = id;
    server.get(old).await
}

#[cacheable(ttl = 60, jitter = 0, early = off, load = task, load_timeout = "1m", previous(old), keep_expired = "1h", key = "task:{id}", skip(server))]
async fn in_a_task(server: Arc<Server>, id: u32) -> Answer {
    let _ = id;
    server.get(old).await
}

#[tokio::test]
async fn loads_in_tasks_get_it_too_and_stale_keeps_it() {
    let ((fast, clock), server) = (timed(), Arc::<Server>::default());
    with_cache(&fast, async {
        mild(server.clone(), 7).await.unwrap();
        clock.advance(MINUTE);
        assert_eq!(etag(&mild(server.clone(), 7).await), Some(0), "stale, and a task loads");
        let mut had = Vec::new();
        while had.len() < 2 {
            had.extend(server.had());
            yield_now().await;
        }
        assert_eq!(had, [None, Some(0)]);
        in_a_task(server.clone(), 7).await.unwrap();
        clock.advance(MINUTE);
        in_a_task(server.clone(), 7).await.unwrap();
        assert_eq!(server.had(), [None, Some(0)]);
    })
    .await;
}

#[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "busy:{id}", skip(server, clock, takes))]
async fn busy(server: &Server, clock: &fastness::Clock, takes: Duration, id: u32) -> Answer {
    let _ = id;
    clock.advance(takes);
    server.get(old).await
}

#[tokio::test]
async fn a_value_that_is_loaded_again_shortly_before_it_expires_is_given() {
    let ((fast, clock), server) = (timed(), Server::default());
    with_cache(&fast, async {
        busy(&server, &clock, SECOND * 10, 7).await.unwrap();
        clock.advance(just_before(MINUTE));
        busy(&server, &clock, Duration::ZERO, 7).await.unwrap();
        assert_eq!(server.had(), [None, Some(0)]);
    })
    .await;
    assert_eq!(fast.stats().total.early_refreshes, 1);
}

struct Store {
    server: Server,
}

impl Store {
    #[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "own:{id}", skip(self))]
    async fn own(&self, id: u32) -> Answer {
        let _ = id;
        self.server.get(old).await
    }

    #[cacheable(ttl = 60, jitter = 0, previous(before), keep_expired = "1h", key = "boxed:{id}", skip(self))]
    fn boxed(&self, id: u32) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        let _ = id;
        Box::pin(async move { self.server.get(before).await })
    }

    #[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "blocking:{id}", skip(self), handle = blockings)]
    fn blocking(&self, id: u32) -> Answer {
        let _ = id;
        let answer = self.server.answer(old)?;
        Ok(answer)
    }
}

#[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "plain:{n}")]
fn plain(n: u32) -> Vec<u32> {
    let mut all = old.unwrap_or_default();
    all.push(n);
    all
}

#[cacheable(ttl = forever, previous(old), key = "list:{n}", handle = lists)]
fn list<T: Clone + Send + Sync + From<u8> + 'static>(n: u32) -> Vec<T> {
    let mut all: Vec<T> = old.unwrap_or_default();
    let _ = n;
    all.push(T::from(2));
    all
}

#[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "again:{id}", skip(server))]
#[retry(attempts = 2, wait = "1ms")]
#[timeout("1m")]
async fn again(server: &Server, id: u32) -> Result<Option<Arc<Page>>, Failed> {
    let _ = id;
    let answer = server.get(old).await;
    server.is_down.store(false, SeqCst);
    answer.map_err(|_| Failed)
}

#[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "again_sync:{id}", skip(server))]
#[retry(attempts = 2, wait = "1ms")]
fn again_sync(server: &Server, id: u32) -> Answer {
    let _ = id;
    let answer = server.answer(old);
    server.is_down.store(false, SeqCst);
    answer
}

#[cacheable(ttl = 60, jitter = 0, previous(old), keep_expired = "1h", key = "hedged:{id}", skip(server))]
#[hedge(p95 = "1m")]
async fn hedged(server: &Server, id: u32) -> Answer {
    let _ = id;
    server.get(old).await
}

/// The error of a load that has policies below the cache.
#[derive(Clone, Debug)]
struct Failed;

impl From<TimedOut> for Failed {
    fn from(_: TimedOut) -> Self {
        Self
    }
}

#[tokio::test]
async fn each_attempt_of_a_load_that_is_repeated_has_it() {
    let ((fast, clock), server) = (timed(), Server::default());
    let read = || {
        with_cache(&fast, async {
            again(&server, 7).await.unwrap();
            hedged(&server, 7).await.unwrap();
        })
    };
    let read_sync = || with_cache_sync(&fast, || again_sync(&server, 7).unwrap());
    read().await;
    read_sync();
    clock.advance(MINUTE);
    server.had();
    server.is_down.store(true, SeqCst);
    read().await;
    assert_eq!(server.had(), [Some(0); 3], "two attempts, and one that nothing follows");
    server.is_down.store(true, SeqCst);
    read_sync();
    assert_eq!(server.had(), [Some(0); 2]);
}

#[tokio::test]
async fn methods_and_other_kinds_of_functions_get_it() {
    let ((fast, clock), store) = (timed(), Store { server: Server::default() });
    with_cache(&fast, async {
        for _ in 0..2 {
            store.own(7).await.unwrap();
            store.boxed(7).await.unwrap();
            store.blocking(7).unwrap();
            clock.advance(MINUTE);
        }
        assert_eq!(store.server.had(), [None, None, None, Some(0), Some(0), Some(0)]);
        Store::blockings(&7).invalidate().await;
        store.blocking(7).unwrap();
        assert_eq!(store.server.had(), [None]);
    })
    .await;
    with_cache_sync(&fast, || {
        assert_eq!(plain(1), [1]);
        clock.advance(MINUTE);
        assert_eq!(plain(1), [1, 1]);
        assert_eq!(list::<u64>(2), [2]);
        clock.advance(HOUR * 1_000);
        assert_eq!((list::<u64>(2), list::<u16>(2)), (vec![2], vec![2]));
        lists::<u64>(&2).refresh_sync();
        assert_eq!((list::<u64>(2), list::<u16>(2)), (vec![2, 2], vec![2, 2]), "they have one key");
    });
}

#[derive(Clone, Debug, PartialEq)]
struct Signed {
    etag: u32,
    secs: u64,
    author: u32,
}

/// Answers with a value of another lifetime and another author, or with the caller's own.
#[cacheable(
    ttl = |signed| Duration::from_secs(signed.secs),
    jitter = 0,
    early = off,
    previous(old),
    keep_expired = "1h",
    key = "signed",
    tags = |signed| [Key::from_static("author").join(signed.author)],
    tag_patterns = ["author:{id}"],
    skip(newest, loads)
)]
async fn signed(newest: &Signed, loads: &AtomicU32) -> Signed {
    loads.fetch_add(1, SeqCst);
    old.filter(|old| old.etag == newest.etag).unwrap_or_else(|| newest.clone())
}

#[tokio::test]
async fn lifetime_and_tags_are_asked_of_a_value_that_is_returned_again() {
    let ((fast, clock), loads) = (timed(), AtomicU32::new(0));
    let newest = Signed { etag: 1, secs: 30, author: 5 };
    let read = || with_cache(&fast, signed(&newest, &loads));
    read().await;
    for round in 2..4 {
        clock.advance(SECOND * 30);
        read().await;
        clock.advance(just_before(SECOND * 30));
        read().await;
        assert_eq!(loads.load(SeqCst), round, "30 seconds again");
        clock.advance(Duration::from_nanos(1));
    }
    read().await;
    fast.cache().invalidate(tagged("author:4")).await;
    read().await;
    assert_eq!(loads.load(SeqCst), 4);
    fast.cache().invalidate(tagged("author:5")).await;
    read().await;
    assert_eq!(loads.load(SeqCst), 5);
}

#[tokio::test]
async fn direct_calls_get_the_old_value_by_the_same_rules() {
    let ((fast, clock), server) = (timed(), Server::default());
    let (cache, key) = (fast.cache().local(), Key::from_static("direct"));
    let read = async || {
        let load = async |old: Option<Arc<Page>>| server.get(old).await.map(|found| found.expect("a page"));
        cache.get_or_reload(&key, MINUTE, HOUR, load).await.map(|page| page.etag)
    };
    assert_eq!((read().await, read().await), (Ok(0), Ok(0)));
    clock.advance(MINUTE);
    assert_eq!((read().await, read().await), (Ok(0), Ok(0)));
    clock.advance(HOUR);
    assert_eq!(read().await, Ok(0));
    assert_eq!(server.had(), [None, Some(0), Some(0)]);
    cache.refresh(&key).await;
    assert_eq!(read().await, Ok(0));
    cache.invalidate(&key).await;
    assert_eq!(read().await, Ok(0));
    clock.advance(MINUTE + HOUR);
    assert_eq!(read().await, Ok(0));
    assert_eq!(server.had(), [Some(0), None, None]);
    let read_sync = || {
        let load = |old: Option<Arc<Page>>| server.answer(old).map(|found| found.expect("a page"));
        cache.get_or_reload_sync(&key, MINUTE, HOUR, load).map(|page| page.etag)
    };
    assert_eq!(read_sync(), Ok(0));
    cache.refresh_sync(&key);
    server.change();
    assert_eq!((read_sync(), read_sync()), (Ok(1), Ok(1)));
    assert_eq!(server.had(), [Some(0)]);
}
