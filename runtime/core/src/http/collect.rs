//! Reading a response's body as far as it may be stored.

use std::collections::VecDeque;
use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body::Frame;

use super::resumed::{BodyError, BoxError, Midway, Promise, ResumedBody};

/// A body that was read.
pub(super) enum Collected<B> {
    /// The whole body.
    Whole(Bytes),
    /// A body that was not read to its end, or that has trailers: it is passed on from its beginning.
    Midway(ResumedBody<B>),
    /// A body that broke off, or is not as long as it promised to be.
    Broken(BodyError),
}

/// The length that the head of a response says, if it says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Unsaid,
    Said(u64),
    /// A value that is no number, or several that differ.
    Unreadable,
}

impl Length {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        // These have no body, whatever length their head says (RFC 9110 section 8.6).
        if status.is_informational() || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status) {
            return Self::Unsaid;
        }
        let mut lines = headers.get_all(CONTENT_LENGTH).iter().map(|line| line.to_str().ok()?.parse().ok());
        match lines.next() {
            None => Self::Unsaid,
            Some(Some(length)) if lines.all(|other| other == Some(length)) => Self::Said(length),
            Some(_) => Self::Unreadable,
        }
    }
}

/// Reads a body that may be stored if it is of the length that its head says and has at most `limit` bytes.
pub(super) async fn collect<B>(body: B, limit: usize, length: Length) -> Collected<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let hint = body.size_hint();
    let mut promise = match length {
        Length::Unsaid => Promise::new(hint.exact()),
        Length::Said(length) => Promise::new(Some(length)),
        Length::Unreadable => return Collected::Midway(ResumedBody::untouched(body)),
    };
    if hint.lower().max(promise.promised().unwrap_or(0)) > limit as u64 {
        return Collected::Midway(ResumedBody::passed(body, promise));
    }
    let (mut read, mut total, mut rest) = (VecDeque::new(), 0_usize, Box::pin(body));
    let trailers = loop {
        match poll_fn(|cx| rest.as_mut().poll_frame(cx)).await.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(bytes))) => {
                total = total.saturating_add(bytes.len());
                if let Err(error) = promise.count(bytes.len()) {
                    return Collected::Broken(error);
                }
                read.push_back(bytes);
                if total > limit {
                    break None;
                }
            }
            Some(Err(error)) => return Collected::Broken(BodyError::new(error)),
            // Incomplete responses are not stored (RFC 9111 section 3.3).
            Some(Ok(Err(frame))) => match promise.end() {
                Ok(()) => break frame.into_trailers().ok(),
                Err(error) => return Collected::Broken(error),
            },
            None => return promise.end().map_or_else(Collected::Broken, |()| Collected::Whole(joined(read, total))),
        }
    };
    Collected::Midway(ResumedBody::midway(Midway { read, trailers, rest, promise }))
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
    use std::task::{Context, Poll};

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

    async fn read(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: Length) -> Collected<Frames> {
        collect(Frames(frames.into(), false), 4, length).await
    }

    async fn midway(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: Length) -> ResumedBody<Frames> {
        match read(frames, length).await {
            Collected::Midway(rest) => rest,
            Collected::Whole(bytes) => panic!("whole: {bytes:?}"),
            Collected::Broken(error) => panic!("broken: {error}"),
        }
    }

    async fn broken(frames: Vec<Result<Frame<Bytes>, &'static str>>, length: Length) -> String {
        match read(frames, length).await {
            Collected::Broken(error) => error.to_string(),
            Collected::Whole(bytes) => panic!("whole: {bytes:?}"),
            Collected::Midway(_) => panic!("passed on"),
        }
    }

    #[tokio::test]
    async fn up_to_the_limit_a_body_is_kept() {
        for frames in [vec![data("abcd")], vec![data("a"), data(""), data("bcd")]] {
            let Collected::Whole(bytes) = read(frames, Length::Unsaid).await else { panic!("not kept") };
            assert_eq!(bytes, "abcd");
        }
        let Collected::Whole(bytes) = read(Vec::new(), Length::Said(0)).await else { panic!("not kept") };
        assert!(bytes.is_empty());
    }

    #[tokio::test]
    async fn beyond_it_nothing_of_it_is_lost() {
        let rest = midway(vec![data("abc"), data("de"), data("f")], Length::Unsaid).await;
        assert_eq!(rest.collect().await.unwrap().to_bytes(), "abcdef");
        let rest = midway(vec![data("abc")], Length::Unreadable).await;
        assert_eq!(rest.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn trailers_come_where_they_were() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x", "1".parse().unwrap());
        let rest = midway(vec![data("ab"), Ok(Frame::trailers(trailers.clone()))], Length::Said(2)).await;
        let all = rest.collect().await.unwrap();
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(all.to_bytes(), "ab");
    }

    #[tokio::test]
    async fn rfc9111_3_3_what_is_not_as_long_as_promised_is_broken() {
        let trailers = || Ok(Frame::trailers(HeaderMap::new()));
        assert_eq!(broken(vec![data("ab"), Err("cut")], Length::Unsaid).await, "the body broke off");
        assert_eq!(broken(vec![Err("cut")], Length::Said(0)).await, "the body broke off");
        for frames in [vec![], vec![data("")], vec![trailers()]] {
            let error = broken(frames, Length::Said(3)).await;
            assert_eq!(error, "the body ended after 0 of the 3 bytes that it promised");
        }
        for (frames, promised) in [(vec![data("abc")], 2), (vec![data("ab"), data("c")], 2), (vec![data("a")], 0)] {
            let error = broken(frames, Length::Said(promised)).await;
            assert_eq!(error, format!("the body goes on after the {promised} bytes that it promised"));
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
            let mut body = midway(frames, Length::Said(promised)).await;
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
    fn a_hint_that_will_prove_wrong_is_not_given() {
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
    fn the_length_of_a_head() {
        let length = |status, lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (CONTENT_LENGTH, http::HeaderValue::from_static(line)));
            Length::new(StatusCode::from_u16(status).unwrap(), &lines.collect())
        };
        for (status, lines, expected) in [
            (200, &[][..], Length::Unsaid),
            (200, &["7"], Length::Said(7)),
            (200, &["7", "7"], Length::Said(7)),
            (200, &["7", "8"], Length::Unreadable),
            (200, &["7 bytes"], Length::Unreadable),
            (204, &["7"], Length::Unsaid),
            (304, &["7"], Length::Unsaid),
        ] {
            assert_eq!(length(status, lines), expected, "{status} {lines:?}");
        }
    }
}
