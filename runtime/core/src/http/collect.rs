//! Reads the body of a response, up to the largest size that may be stored.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body::Frame;

use super::body_error::{BodyError, BoxError};
use super::resumed::{Midway, Promise, ResumedBody};

/// Result of reading a body.
pub(super) enum Collected<B> {
    /// The whole body.
    Whole(Bytes),
    /// A body that was not read to its end, or has trailers: it is passed on from its beginning.
    Midway(ResumedBody<B>),
    /// A body that broke off, or is shorter or longer than announced.
    Broken(BodyError),
}

/// Result of reading a body as far as it is ready.
pub(super) enum BegunBody<B> {
    /// The body was ready to its end, or as far as it may be read.
    Collected(Collected<B>),
    /// The rest of the body is still to come. Without trailers.
    Coming(Midway<B>),
}

/// Value of `Content-Length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentLength {
    Missing,
    Known(u64),
    /// A value that is not a number, or several that differ.
    Malformed,
}

impl ContentLength {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        // These have no body, whatever their `Content-Length` is (RFC 9110 section 8.6).
        if status.is_informational() || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status) {
            return Self::Missing;
        }
        let mut lines = headers.get_all(CONTENT_LENGTH).iter().map(|line| line.to_str().ok()?.parse().ok());
        match lines.next() {
            None => Self::Missing,
            Some(Some(length)) if lines.all(|other| other == Some(length)) => Self::Known(length),
            Some(_) => Self::Malformed,
        }
    }
}

/// Reads a body, which may be stored if it has the length that its head announces and at most `limit` bytes.
pub(super) async fn collect<B>(body: B, limit: usize, length: ContentLength) -> Collected<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    match read(body, limit, length, true).await {
        BegunBody::Collected(collected) => collected,
        BegunBody::Coming(midway) => Collected::Midway(ResumedBody::midway(midway)),
    }
}

/// Does what [`collect`] does, but only as far as the body is ready.
pub(super) async fn begin<B>(body: B, limit: usize, length: ContentLength) -> BegunBody<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    read(body, limit, length, false).await
}

