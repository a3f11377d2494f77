//! Reading bodies of requests into memory: each within a time and a bound, and all together within another.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame};

use super::body::Body;
use super::collect::Length;
use super::problem::Problem;
use crate::clock::pause;

#[cfg(test)]
mod tests;

/// The first bytes of each body, for which a quarter of the budget is set apart: some large bodies leave room for small ones.
const SMALL: usize = 16 << 10;
/// How long the rest of a body is thrown away, and how many bytes of it.
const LINGER: (Duration, usize) = (Duration::from_secs(5), 16 << 20);
/// When to come back if there is no room.
const COME_BACK: Duration = Duration::from_secs(1);

/// Reads bodies. Clones share one budget.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// The most bytes of one body.
    pub(super) each: usize,
    /// How long one body may take, from when it is waited for until its last byte.
    pub(super) time: Duration,
    budget: Arc<Budget>,
}

/// The bytes of all bodies that are held.
#[derive(Debug)]
struct Budget {
    all: usize,
    taken: AtomicUsize,
}

/// A body that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Bytes,
    pub(super) trailers: Option<HeaderMap>,
    /// Give it back when the bytes are needed no more.
    pub(super) share: Share,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

/// The reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has more than so many bytes.
    TooLarge(usize),
    /// It was not there within this time.
    TooSlow(Duration),
    /// The bodies of other requests take all the room that there is.
    NoRoom,
    /// An error came before its end.
    Broken,
}

impl Reader {
    pub(super) fn new(each: usize, all: usize, time: Duration) -> Self {
        Self { each, time, budget: Arc::new(Budget::new(all)) }
    }

    /// With another bound on all bodies together. Clones that were made before have a budget of their own.
    pub(super) fn set_all(&mut self, all: usize) {
        self.budget = Arc::new(Budget::new(all));
    }

    /// Reads a body. One that says by its head or its hint that it is too large is refused before a byte of it is read. The rest of a
    /// body that is refused for its size is thrown away for a moment: a connection that is closed with something unread on it may
    /// take the answer with it.
    ///
    /// Cancel safe: what was read so far is forgotten, and its share of the budget given back.
    pub(super) async fn read<B>(&self, headers: &HeaderMap, body: B) -> Result<Read, Refused>
    where
        B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
    {
        let mut body = Box::pin(body);
        let read = self.gather(headers, body.as_mut()).await;
        // A client that waits for a word before it sends has nothing under way.
        if let Err(Refused::TooLarge(_) | Refused::NoRoom) = read
            && !headers.contains_key(EXPECT)
        {
            tokio::spawn(throw_away(body));
        }
        read
    }

    async fn gather<B: HttpBody<Data = Bytes>>(
        &self,
        headers: &HeaderMap,
        mut body: Pin<&mut B>,
    ) -> Result<Read, Refused> {
        // One that takes more than there may ever be room for is not to come back.
        let each = self.each.min(self.budget.room(usize::MAX).max(SMALL.min(self.budget.all)));
        let hint = body.size_hint();
        let said = match Length::new(StatusCode::OK, headers) {
            Length::Said(said) => Some(said),
            Length::Unsaid | Length::Unreadable => hint.exact(),
        };
        if said.unwrap_or(0).max(hint.lower()) > each as u64 {
            return Err(Refused::TooLarge(each));
        }
        let mut late = pin!(pause(self.time));
        let (mut share, mut read) = (Share { budget: self.budget.clone(), bytes: 0 }, Gathered::default());
        let trailers = loop {
            let next = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                Poll::Pending => late.as_mut().poll(cx).map(|()| Err(Refused::TooSlow(self.time))),
            });
            match next.await?.map(|frame| frame.map(Frame::into_data)) {
                None => break None,
                Some(Err(_)) => return Err(Refused::Broken),
                Some(Ok(Err(frame))) => break frame.into_trailers().ok(),
                Some(Ok(Ok(data))) => {
                    if data.len() > each - read.len() {
                        return Err(Refused::TooLarge(each));
                    }
                    share.grow(data.len())?;
                    read.add(data, said);
                }
            }
        };
        Ok(Read { bytes: read.freeze(), trailers, share })
    }
}

/// Reads a body to its end, or as long as its client may be expected to notice that it was answered.
async fn throw_away<B: HttpBody<Data = Bytes>>(mut body: Pin<Box<B>>) {
    let (mut late, mut left) = (pin!(pause(LINGER.0)), LINGER.1);
    poll_fn(|cx| {
        while let Poll::Ready(frame) = body.as_mut().poll_frame(cx) {
            let Some(Ok(frame)) = frame else { return Poll::Ready(()) };
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(bytes) else { return Poll::Ready(()) };
            left = rest;
        }
        late.as_mut().poll(cx)
    })
    .await;
}

impl Budget {
    fn new(all: usize) -> Self {
        Self { all, taken: AtomicUsize::new(0) }
    }

    /// The bytes that all may take together once one takes so many.
    fn room(&self, bytes: usize) -> usize {
        if bytes <= SMALL { self.all } else { self.all - self.all / 4 }
    }
}

impl Share {
    fn grow(&mut self, by: usize) -> Result<(), Refused> {
        let bytes = self.bytes.saturating_add(by);
        let room = self.budget.room(bytes);
        let taken = |taken: usize| taken.checked_add(by).filter(|taken| *taken <= room);
        let grown = self.budget.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        grown.map_err(|_| Refused::NoRoom)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The pieces of a body: without a copy where there is one, as a rule.
enum Gathered {
    One(Bytes),
    Many(BytesMut),
}

impl Default for Gathered {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

impl Gathered {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    /// `said` is the length of all of them, where that is known.
    fn add(&mut self, data: Bytes, said: Option<u64>) {
        match self {
            Self::One(first) if first.is_empty() => *first = data,
            Self::One(first) => {
                let here = first.len() + data.len();
                let said = said.and_then(|said| usize::try_from(said).ok()).unwrap_or(0);
                // A client that says much and sends little gets little.
                let mut all = BytesMut::with_capacity(said.clamp(here, here.saturating_mul(8)));
                all.extend_from_slice(first);
                all.extend_from_slice(&data);
                *self = Self::Many(all);
            }
            Self::Many(all) => all.extend_from_slice(&data),
        }
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}

impl Refused {
    /// The answer. Over HTTP/1 it closes the connection, on which the rest of the body would be in the way of the next request.
    pub(super) fn into_response<B>(self, version: Version) -> Response<Body<B>> {
        let mut response = self.problem().into_response();
        if version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn problem(self) -> Problem {
        match self {
            Self::TooLarge(most) => {
                let detail = format!("the body of the request is too large: send at most {most} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            Self::TooSlow(time) => {
                let detail = format!("the body of the request did not come within {time:?}: send it faster");
                Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
            }
            Self::NoRoom => {
                let detail = "there is no room for the body of the request: try again in a moment";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(COME_BACK)
            }
            Self::Broken => Problem::new(StatusCode::BAD_REQUEST, "the body of the request broke off"),
        }
    }
}
