use std::collections::VecDeque;
use std::future::poll_fn;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::clock::Clock;
use crate::engine::Background;

/// Item of a test's body: a frame, or `None` for a panic.
type TestItem = Option<Result<Frame<Bytes>, BodyError>>;

/// Calls that a load has seen.
#[derive(Default)]
struct Seen {
    outcome: Option<String>,
    has_outgrown: bool,
    is_dropped: bool,
}

/// Load whose body a test sends.
struct TestLoad {
    items: UnboundedReceiver<TestItem>,
    seen: Arc<Mutex<Seen>>,
}

impl FillLoad for TestLoad {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        self.items.poll_recv(cx).map(|item| item.map(|item| item.expect("the handler panics, as the test wants")))
    }

    fn is_end_stream(&self) -> bool {
        self.items.is_closed() && self.items.is_empty()
    }

    fn outgrows_limit(&mut self) {
        lock(&self.seen).has_outgrown = true;
    }

    fn end(self: Box<Self>, outcome: FillOutcome<'_>) {
        lock(&self.seen).outcome = Some(match outcome {
            FillOutcome::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            FillOutcome::Unstorable => "unstorable".to_owned(),
            FillOutcome::Broken(error) => error.to_string(),
        });
    }
}

impl Drop for TestLoad {
    fn drop(&mut self) {
        lock(&self.seen).is_dropped = true;
    }
}

/// A fill, and the other end of its body.
struct TestFill {
    body: Arc<FillBody>,
    items: Option<UnboundedSender<TestItem>>,
    seen: Arc<Mutex<Seen>>,
}

const LIMIT: usize = 10;

fn fill() -> TestFill {
    let ((items, received), seen) = (unbounded_channel(), Arc::<Mutex<Seen>>::default());
    let load = TestLoad { items: received, seen: seen.clone() };
    TestFill { body: FillBody::new(Box::new(load), [], LIMIT, None), items: Some(items), seen }
}

impl TestFill {
    fn send(&self, text: &'static str) {
        self.item(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))));
    }

    fn item(&self, item: TestItem) {
        // The receiver is gone if the load was given up.
        let _ = self.items.as_ref().unwrap().send(item);
    }

    fn end(&mut self) {
        self.items = None;
    }

    fn outcome(&self) -> Option<String> {
        lock(&self.seen).outcome.clone()
    }

    fn is_dropped(&self) -> bool {
        lock(&self.seen).is_dropped
    }

    /// Adds a reader for a later request, outside of all loads.
    fn join(&self) -> Option<FillReader> {
        let slot = {
            let mut state = lock(&self.body.state);
            state.is_joinable().then(|| state.readers.add())?
        };
        Some(FillReader::later(&self.body, slot))
    }
}

/// Reads as much as there is: the text, and how the reading stopped.
fn read(reader: &mut FillReader) -> (String, &'static str) {
    let mut text = String::new();
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match reader.poll_frame(&mut cx) {
            Poll::Pending => return (text, "waits"),
            Poll::Ready(None) => return (text, "end"),
            Poll::Ready(Some(Err(BodyError::Lagged))) => return (text, "lags"),
            Poll::Ready(Some(Err(_))) => return (text, "fails"),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                Err(_) => text.push_str("+trailers"),
            },
        }
    }
}

fn is(text: &str, end: &'static str) -> (String, &'static str) {
    (text.to_owned(), end)
}

#[test]
fn every_reader_gets_the_whole_body_whenever_it_comes() {
    let mut fill = fill();
    let mut first = fill.body.first_reader();
    assert_eq!(read(&mut first), is("", "waits"));
    fill.send("abc");
    assert_eq!(read(&mut first), is("abc", "waits"));
    let mut second = fill.join().unwrap();
    assert_eq!(read(&mut second), is("abc", "waits"));
    fill.send("");
    fill.send("de");
    fill.end();
    assert_eq!((read(&mut second), fill.outcome()), (is("de", "end"), Some("abcde".to_owned())));
    assert_eq!((read(&mut first), read(&mut first)), (is("de", "end"), is("", "end")));
    let mut late = fill.join().unwrap();
    assert_eq!(late.size_hint().exact(), Some(5));
    assert_eq!(read(&mut late), is("abcde", "end"));
}

#[test]
fn trailers_reach_every_reader_and_the_body_is_not_stored() {
    let mut fill = fill();
    let (mut first, mut second) = (fill.body.first_reader(), fill.join().unwrap());
    fill.send("abc");
    fill.item(Some(Ok(Frame::trailers(HeaderMap::new()))));
    fill.end();
    assert_eq!(read(&mut first), is("abc+trailers", "end"));
    assert!(!second.is_end_stream());
    assert_eq!((read(&mut second), fill.outcome()), (is("abc+trailers", "end"), Some("unstorable".to_owned())));
}

