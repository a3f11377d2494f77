//! Responses whose bodies come later than their heads, and handlers whose clients leave.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::Frame;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::http::CoalesceLayer;
use crate::http::cache::store::ResponseStore;

mod leaving;
mod ranged;

type Sent = Result<Frame<Bytes>, &'static str>;

/// Body that the test sends, frame by frame.
struct SentBody {
    frames: UnboundedReceiver<Sent>,
    dropped: Option<oneshot::Sender<()>>,
}

impl Drop for SentBody {
    fn drop(&mut self) {
        let _ = self.dropped.take().map(|dropped| dropped.send(()));
    }
}

impl http_body::Body for SentBody {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Sent>> {
        let frame = self.frames.poll_recv(cx);
        assert!(!matches!(&frame, Poll::Ready(Some(Err("panic")))), "the body panics, as the test wants");
        frame
    }
}

type StreamingBody = crate::http::Body<ResumedBody<SentBody>>;
type StreamingService = BoxCloneService<Request<String>, Response<StreamingBody>, Infallible>;

/// A call of the handler, under way.
struct Call {
    request: Request<String>,
    head: Option<oneshot::Sender<Response<SentBody>>>,
    frames: UnboundedSender<Sent>,
    body: Option<SentBody>,
    /// Ends when the handler's body is gone.
    dropped: oneshot::Receiver<()>,
}

impl Call {
    fn answer(&mut self, lines: &[(&str, &str)]) {
        let mut response = Response::builder();
        for (name, value) in lines {
            response = response.header(*name, *value);
        }
        let mut response = response.body(self.body.take().unwrap()).unwrap();
        response.extensions_mut().insert(CacheTags::new(["thing:1"]));
        // The handler may be gone.
        let _ = self.head.take().unwrap().send(response);
    }

    fn send(&self, text: &'static str) {
        let _ = self.frames.send(Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
    }

    fn end(self) {
        drop(self.frames);
    }

    /// Waits until the handler and its body are gone.
    async fn wait_until_over(mut self) {
        drop((self.body.take(), self.head.take()));
        let _ = self.dropped.await;
    }
}

/// A server whose handler does as the test says, call by call.
struct Streams {
    service: StreamingService,
    calls: UnboundedReceiver<Call>,
    fast: Fastness,
    clock: Clock,
}

fn handler() -> (
    impl tower_service::Service<Request<String>, Response = Response<SentBody>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static,
    UnboundedReceiver<Call>,
) {
    let (calls, received) = unbounded_channel();
    let handler = tower::service_fn(move |request: Request<String>| {
        let ((head, answer), (frames, sent), (gone, dropped)) =
            (oneshot::channel(), unbounded_channel(), oneshot::channel());
        let body = SentBody { frames: sent, dropped: Some(gone) };
        calls.send(Call { request, head: Some(head), frames, body: Some(body), dropped }).unwrap();
        async move { Ok(answer.await.expect("the handler panics, as the test wants")) }
    });
    (handler, received)
}

fn streams(set: impl FnOnce(CacheLayer) -> CacheLayer) -> Streams {
    let clock = Clock::manual();
    let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
    let (handler, calls) = handler();
    let service = BoxCloneService::new(set(CacheLayer::new().on(&fast)).layer(handler));
    Streams { service, calls, fast, clock }
}

fn coalesced() -> Streams {
    let clock = Clock::manual();
    let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
    let (handler, calls) = handler();
    Streams { service: BoxCloneService::new(CoalesceLayer::new().on(&fast).layer(handler)), calls, fast, clock }
}

type Asked = JoinHandle<Response<StreamingBody>>;

impl Streams {
    fn ask(&self, lines: &[(&str, &str)]) -> Asked {
        let mut request = Request::get("/a");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let asked = self.service.clone().oneshot(request.body(String::new()).unwrap());
        tokio::spawn(async move { asked.await.unwrap() })
    }

