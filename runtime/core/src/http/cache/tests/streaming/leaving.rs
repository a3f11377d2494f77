//! Clients that leave, and runtimes that end.

use super::*;

#[tokio::test]
async fn a_client_may_leave_at_each_frame_and_the_response_is_stored() {
    for frames in 0..=4 {
        let mut streams = streams(|layer| layer);
        let (call, mut first) = streams.begin(&[MINUTE]).await;
        let mut read = 0;
        while read < frames {
            if read > 0 {
                call.send("cd");
            }
            first.body_mut().frame().await.unwrap().unwrap();
            read += 1;
        }
        drop(first);
        settle().await;
        (frames.max(1)..4).for_each(|_| call.send("cd"));
        call.end();
        settle().await;
        let stored = streams.get().await;
        assert!(status(&stored).starts_with("fastness; hit"), "{frames}: {}", status(&stored));
        assert_eq!(text(stored).await, "abcdcdcd", "{frames}");
    }
}

#[tokio::test]
async fn a_client_may_leave_before_the_head_and_the_next_gets_the_same_call() {
    for mut streams in [streams(|layer| layer), coalesced()] {
        let asked = streams.ask(&[]);
        let mut call = streams.call().await;
        asked.abort();
        assert!(asked.await.is_err());
        let next = streams.ask(&[]);
        settle().await;
        assert!(streams.calls.is_empty(), "it joins the call of the client that has left");
        call.send("ab");
        call.answer(&[MINUTE]);
        call.end();
        assert_eq!(text(next.await.unwrap()).await, "ab");
    }
}

#[tokio::test]
async fn without_clients_the_handler_goes_on_for_its_time() {
    for (head, seconds, is_over) in [(false, 9, false), (false, 10, true), (true, 9, false), (true, 10, true)] {
        let mut streams = streams(|layer| layer);
        let mut call = if head {
            streams.begin(&[MINUTE]).await.0
        } else {
            let asked = streams.ask(&[]);
            let call = streams.call().await;
            asked.abort();
            assert!(asked.await.is_err());
            call
        };
        settle().await;
        streams.clock.advance(Duration::from_secs(seconds));
        settle().await;
        let is_gone = if head { call.frames.is_closed() } else { call.head.as_ref().unwrap().is_closed() };
        assert_eq!(is_gone, is_over, "head: {head}, {seconds} s");
        if !is_over && !head {
            call.send("ab");
            call.answer(&[MINUTE]);
        }
        if is_over {
            call.wait_until_over().await;
        } else {
            call.end();
        }
        settle().await;
        let next = streams.ask(&[]);
        settle().await;
        assert_eq!(streams.calls.is_empty(), !is_over, "head: {head}, {seconds} s: stored if it came in time");
        next.abort();
        assert_eq!(streams.fast.stats().total.loads_abandoned, u64::from(is_over));
    }
}

#[tokio::test]
async fn a_handler_without_clients_but_with_waiters_goes_on_beyond_its_time() {
    let mut streams = streams(|layer| layer);
    let asked = streams.ask(&[]);
    let mut call = streams.call().await;
    let waiter = streams.ask(&[]);
    settle().await;
    asked.abort();
    assert!(asked.await.is_err());
    settle().await;
    for _ in 0..3 {
        streams.clock.advance(Duration::from_secs(10));
        settle().await;
    }
    call.send("ab");
    call.answer(&[MINUTE]);
    call.end();
    assert_eq!(text(waiter.await.unwrap()).await, "ab");
    assert!(streams.calls.is_empty());
}

#[tokio::test]
async fn a_panic_without_a_client_leaves_the_load_to_the_next() {
    let mut streams = streams(|layer| layer);
    let asked = streams.ask(&[]);
    let call = streams.call().await;
    let waiter = streams.ask(&[]);
    settle().await;
    asked.abort();
    assert!(asked.await.is_err());
    // The handler panics without an answer.
    drop(call);
    let mut call = streams.call().await;
    call.send("ab");
    call.answer(&[MINUTE]);
    call.end();
    assert_eq!(text(waiter.await.unwrap()).await, "ab");
}