#[test]
fn a_body_that_breaks_off_fails_for_every_reader() {
    let fill = fill();
    let (mut first, mut second) = (fill.body.first_reader(), fill.join().unwrap());
    fill.send("abc");
    fill.item(Some(Err(BodyError::Short { promised: 9, sent: 3 })));
    for reader in [&mut first, &mut second] {
        assert_eq!(read(reader), is("abc", "fails"));
        assert_eq!(read(reader), is("", "end"), "after its error a body has no more frames");
    }
    assert!(fill.join().is_none() && !fill.body.is_joinable());
    assert_eq!(fill.outcome().unwrap(), "the body ended after 3 of the 9 bytes that its length announced");
}

#[test]
fn a_panic_goes_to_the_first_client_and_breaks_off_for_the_others() {
    let fill = fill();
    let (mut first, mut second) = (fill.body.first_reader(), fill.join().unwrap());
    fill.send("abc");
    fill.item(None);
    assert_eq!(read(&mut second), is("abc", "fails"));
    assert!(fill.is_dropped() && fill.outcome().is_none() && fill.join().is_none());
    assert!(catch_unwind(AssertUnwindSafe(|| read(&mut first))).is_err());
}

#[test]
fn beyond_the_limit_the_last_bytes_are_in_memory_and_the_slow_reader_is_cut_off() {
    let mut fill = fill();
    let (mut fast, mut slow) = (fill.body.first_reader(), fill.join().unwrap());
    fill.send("12345");
    assert_eq!((read(&mut fast), read(&mut slow)), (is("12345", "waits"), is("12345", "waits")));
    for sent in 0..50 {
        fill.send("abcde");
        assert_eq!(read(&mut fast), is("abcde", "waits"));
        let state = lock(&fill.body.state);
        assert!(state.window.end() - state.window.start() <= LIMIT as u64 + 5, "{sent}");
    }
    assert!(lock(&fill.seen).has_outgrown && fill.join().is_none());
    assert_eq!(read(&mut slow), is("", "lags"));
    drop(slow);
    fill.end();
    assert_eq!((read(&mut fast), fill.outcome()), (is("", "end"), Some("unstorable".to_owned())));
}

#[test]
fn a_lone_reader_beyond_the_limit_leaves_nothing_in_memory_and_decides_on_the_speed() {
    let fill = fill();
    let mut reader = fill.body.first_reader();
    for _ in 0..10 {
        fill.send("abcde");
    }
    assert_eq!(read(&mut reader).0.len(), 50);
    let state = lock(&fill.body.state);
    assert_eq!((state.window.start(), state.window.end()), (50, 50));
}

#[test]
fn without_a_driver_the_load_goes_with_its_last_reader() {
    let fill = fill();
    let (first, second) = (fill.body.first_reader(), fill.join().unwrap());
    fill.send("abc");
    drop(first);
    assert!(!fill.is_dropped());
    drop(second);
    assert!(fill.is_dropped() && fill.join().is_none() && fill.outcome().is_none());
}

/// Clients leave once they have all bytes that were announced, without asking for the end.
#[test]
fn a_body_that_is_complete_when_its_last_reader_leaves_is_stored() {
    let mut fill = fill();
    let reader = fill.body.first_reader();
    fill.send("abc");
    fill.end();
    drop(reader);
    assert_eq!(fill.outcome().unwrap(), "abc");
}

fn driver(fill: &TestFill, clock: &Clock, seconds: u64) -> FillDriver {
    FillDriver::new(&fill.body, clock, Duration::from_secs(seconds), &Arc::default())
}