    async fn get(&self) -> Response<StreamingBody> {
        self.ask(&[]).await.unwrap()
    }

    async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// Begins a response whose head has come, with its first bytes.
    async fn begin(&mut self, lines: &[(&str, &str)]) -> (Call, Response<StreamingBody>) {
        let asked = self.ask(&[]);
        let mut call = self.call().await;
        call.send("ab");
        call.answer(lines);
        (call, asked.await.unwrap())
    }

    fn fills(&self) -> usize {
        ResponseStore::from_handle(&self.fast, true, (1_000, None)).fills.len()
    }
}

fn status(answer: &Response<StreamingBody>) -> &str {
    answer.headers()["cache-status"].to_str().unwrap()
}

async fn text(answer: Response<StreamingBody>) -> String {
    let body = answer.into_body().collect().await;
    body.map_or_else(|error| error.to_string(), |body| String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_head_and_each_frame_come_at_once_to_all_who_ask() {
    for (mut streams, first) in [
        (streams(CacheLayer::etags), "fastness; fwd=uri-miss; detail=incomplete"),
        (coalesced(), "fastness; fwd=uri-miss"),
    ] {
        let (leader, waiter) = (streams.ask(&[]), streams.ask(&[]));
        let mut call = streams.call().await;
        settle().await;
        call.answer(&[MINUTE]);
        let (mut leader, mut waiter) = (leader.await.unwrap(), waiter.await.unwrap());
        assert_eq!((status(&leader), status(&waiter)), (first, "fastness; fwd=uri-miss; collapsed"));
        for text in ["ab", "cd"] {
            call.send(text);
            for answer in [&mut leader, &mut waiter] {
                assert_eq!(answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), text);
            }
        }
        let late = streams.get().await;
        assert!(late.headers().get("content-length").is_none() && late.headers().get("etag").is_none());
        call.end();
        assert_eq!(
            (text(leader).await, text(waiter).await, text(late).await),
            (String::new(), String::new(), "abcd".to_owned())
        );
        assert!(streams.calls.is_empty());
    }
}

#[tokio::test]
async fn a_response_that_has_come_is_stored_with_its_length_and_etag() {
    let mut streams = streams(CacheLayer::etags);
    let (call, first) = streams.begin(&[MINUTE]).await;
    call.send("cd");
    call.end();
    assert_eq!(text(first).await, "abcd");
    streams.clock.advance(Duration::from_secs(7));
    let stored = streams.get().await;
    assert_eq!((status(&stored), &stored.headers()["age"]), ("fastness; hit; ttl=53", &"7".parse().unwrap()));
    assert_eq!(stored.headers()["content-length"], "4");
    let tag = stored.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(text(stored).await, "abcd");
    assert_eq!(streams.ask(&[("if-none-match", &tag)]).await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let stats = streams.fast.stats().sites.into_iter().find(|site| site.name == "http").unwrap().stats;
    assert_eq!((stats.loads, stats.load_errors, stats.loads_abandoned, stats.misses, stats.hits), (1, 0, 0, 1, 2));
    assert_eq!(streams.fills(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_fails_for_all_and_is_not_stored() {
    let cut = || Err("cut");
    let long = || Ok(Frame::data(Bytes::from_static(b"123456789")));
    for (lines, frame, error) in [
        (&[MINUTE][..], Some(cut()), "the body broke off"),
        (&[MINUTE, ("content-length", "5")], None, "the body ended after 2 of the 5 bytes that its length announced"),
        (
            &[MINUTE, ("content-length", "5")],
            Some(long()),
            "the body goes on after the 5 bytes that its length announced",
        ),
    ] {
        let mut streams = streams(|layer| layer);
        let (call, first) = streams.begin(lines).await;
        let second = streams.get().await;
        assert_eq!(status(&second), "fastness; fwd=uri-miss; collapsed");
        if let Some(frame) = frame {
            call.frames.send(frame).unwrap();
        }
        call.end();
        assert_eq!((text(first).await.as_str(), text(second).await.as_str()), (error, error));
        let total = streams.fast.stats().total;
        assert_eq!((total.loads, total.load_errors), (0, 1));
        let next = streams.ask(&[]);
        streams.call().await;
        next.abort();
    }
}

#[tokio::test]
async fn a_panic_in_mid_body_goes_to_the_first_client_alone() {
    let mut streams = streams(|layer| layer);
    let (call, first) = streams.begin(&[MINUTE]).await;
    let second = streams.get().await;
    call.frames.send(Err("panic")).unwrap();
    assert_eq!(text(second).await, "the body broke off");
    assert!(tokio::spawn(text(first)).await.unwrap_err().is_panic());
    assert_eq!(streams.fast.stats().total.loads_abandoned, 1);
    let next = streams.ask(&[]);
    streams.call().await;
    next.abort();
}

/// The points of a load at which something is invalidated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    BeforeTheHead,
    InMidBody,
    BeforeTheEnd,
    AfterTheEnd,
}

#[tokio::test]
async fn an_invalidation_at_any_point_reaches_every_later_request() {
    for coalesces in [false, true] {
        for point in [Point::BeforeTheHead, Point::InMidBody, Point::BeforeTheEnd, Point::AfterTheEnd] {
            for pattern in ["thing:1", "http:*"] {
                let mut streams = if coalesces { coalesced() } else { streams(|layer| layer) };
                let invalidate = async |now, fast: &Fastness| {
                    if point == now {
                        fast.cache().invalidate(reached(pattern)).await;
                    }
                };
                let asked = streams.ask(&[]);
                let mut call = streams.call().await;
                invalidate(Point::BeforeTheHead, &streams.fast).await;
                let early = if point == Point::BeforeTheHead { Some(streams.ask(&[])) } else { None };
                settle().await;
                call.send("ab");
                call.answer(&[MINUTE]);
                let first = asked.await.unwrap();
                let joined = if point == Point::BeforeTheHead { None } else { Some(streams.get().await) };
                invalidate(Point::InMidBody, &streams.fast).await;
                let middle = if point == Point::InMidBody { Some(streams.ask(&[])) } else { None };
                settle().await;
                call.send("cd");
                settle().await;
                invalidate(Point::BeforeTheEnd, &streams.fast).await;
                call.end();
                assert_eq!(text(first).await, "abcd", "{point:?}: it came before");
                if let Some(joined) = joined {
                    assert_eq!(text(joined).await, "abcd", "{point:?}: it came before");
                }
                invalidate(Point::AfterTheEnd, &streams.fast).await;
                let late = streams.ask(&[]);
                let mut second = streams.call().await;
                second.send("new");
                second.answer(&[MINUTE]);
                second.end();
                for asked in [early, middle, Some(late)].into_iter().flatten() {
                    assert_eq!(text(asked.await.unwrap()).await, "new", "{point:?} {pattern}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_endless_body_gives_its_head_at_once_and_takes_bounded_memory() {
    let mut streams = streams(|layer| layer.max_body(8));
    let (call, mut first) = streams.begin(&[MINUTE]).await;
    let mut slow = streams.get().await;
    assert_eq!(slow.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
    for _ in 0..100 {
        call.send("cdef");
        first.body_mut().frame().await.unwrap().unwrap();
    }
    assert!(text(slow).await.starts_with("the client read the body too slowly"));
    let next = streams.ask(&[]);
    let another = streams.call().await;
    assert_eq!(streams.fills(), 0, "the next request calls the handler itself");
    next.abort();
    drop((first, another));
    settle().await;
    assert!(call.frames.is_closed(), "beyond the limit a body is not read without clients");
}

#[tokio::test]
async fn variants_are_joined_separately() {
    let mut streams = streams(|layer| layer);
    let lines = [MINUTE, ("vary", "accept")];
    let (one, two) = (streams.ask(&[("accept", "1")]), streams.ask(&[("accept", "2")]));
    let mut first = streams.call().await;
    settle().await;
    first.send("one");
    first.answer(&lines);
    let mut second = streams.call().await;
    assert_eq!(
        (&first.request.headers()["accept"], &second.request.headers()["accept"]),
        (&"1".parse().unwrap(), &"2".parse().unwrap())
    );
    second.send("two");
    second.answer(&lines);
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    let more = [streams.ask(&[("accept", "1")]).await.unwrap(), streams.ask(&[("accept", "2")]).await.unwrap()];
    assert_eq!(streams.fills(), 2);
    first.end();
    second.end();
    for (answer, body) in [one, two].into_iter().chain(more).zip(["one", "two", "one", "two"]) {
        assert_eq!(text(answer).await, body);
    }
    for (kind, body) in [("1", "one"), ("2", "two")] {
        let stored = streams.ask(&[("accept", kind)]).await.unwrap();
        assert!(status(&stored).starts_with("fastness; hit"));
        assert_eq!(text(stored).await, body);
    }
}

#[tokio::test]
async fn conditions_of_each_request_are_answered_from_the_head() {
    let mut streams = streams(|layer| layer);
    let asked = streams.ask(&[("if-none-match", "\"1\"")]);
    let mut call = streams.call().await;
    call.answer(&[MINUTE, ("etag", "\"1\"")]);
    assert_eq!(asked.await.unwrap().status(), StatusCode::NOT_MODIFIED);
    assert_eq!(streams.ask(&[("if-none-match", "\"1\"")]).await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let other = streams.ask(&[("if-none-match", "\"2\"")]).await.unwrap();
    call.send("ab");
    call.end();
    assert_eq!(text(other).await, "ab");
    assert!(status(&streams.get().await).starts_with("fastness; hit"));
}

#[tokio::test]
async fn a_request_for_a_new_response_joins_no_body_whose_head_came_before_it() {
    let mut streams = streams(|layer| layer);
    let (call, first) = streams.begin(&[MINUTE]).await;
    let reload = [("cache-control", "no-cache")];
    let (one, two) = (streams.ask(&reload), streams.ask(&reload));
    let mut second = streams.call().await;
    settle().await;
    second.send("new");
    second.answer(&[MINUTE]);
    call.end();
    second.end();
    for (answer, body) in [(first, "ab"), (one.await.unwrap(), "new"), (two.await.unwrap(), "new")] {
        assert_eq!(text(answer).await, body);
    }
    assert!(streams.calls.is_empty(), "the two met before the head");
    assert_eq!(text(streams.get().await).await, "new", "the load that began later is stored");
}

#[tokio::test]
async fn one_refresh_runs_while_its_body_comes() {
    let mut streams = streams(|layer| layer);
    let lines = [("cache-control", "max-age=1, stale-while-revalidate=60")];
    let (call, first) = streams.begin(&lines).await;
    call.end();
    assert_eq!(text(first).await, "ab");
    streams.clock.advance(Duration::from_secs(5));
    assert_eq!(status(&streams.get().await), "fastness; hit; ttl=-4");
    let mut refresh = streams.call().await;
    refresh.send("new");
    refresh.answer(&lines);
    settle().await;
    assert_eq!(text(streams.get().await).await, "ab");
    assert!(streams.calls.is_empty(), "the refresh is under way");
    refresh.end();
    settle().await;
    assert_eq!(text(streams.get().await).await, "new");
}

#[tokio::test]
async fn a_response_expires_while_its_body_comes() {
    let mut streams = streams(|layer| layer);
    let (call, first) = streams.begin(&[("cache-control", "max-age=1")]).await;
    streams.clock.advance(Duration::from_secs(1));
    let next = streams.ask(&[]);
    let mut second = streams.call().await;
    second.send("new");
    second.answer(&[MINUTE]);
    call.end();
    assert_eq!(text(first).await, "ab");
    settle().await;
    let joined = streams.get().await;
    second.end();
    assert_eq!((text(next.await.unwrap()).await, text(joined).await), ("new".to_owned(), "new".to_owned()));
    let (call, _first) = {
        let mut streams = coalesced();
        let begun = streams.begin(&[]).await;
        streams.clock.advance(Duration::from_secs(10));
        let next = streams.ask(&[]);
        streams.call().await;
        next.abort();
        begun
    };
    call.end();
}

/// A body that asks for its own address does not wait for itself.
#[tokio::test]
async fn a_body_may_ask_for_its_own_response() {
    let fast = Fastness::builder().build().unwrap();
    let calls = Arc::<AtomicUsize>::default();
    let itself = Arc::<Mutex<Option<AskingService>>>::default();
    let (service, count) = (itself.clone(), calls.clone());
    let handler = tower::service_fn(move |_: Request<String>| {
        let call = count.fetch_add(1, SeqCst);
        let service = service.lock().unwrap().clone().unwrap();
        let asks = async move {
            tokio::task::yield_now().await;
            if call > 0 {
                return Bytes::from_static(b"inner");
            }
            service
                .oneshot(Request::get("/a").body(String::new()).unwrap())
                .await
                .unwrap()
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
        };
        let body = AskingBody { asks: Some(Box::pin(asks)) };
        std::future::ready(Ok::<_, Infallible>(
            Response::builder().header("cache-control", "max-age=60").body(body).unwrap(),
        ))
    });
    let cached = BoxCloneService::new(CacheLayer::new().on(&fast).layer(handler));
    *itself.lock().unwrap() = Some(cached.clone());
    let answer = cached.oneshot(Request::get("/a").body(String::new()).unwrap()).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "inner");
    assert_eq!(calls.load(SeqCst), 2);
    *itself.lock().unwrap() = None;
}

type AskingService = BoxCloneService<Request<String>, Response<crate::http::Body<ResumedBody<AskingBody>>>, Infallible>;

/// Body of what a future returns.
struct AskingBody {
    asks: Option<Pin<Box<dyn Future<Output = Bytes> + Send>>>,
}

impl http_body::Body for AskingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(asks) = &mut self.asks else { return Poll::Ready(None) };
        let bytes = std::task::ready!(asks.as_mut().poll(cx));
        self.asks = None;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

/// Once a response turned out to be private, requests call the handler side by side, until one can be shared.
#[tokio::test]
async fn requests_for_what_cannot_be_shared_do_not_wait_for_each_other() {
    for mut streams in [streams(|layer| layer), coalesced()] {
        let (call, _answer) = streams.begin(&[("cache-control", "private")]).await;
        call.end();
        let asked: Vec<_> = (0..50).map(|_| streams.ask(&[])).collect();
        let mut calls = Vec::new();
        for _ in 0..50 {
            calls.push(streams.call().await);
        }
        calls[0].answer(&[MINUTE]);
        settle().await;
        let together = [streams.ask(&[]), streams.ask(&[])];
        let mut shared = streams.call().await;
        settle().await;
        assert!(streams.calls.is_empty(), "the last response could be shared, so one asks for both");
        shared.answer(&[MINUTE]);
        shared.end();
        for mut call in calls.drain(1..) {
            call.answer(&[("cache-control", "private")]);
        }
        drop(calls);
        for asked in asked.into_iter().chain(together) {
            asked.await.unwrap();
        }
        streams.fast.clear();
        streams.clock.advance(Duration::from_secs(6));
        let asked: Vec<_> = (0..10).map(|_| streams.ask(&[])).collect();
        let mut call = streams.call().await;
        settle().await;
        assert!(streams.calls.is_empty(), "after its time one asks for all again");
        call.answer(&[MINUTE]);
        call.end();
        for asked in asked {
            asked.await.unwrap();
        }
    }
}