async fn read<B>(body: B, limit: usize, length: ContentLength, waits: bool) -> BegunBody<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let hint = body.size_hint();
    let mut promise = match length {
        ContentLength::Missing => Promise::new(hint.exact()),
        ContentLength::Known(length) => Promise::new(Some(length)),
        ContentLength::Malformed => return BegunBody::Collected(Collected::Midway(ResumedBody::untouched(body))),
    };
    if hint.lower().max(promise.promised().unwrap_or(0)) > limit as u64 {
        return BegunBody::Collected(Collected::Midway(ResumedBody::passed(body, promise)));
    }
    let (mut read, mut total, mut rest) = (VecDeque::new(), 0_usize, Box::pin(body));
    let broken = |error| BegunBody::Collected(Collected::Broken(error));
    let trailers = loop {
        let frame = poll_fn(|cx| match rest.as_mut().poll_frame(cx) {
            Poll::Pending if !waits => Poll::Ready(None),
            frame => frame.map(Some),
        });
        let Some(frame) = frame.await else {
            return BegunBody::Coming(Midway { read, trailers: None, rest, promise });
        };
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(bytes))) => {
                total = total.saturating_add(bytes.len());
                if let Err(error) = promise.count(bytes.len()) {
                    return broken(error);
                }
                read.push_back(bytes);
                if total > limit {
                    break None;
                }
            }
            Some(Err(error)) => return broken(BodyError::new(error)),
            // Incomplete responses are not stored (RFC 9111 section 3.3).
            Some(Ok(Err(frame))) => match promise.end() {
                Ok(()) => break frame.into_trailers().ok(),
                Err(error) => return broken(error),
            },
            None => {
                return promise
                    .end()
                    .map_or_else(broken, |()| BegunBody::Collected(Collected::Whole(joined(read, total))));
            }
        }
    };
    BegunBody::Collected(Collected::Midway(ResumedBody::midway(Midway { read, trailers, rest, promise })))
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
    use std::pin::Pin;
    use std::task::Context;

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

    async fn read(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: ContentLength) -> Collected<Frames> {
        collect(Frames(frames.into(), false), 4, length).await
    }

    async fn midway(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: ContentLength) -> ResumedBody<Frames> {
        match read(frames, length).await {
            Collected::Midway(rest) => rest,
            Collected::Whole(bytes) => panic!("whole: {bytes:?}"),
            Collected::Broken(error) => panic!("broken: {error}"),
        }
    }

    async fn broken(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: ContentLength) -> String {
        match read(frames, length).await {
            Collected::Broken(error) => error.to_string(),
            Collected::Whole(bytes) => panic!("whole: {bytes:?}"),
            Collected::Midway(_) => panic!("passed on"),
        }
    }

    #[tokio::test]
    async fn a_body_within_the_limit_is_collected() {
        for frames in [vec![data("abcd")], vec![data("a"), data(""), data("bcd")]] {
            let Collected::Whole(bytes) = read(frames, ContentLength::Missing).await else { panic!("not kept") };
            assert_eq!(bytes, "abcd");
        }
        let Collected::Whole(bytes) = read(Vec::new(), ContentLength::Known(0)).await else { panic!("not kept") };
        assert!(bytes.is_empty());
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_passed_on_in_full() {
        let rest = midway(vec![data("abc"), data("de"), data("f")], ContentLength::Missing).await;
        assert_eq!(rest.collect().await.unwrap().to_bytes(), "abcdef");
        let rest = midway(vec![data("abc")], ContentLength::Malformed).await;
        assert_eq!(rest.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn trailers_follow_their_body() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x", "1".parse().unwrap());
        let rest = midway(vec![data("ab"), Ok(Frame::trailers(trailers.clone()))], ContentLength::Known(2)).await;
        let all = rest.collect().await.unwrap();
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(all.to_bytes(), "ab");
    }

    #[tokio::test]
    async fn rfc9111_3_3_a_body_of_another_length_than_promised_is_broken() {
        let trailers = || Ok(Frame::trailers(HeaderMap::new()));
        assert_eq!(broken(vec![data("ab"), Err("cut")], ContentLength::Missing).await, "the body broke off");
        assert_eq!(broken(vec![Err("cut")], ContentLength::Known(0)).await, "the body broke off");
        for frames in [vec![], vec![data("")], vec![trailers()]] {
            let error = broken(frames, ContentLength::Known(3)).await;
            assert_eq!(error, "the body ended after 0 of the 3 bytes that its length announced");
        }
        for (frames, promised) in [(vec![data("abc")], 2), (vec![data("ab"), data("c")], 2), (vec![data("a")], 0)] {
            let error = broken(frames, ContentLength::Known(promised)).await;
            assert_eq!(error, format!("the body goes on after the {promised} bytes that its length announced"));
        }
    }

    #[tokio::test]
    async fn a_body_that_is_passed_on_ends_in_an_error_unless_it_is_whole() {
        for (frames, promised, sent) in [
            (vec![data("abc"), data("de")], 6, "abcde"),
            (vec![data("abc"), data("de")], 5, "abcde"),
            (vec![data("abc"), data("de"), data("fg")], 6, "abcde"),
            (vec![data("abc"), data("de"), Err("cut")], 6, "abcde"),
        ] {
            let whole = promised == sent.len() as u64;
            let mut body = midway(frames, ContentLength::Known(promised)).await;
            let (mut got, mut failed) = (Vec::new(), false);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => got.extend_from_slice(&frame.into_data().unwrap()),
                    Err(_) => failed = true,
                }
            }
            assert_eq!((got.as_slice(), failed), (sent.as_bytes(), !whole), "{promised}");
        }
    }

    #[test]
    fn a_wrong_size_hint_is_not_passed_on() {
        let exact = |promised| {
            let body: http_body_util::Full<Bytes> = "abc".into();
            http_body::Body::size_hint(&ResumedBody::passed(body, Promise::new(promised))).exact()
        };
        assert_eq!([exact(None), exact(Some(3)), exact(Some(5)), exact(Some(2))], [Some(3), Some(3), None, None]);
        let broken = ResumedBody::<http_body_util::Full<Bytes>>::broken(BodyError::Long { promised: 1 });
        assert_eq!(http_body::Body::size_hint(&broken).exact(), None);
        assert!(!http_body::Body::is_end_stream(&broken));
    }

    #[test]
    fn the_length_of_a_body_is_read_from_its_head() {
        let length = |status, lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (CONTENT_LENGTH, http::HeaderValue::from_static(line)));
            ContentLength::new(StatusCode::from_u16(status).unwrap(), &lines.collect())
        };
        for (status, lines, expected) in [
            (200, &[][..], ContentLength::Missing),
            (200, &["7"], ContentLength::Known(7)),
            (200, &["7", "7"], ContentLength::Known(7)),
            (200, &["7", "8"], ContentLength::Malformed),
            (200, &["7 bytes"], ContentLength::Malformed),
            (204, &["7"], ContentLength::Missing),
            (304, &["7"], ContentLength::Missing),
        ] {
            assert_eq!(length(status, lines), expected, "{status} {lines:?}");
        }
    }
}