fn poll(driver: &mut FillDriver) -> Poll<()> {
    std::pin::Pin::new(driver).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_driver_reads_for_a_reader_that_does_not() {
    let (mut fill, clock) = (fill(), Clock::manual());
    let (mut driver, mut reader) = (driver(&fill, &clock, 0), fill.body.first_reader());
    fill.send("abc");
    assert!(poll(&mut driver).is_pending());
    clock.advance(Duration::from_secs(60));
    assert!(poll(&mut driver).is_pending(), "a reader is there");
    fill.end();
    assert!(poll(&mut driver).is_ready());
    assert_eq!((fill.outcome(), read(&mut reader)), (Some("abc".to_owned()), is("abc", "end")));
}

#[test]
fn a_driver_reads_on_alone_for_its_time() {
    for (waits, is_given_up) in [(9, false), (10, true)] {
        let (mut fill, clock) = (fill(), Clock::manual());
        let mut driver = driver(&fill, &clock, 10);
        drop(fill.body.first_reader());
        assert!(poll(&mut driver).is_pending());
        clock.advance(Duration::from_secs(5));
        // The time begins again when a reader has come and left.
        drop(fill.join().unwrap());
        fill.send("a");
        assert!(poll(&mut driver).is_pending());
        clock.advance(Duration::from_secs(waits));
        assert_eq!(poll(&mut driver).is_ready(), is_given_up);
        fill.end();
        assert!(is_given_up || poll(&mut driver).is_ready());
        drop(driver);
        assert_eq!((fill.is_dropped(), fill.outcome().is_none()), (true, is_given_up), "{waits}");
    }
}

#[test]
fn a_driver_leaves_a_body_beyond_the_limit_to_its_readers() {
    for has_reader in [true, false] {
        let (fill, clock) = (fill(), Clock::manual());
        let mut driver = driver(&fill, &clock, 10);
        let reader = Some(fill.body.first_reader()).filter(|_| has_reader);
        for _ in 0..10 {
            fill.send("abcde");
        }
        assert!(poll(&mut driver).is_ready());
        drop(driver);
        assert_eq!(fill.is_dropped(), !has_reader);
        if let Some(mut reader) = reader {
            assert_eq!(read(&mut reader), is(&"abcde".repeat(10), "waits"), "nothing was dropped before it was read");
        }
        assert!(fill.is_dropped());
    }
}

#[test]
fn a_driver_that_is_dropped_leaves_the_body_to_its_readers() {
    let (mut fill, clock) = (fill(), Clock::manual());
    let (driver, mut reader) = (driver(&fill, &clock, 10), fill.body.first_reader());
    drop(driver);
    fill.send("abc");
    fill.end();
    assert_eq!((read(&mut reader), fill.outcome()), (is("abc", "end"), Some("abc".to_owned())));
    let (fill, clock) = (self::fill(), Clock::manual());
    let driver = self::driver(&fill, &clock, 10);
    drop(fill.body.first_reader());
    drop(driver);
    assert!(fill.is_dropped(), "no reader is left");
}

#[test]
fn too_many_bodies_without_readers_are_not_read() {
    let (clock, background) = (Clock::manual(), Arc::<Background>::default());
    let taken: Vec<_> = std::iter::from_fn(|| background.try_acquire()).collect();
    let fill = fill();
    let mut driver = FillDriver::new(&fill.body, &clock, Duration::from_secs(10), &background);
    drop(fill.body.first_reader());
    assert!(poll(&mut driver).is_ready());
    drop((driver, taken));
    assert!(fill.is_dropped());
}

/// Readers come, read and leave on several threads, while the body comes on another one; no waker may be lost.
#[test]
fn readers_on_several_threads_lose_no_wake() {
    const CHUNKS: usize = 40;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for round in 0..200_u64 {
        let ((items, received), seen) = (unbounded_channel(), Arc::<Mutex<Seen>>::default());
        let load = TestLoad { items: received, seen: seen.clone() };
        let body = FillBody::new(Box::new(load), [], CHUNKS, None);
        let fill = TestFill { body, items: None, seen };
        let mut readers = VecDeque::from([fill.body.first_reader()]);
        readers.extend((0..6).map(|_| fill.join().unwrap()));
        let clock = Clock::manual();
        runtime.block_on(async {
            if round % 2 == 0 {
                tokio::spawn(driver(&fill, &clock, 10));
            }
            let tasks: Vec<_> = readers
                .into_iter()
                .enumerate()
                .map(|(number, mut reader)| {
                    tokio::spawn(async move {
                        // Some readers leave in the middle.
                        let leaves_after =
                            if number % 3 == 1 { (number + usize::try_from(round).unwrap()) % CHUNKS } else { CHUNKS };
                        let mut bytes = 0;
                        while let Some(frame) = poll_fn(|cx| reader.poll_frame(cx)).await {
                            bytes += frame.unwrap().into_data().unwrap().len();
                            if bytes > leaves_after {
                                return None;
                            }
                        }
                        Some(bytes)
                    })
                })
                .collect();
            let sender = tokio::spawn(async move {
                for chunk in 0..CHUNKS {
                    items.send(Some(Ok(Frame::data(Bytes::from_static(b"x"))))).unwrap();
                    if (chunk + usize::try_from(round).unwrap()) % 5 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            });
            sender.await.unwrap();
            for task in tasks {
                assert!(task.await.unwrap().is_none_or(|bytes| bytes == CHUNKS), "{round}");
            }
        });
        assert_eq!(fill.outcome().unwrap().len(), CHUNKS);
    }
}
