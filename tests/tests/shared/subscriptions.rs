//! Events of the shared log: each record is told once by each process, with the process that appended it, and so is a log that is lost.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fastness::events::{CacheEvent, CacheEventKind, Filter, RecordSource, ResetCause, Subscription};
use fastness::{Fastness, Scope, cache_invalidate, cache_put, cacheable, with_cache};
use fastness_tests::names::{named, reached, tagged};
use fastness_tests::servers::{PATIENCE, Redis, prefix, shared_redis, until};

use crate::{Origin, node, stored};

#[cacheable(ttl = 60, jitter = 0, early = off, key = "song:{id}", skip(origin))]
async fn song(origin: Arc<Origin>, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[cache_put(ttl = 60, key = "song:{id}")]
async fn put_song(id: u64, plays: usize) -> usize {
    let _ = id;
    plays
}

#[cache_invalidate("song:{id}")]
async fn change_song(id: u64) {
    let _ = id;
    std::future::pending::<()>().await;
}

/// The events of a node, in their order.
struct Heard(Subscription<CacheEvent>);

impl Heard {
    fn new(node: &Fastness, kinds: impl IntoIterator<Item = CacheEventKind>) -> Self {
        Self(node.subscribe(Filter::kinds(kinds)))
    }

    async fn next(&mut self) -> CacheEvent {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("an event").expect("the node lives")
    }

    /// The next record: a scope that it has, its texts, whether it is a refresh, and its source.
    async fn record(&mut self, scope: &Scope) -> (bool, Vec<String>, bool, RecordSource) {
        let event = self.next().await;
        let CacheEvent::Invalidated { scopes, is_refresh, source, .. } = event else { panic!("{event:?}") };
        (scopes.contains(scope), scopes.texts().iter().map(ToString::to_string).collect(), is_refresh, source)
    }
}

const RECORDS: [CacheEventKind; 2] = [CacheEventKind::Invalidated, CacheEventKind::Cleared];

async fn pair() -> [Fastness; 2] {
    let (server, prefix) = (shared_redis().await, prefix());
    [node(&server.url(), &prefix).await, node(&server.url(), &prefix).await]
}

#[tokio::test]
async fn each_process_is_told_once_of_each_record_and_of_its_source() {
    let [here, there] = pair().await;
    let (mut own, mut others) = (Heard::new(&here, RECORDS), Heard::new(&there, RECORDS));
    let known = |text: &str| vec![text.to_owned()];
    for round in 0..20 {
        let (key, scope) = (format!("song:{round}"), reached(format!("song:{round}")));
        here.cache().invalidate(named(&key)).await;
        assert_eq!(own.record(&scope).await, (true, known(&key), false, RecordSource::ThisProcess));
        assert_eq!(others.record(&scope).await, (true, vec![], false, RecordSource::AnotherProcess));
        let tag = tagged("chart");
        here.cache().refresh(tag.clone()).await;
        assert_eq!(own.record(&tag).await, (true, known("#chart"), true, RecordSource::ThisProcess));
        assert_eq!(others.record(&tag).await, (true, vec![], true, RecordSource::AnotherProcess));
        with_cache(&here, put_song(round, 7)).await;
        assert_eq!(own.record(&scope).await, (true, known(&key), false, RecordSource::ThisProcess));
        assert_eq!(others.record(&scope).await, (true, vec![], false, RecordSource::AnotherProcess));
    }
    there.cache().invalidate(reached("last:*")).await;
    let last = reached("last:*");
    assert_eq!(others.record(&last).await, (true, known("last:*"), false, RecordSource::ThisProcess));
    assert_eq!(own.record(&last).await, (true, vec![], false, RecordSource::AnotherProcess), "nothing came between");
}

#[tokio::test]
async fn a_clear_by_another_process_is_told_as_such() {
    let [here, there] = pair().await;
    let (mut own, mut others) = (Heard::new(&here, RECORDS), Heard::new(&there, RECORDS));
    here.clear();
    assert!(matches!(own.next().await, CacheEvent::Cleared { source: RecordSource::ThisProcess, .. }));
    assert!(matches!(others.next().await, CacheEvent::Cleared { source: RecordSource::AnotherProcess, .. }));
}

/// Each is announced in the background.
#[tokio::test]
async fn a_clear_and_the_invalidation_of_a_dropped_call_are_told_once_by_their_own_process() {
    let [here, there] = pair().await;
    let (mut own, mut others) = (Heard::new(&here, RECORDS), Heard::new(&there, RECORDS));
    for round in 0..20 {
        here.clear();
        assert!(matches!(own.next().await, CacheEvent::Cleared { source: RecordSource::ThisProcess, .. }));
        assert!(matches!(others.next().await, CacheEvent::Cleared { source: RecordSource::AnotherProcess, .. }));
        let mut call = Box::pin(with_cache(&here, change_song(round)));
        assert!(std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
        drop(call);
        let (key, scope) = (format!("song:{round}"), reached(format!("song:{round}")));
        assert_eq!(own.record(&scope).await, (true, vec![key], false, RecordSource::ThisProcess));
        assert_eq!(others.record(&scope).await, (true, vec![], false, RecordSource::AnotherProcess));
        // What comes later in the log is the next event.
        let last = reached("last:*");
        there.cache().invalidate(last.clone()).await;
        assert_eq!(own.record(&last).await, (true, vec![], false, RecordSource::AnotherProcess));
        assert_eq!(others.record(&last).await, (true, vec!["last:*".to_owned()], false, RecordSource::ThisProcess));
    }
}

#[tokio::test]
async fn an_entry_from_the_shared_tier_is_stored_without_a_load() {
    let [here, there] = pair().await;
    let mut others = Heard::new(&there, [CacheEventKind::Loaded, CacheEventKind::Stored]);
    let origin = Arc::new(Origin::default());
    with_cache(&here, song(origin.clone(), 1)).await;
    stored(&here, 1).await;
    with_cache(&there, song(origin.clone(), 1)).await;
    let event = others.next().await;
    let CacheEvent::Stored { entry, .. } = event else { panic!("{event:?}") };
    assert_eq!((entry.key.to_string(), origin.loads()), ("song:1".to_owned(), 1));
}

/// `max_stale` is so long that a busy machine answers within it.
#[tokio::test]
async fn a_log_that_is_out_of_reach_or_replaced_is_told_once() {
    let (mut server, prefix) = (Redis::start().await, prefix());
    let redis = fastness::Redis::single(&server.url()).unwrap().prefix(&prefix);
    let fast = Fastness::builder().redis(redis).max_stale(Duration::from_secs(2)).build().unwrap();
    until("the log was heard, so that there is a silence", async || fast.shared().unwrap().coherent).await;
    let mut resets = Heard::new(&fast, [CacheEventKind::Reset]);
    server.kill();
    let silence = resets.next().await;
    assert!(matches!(silence, CacheEvent::Reset { cause: ResetCause::Silence, .. }), "{silence:?}");
    server.restart().await;
    let anew = resets.next().await;
    assert!(matches!(anew, CacheEvent::Reset { cause: ResetCause::NewLog, .. }), "{anew:?}");
}

#[tokio::test]
async fn a_record_that_cannot_be_announced_is_told_at_once() {
    let mut server = Redis::start().await;
    let fast = node(&server.url(), &prefix()).await;
    let mut own = Heard::new(&fast, RECORDS);
    server.kill();
    fast.cache().invalidate(named("song:1")).await;
    let told = own.record(&reached("song:1")).await;
    assert_eq!(told, (true, vec!["song:1".to_owned()], false, RecordSource::ThisProcess));
}