/// The runtime of the first client ends while another runtime has a client of the same body.
#[test]
fn the_end_of_a_runtime_leaves_the_body_to_clients_of_another() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let mut streams = streams(|layer| layer);
    let (call, early) = first.block_on(streams.begin(&[MINUTE]));
    let joined = second.block_on(async { streams.get().await });
    drop(early);
    first.shutdown_background();
    call.send("cd");
    call.end();
    assert_eq!(second.block_on(text(joined)), "abcd");
    let stored = second.block_on(async { streams.get().await });
    assert!(status(&stored).starts_with("fastness; hit"));
    let alone = runtime();
    streams.fast.clear();
    let (call, early) = alone.block_on(streams.begin(&[MINUTE]));
    alone.block_on(async {
        drop(early);
    });
    drop(alone);
    second.block_on(call.wait_until_over());
    assert_eq!(streams.fills(), 0, "without a client the body goes with its runtime");
}

#[test]
fn without_a_runtime_clients_read_the_body_themselves() {
    let mut streams = streams(|layer| layer);
    let asked = streams.service.clone().oneshot(Request::get("/a").body(String::new()).unwrap());
    let client = std::thread::spawn(move || crate::sync::block_on(async { text(asked.await.unwrap()).await }));
    let mut call = streams.calls.blocking_recv().unwrap();
    call.send("ab");
    call.answer(&[MINUTE]);
    call.end();
    assert_eq!(client.join().unwrap(), "ab");
}

#[tokio::test]
async fn a_refresh_without_a_client_reads_a_body_that_comes_late() {
    let mut streams = streams(|layer| layer.background_fill(Duration::ZERO));
    let (call, first) = streams.begin(&[("cache-control", "max-age=1, stale-while-revalidate=60")]).await;
    call.end();
    assert_eq!(text(first).await, "ab");
    streams.clock.advance(Duration::from_secs(2));
    assert_eq!(text(streams.get().await).await, "ab", "the stale response");
    let mut refresh = streams.call().await;
    refresh.answer(&[("cache-control", "max-age=60")]);
    refresh.send("new");
    settle().await;
    assert_eq!(text(streams.get().await).await, "ab", "the refresh is under way");
    refresh.send("er");
    refresh.end();
    settle().await;
    assert_eq!(text(streams.get().await).await, "newer");
    assert!(streams.calls.is_empty());
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_body_that_is_too_large_to_be_stored() {
    let mut streams = streams(|layer| layer.max_body(5));
    let mut request = Request::get("/a").body(String::new()).unwrap();
    *request.version_mut() = http::Version::HTTP_10;
    let asked = tokio::spawn(streams.service.clone().oneshot(request));
    let mut call = streams.call().await;
    call.answer(&[MINUTE]);
    settle().await;
    for _ in 0..4 {
        call.send("abc");
        settle().await;
    }
    call.end();
    assert_eq!(text(asked.await.unwrap().unwrap()).await, "abc".repeat(4));
}

/// Body that is not ready at first, and ends as soon as it is polled again.
struct OncePending(bool);

impl http_body::Body for OncePending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The body may end on another thread before its first client has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_body_that_ends_at_once_leaves_nothing_behind() {
    let fast = Fastness::builder().build().unwrap();
    let handler = tower::service_fn(async |_: Request<String>| {
        let head = Response::builder().header(MINUTE.0, MINUTE.1);
        Ok::<_, Infallible>(head.body(OncePending(false)).unwrap())
    });
    let service = CacheLayer::new().on(&fast).layer(handler);
    for page in 0..5_000 {
        let request = Request::get(format!("/{page}")).body(String::new()).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
    let store = ResponseStore::from_handle(&fast, true, (1_000, None));
    assert_eq!(store.fills.len(), 0);
}
