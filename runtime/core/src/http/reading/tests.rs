use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Context;

use super::*;
use crate::http::poll_once;

/// A body of these pieces, which then ends or never ends.
struct Pieces {
    pieces: VecDeque<Result<Frame<Bytes>, &'static str>>,
    ends: bool,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(piece)),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn pieces(lengths: &[usize], ends: bool) -> Pieces {
    let piece = |length: &usize| Ok(Frame::data(Bytes::from(vec![b'a'; *length])));
    Pieces { pieces: lengths.iter().map(piece).collect(), ends }
}

fn says(length: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_LENGTH, HeaderValue::from_static(length))])
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_body_is_read_whole() {
    let reader = BodyReader::new(10, 100, MINUTE);
    for (lengths, head) in [(&[][..], HeaderMap::new()), (&[10], says("10")), (&[1, 0, 4, 5], says("10"))] {
        let read = reader.read(&head, pieces(lengths, true)).await.unwrap();
        assert_eq!(read.bytes.len(), lengths.iter().sum::<usize>());
        assert_eq!(reader.budget.used.load(Ordering::Relaxed), read.bytes.len());
    }
    assert_eq!(reader.budget.used.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_body_is_refused_as_soon_as_it_is_known_to_be_too_large() {
    let reader = BodyReader::new(10, 100, MINUTE);
    // Not a byte of these is read, or the reader would wait for them.
    let refused = reader.read(&says("11"), pieces(&[], false)).await.unwrap_err();
    assert_eq!(refused, BodyRejection::TooLarge(10));
    let hinted = http_body_util::Full::from(vec![b'a'; 11]);
    assert_eq!(reader.read(&HeaderMap::new(), hinted).await.unwrap_err(), BodyRejection::TooLarge(10));
    for lengths in [&[11][..], &[10, 1], &[1; 11]] {
        let refused = reader.read(&HeaderMap::new(), pieces(lengths, false)).await.unwrap_err();
        assert_eq!(refused, BodyRejection::TooLarge(10), "{lengths:?}");
    }
    let broken = Pieces { pieces: [Ok(Frame::data("a".into())), Err("cut")].into(), ends: true };
    assert_eq!(reader.read(&HeaderMap::new(), broken).await.unwrap_err(), BodyRejection::Broken);
    assert_eq!(reader.budget.used.load(Ordering::Relaxed), 0);
}

/// A byte now and then does not extend the time.
#[tokio::test(start_paused = true)]
async fn the_time_limit_is_that_of_the_whole_body() {
    let reader = BodyReader::new(1_000, 1_000, MINUTE);
    let (send, take) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let began = crate::clock::timer_now();
    let dripping = tokio::spawn(async move {
        for _ in 0..100 {
            pause(Duration::from_secs(5)).await;
            let _ = send.send(Bytes::from_static(b" "));
        }
    });
    assert_eq!(reader.read(&HeaderMap::new(), Drips(take)).await.unwrap_err(), BodyRejection::TooSlow(MINUTE));
    assert_eq!(began.elapsed().as_secs(), 60);
    dripping.abort();
}

/// A body of the bytes that the test sends.
struct Drips(tokio::sync::mpsc::UnboundedReceiver<Bytes>);

impl HttpBody for Drips {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.0.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

#[tokio::test]
async fn bodies_share_one_budget_and_a_part_of_it_is_for_small_ones() {
    let reader = BodyReader::new(1 << 20, 1 << 20, MINUTE);
    let (half, none) = ((1 << 20) / 2, HeaderMap::new());
    // The first has its half and waits for more.
    let mut first = Box::pin(reader.read(&none, pieces(&[half], false)));
    assert!(poll_once(&mut first).await.is_pending());
    assert_eq!(reader.read(&none, pieces(&[half], true)).await.unwrap_err(), BodyRejection::NoRoom);
    let mut second = Box::pin(reader.read(&none, pieces(&[half / 2], false)));
    assert!(poll_once(&mut second).await.is_pending());
    assert_eq!(reader.read(&none, pieces(&[SMALL + 1], true)).await.unwrap_err(), BodyRejection::NoRoom);
    let mut small = Vec::new();
    for _ in 0..16 {
        small.push(reader.read(&none, pieces(&[SMALL], true)).await.unwrap());
    }
    assert_eq!(reader.read(&none, pieces(&[1], true)).await.unwrap_err(), BodyRejection::NoRoom);
    // A client that goes away gives its share back, and so does an answer.
    drop(first);
    drop(small);
    drop(reader.read(&none, pieces(&[half], true)).await.unwrap());
    drop(second);
    assert_eq!(reader.budget.used.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_body_for_which_there_can_never_be_room_is_too_large() {
    // Small ones may take all, others three quarters.
    for (all, most) in [(1 << 20, (1 << 20) / 4 * 3), (1_000, 1_000)] {
        let reader = BodyReader::new(usize::MAX, all, MINUTE);
        assert_eq!(reader.read(&HeaderMap::new(), pieces(&[most], true)).await.unwrap().bytes.len(), most);
        let refused = reader.read(&HeaderMap::new(), pieces(&[most + 1], true)).await.unwrap_err();
        assert_eq!(refused, BodyRejection::TooLarge(most));
    }
}

#[tokio::test]
async fn an_announced_length_reserves_no_memory() {
    let reader = BodyReader::new(1 << 20, 2 << 20, MINUTE);
    let head = says("1048576");
    let mut waits = Vec::new();
    for _ in 0..100 {
        let mut read = Box::pin(reader.read(&head, pieces(&[1, 1], false)));
        assert!(poll_once(&mut read).await.is_pending());
        waits.push(read);
    }
    assert_eq!(reader.budget.used.load(Ordering::Relaxed), 200);
}

/// The answer comes while the client still sends, and the rest of its body is read for a while, so that the client gets the answer.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_body_that_is_too_large_is_discarded_for_a_moment() {
    let reader = BodyReader::new(10, 100, MINUTE);
    let drips = |head: HeaderMap| {
        let (send, take) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
        let reader = reader.clone();
        async move {
            assert_eq!(reader.read(&head, Drips(take)).await.unwrap_err(), BodyRejection::TooLarge(10));
            send
        }
    };
    let sends = drips(says("11")).await;
    let began = crate::clock::timer_now();
    sends.send(Bytes::from_static(b"more")).unwrap();
    sends.closed().await;
    assert_eq!(began.elapsed(), DISCARD_TIME);

    let floods = drips(says("11")).await;
    let began = crate::clock::timer_now();
    let piece = Bytes::from(vec![b'a'; DISCARD_BYTES / 2 + 1]);
    for _ in 0..2 {
        let _ = floods.send(piece.clone());
    }
    floods.closed().await;
    assert_eq!(began.elapsed(), Duration::ZERO);

    // A client that sent `Expect: 100-continue` is not asked to send the body.
    let mut asks = says("11");
    asks.insert(EXPECT, HeaderValue::from_static("100-continue"));
    assert!(drips(asks).await.is_closed());
}
