//! Bodies, read to be kept; and those that turn out too large, passed on from where they are.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a service that a cache has begun to read, from its beginning.
    #[project = Projected]
    pub struct Resumed<B>
    where
        B: http_body::Body,
    {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = ProjectedState]
    enum State<B>
    where
        B: http_body::Body,
    {
        Untouched { #[pin] body: B },
        // In a box, as it is rare and large, and a body is moved from layer to layer.
        Midway { midway: Box<Midway<B>> },
    }
}

struct Midway<B: http_body::Body> {
    head: VecDeque<Bytes>,
    /// What made the reader stop.
    next: Option<Result<Frame<Bytes>, B::Error>>,
    /// None after its end: it is not to be polled again.
    rest: Option<Pin<Box<B>>>,
}

impl<B: http_body::Body<Data = Bytes>> Resumed<B> {
    /// A body that nobody has read of.
    pub(super) fn untouched(body: B) -> Self {
        Self { state: State::Untouched { body } }
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Resumed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().state.project() {
            ProjectedState::Untouched { body } => body.poll_frame(cx),
            ProjectedState::Midway { midway } => midway.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Untouched { body } => body.is_end_stream(),
            State::Midway { midway } => midway.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Untouched { body } => body.size_hint(),
            State::Midway { midway } => midway.size_hint(),
        }
    }
}

impl<B: http_body::Body<Data = Bytes>> Midway<B> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(bytes) = self.head.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(frame) = self.next.take() {
            return Poll::Ready(Some(frame));
        }
        self.rest.as_mut().map_or(Poll::Ready(None), |rest| rest.as_mut().poll_frame(cx))
    }

    fn is_end(&self) -> bool {
        self.head.is_empty() && self.next.is_none() && self.rest.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let known = self.head.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(known));
        }
        hint.set_lower(rest.lower().saturating_add(known));
        hint
    }
}

impl<B: http_body::Body> fmt::Debug for Resumed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resumed(..)")
    }
}

/// A body that was read.
pub(super) enum Collected<B: http_body::Body> {
    /// To its end.
    Whole(Bytes),
    /// Not to its end, or it failed, or has trailers: to be passed on.
    Midway(Resumed<B>),
}

/// Reads a body that may be kept if it is of `length`, where that is known, and has at most `limit` bytes.
pub(super) async fn collect<B>(body: B, limit: usize, length: Option<u64>) -> Collected<B>
where
    B: http_body::Body<Data = Bytes>,
{
    if body.size_hint().lower().max(length.unwrap_or(0)) > limit as u64 {
        return Collected::Midway(Resumed::untouched(body));
    }
    let (mut head, mut total, mut rest) = (VecDeque::new(), 0_usize, Box::pin(body));
    let (next, ended) = loop {
        match poll_fn(|cx| rest.as_mut().poll_frame(cx)).await.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(bytes))) => {
                total = total.saturating_add(bytes.len());
                head.push_back(bytes);
                if total > limit {
                    break (None, false);
                }
            }
            Some(Ok(Err(trailers))) => break (Some(Ok(trailers)), false),
            Some(Err(error)) => break (Some(Err(error)), true),
            // Incomplete responses are not kept (RFC 9111 section 3.3).
            None if length.is_some_and(|length| length != total as u64) => break (None, true),
            None => return Collected::Whole(joined(head, total)),
        }
    };
    let rest = (!ended).then_some(rest);
    Collected::Midway(Resumed { state: State::Midway { midway: Box::new(Midway { head, next, rest }) } })
}

fn joined(mut chunks: VecDeque<Bytes>, total: usize) -> Bytes {
    if chunks.len() < 2 {
        return chunks.pop_front().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(total);
    for chunk in chunks {
        all.extend_from_slice(&chunk);
    }
    all.freeze()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http_body_util::BodyExt as _;

    use super::*;

    /// Gives these frames, one after the other.
    struct Frames(VecDeque<Result<Frame<Bytes>, &'static str>>, bool);

    impl http_body::Body for Frames {
        type Data = Bytes;
        type Error = &'static str;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            let next = self.0.pop_front();
            assert!(next.is_some() || !std::mem::replace(&mut self.1, true), "polled after its end");
            Poll::Ready(next)
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of the frames that a body yields")]
    fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    async fn midway(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: Option<u64>) -> Resumed<Frames> {
        match collect(Frames(frames.into(), false), 4, length).await {
            Collected::Midway(rest) => rest,
            Collected::Whole(bytes) => panic!("kept {bytes:?}"),
        }
    }

    #[tokio::test]
    async fn up_to_the_limit_a_body_is_kept() {
        for frames in [vec![data("abcd")], vec![data("a"), data(""), data("bcd")]] {
            let Collected::Whole(bytes) = collect(Frames(frames.into(), false), 4, None).await else {
                panic!("not kept")
            };
            assert_eq!(bytes, "abcd");
        }
        let Collected::Whole(bytes) = collect(Frames(VecDeque::new(), false), 4, Some(0)).await else {
            panic!("not kept")
        };
        assert!(bytes.is_empty());
    }

    #[tokio::test]
    async fn beyond_it_nothing_of_it_is_lost() {
        let rest = midway(vec![data("abc"), data("de"), data("f")], None).await;
        assert_eq!(rest.collect().await.unwrap().to_bytes(), "abcdef");
        let rest = midway(vec![data("abc")], Some(5)).await;
        assert_eq!(rest.collect().await.unwrap().to_bytes(), "abc", "rfc9111 3.3: incomplete");
    }

    #[tokio::test]
    async fn trailers_and_errors_come_where_they_were() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x", "1".parse().unwrap());
        let rest = midway(vec![data("ab"), Ok(Frame::trailers(trailers.clone()))], None).await;
        let all = rest.collect().await.unwrap();
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(all.to_bytes(), "ab");
        let mut rest = midway(vec![data("ab"), Err("cut")], None).await;
        assert_eq!(rest.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        assert_eq!(rest.frame().await.unwrap().unwrap_err(), "cut");
        assert!(rest.frame().await.is_none());
    }
}
