//! Reads request bodies into memory, with limits on the time and size of each, and on the size of all together.

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
use super::collect::ContentLength;
use super::problem::Problem;
use crate::clock::pause;

#[cfg(test)]
mod tests;

/// First bytes of each body, for which a quarter of the budget is reserved, so that large bodies leave room for small ones.
const SMALL: usize = 16 << 10;
/// Longest time for which the rest of a rejected body is read and discarded.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// Largest rest of a rejected body that is read and discarded, in bytes.
const DISCARD_BYTES: usize = 16 << 20;
/// `Retry-After` if there is no room.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Reader of bodies. Clones share one budget.
#[derive(Clone, Debug)]
pub(super) struct BodyReader {
    /// Largest body, in bytes.
    pub(super) max_bytes: usize,
    /// Longest time for one body, from the first wait for it until its last byte.
    pub(super) timeout: Duration,
    budget: Arc<ByteBudget>,
}

/// Budget for the bytes of all bodies that are held.
#[derive(Debug)]
struct ByteBudget {
    total: usize,
    used: AtomicUsize,
}

/// Body that was read.
#[derive(Debug)]
pub(super) struct ReadBody {
    pub(super) bytes: Bytes,
    pub(super) trailers: Option<HeaderMap>,
    /// Part of the budget; drop it when the bytes are no longer needed.
    pub(super) share: BudgetShare,
}

/// Part of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct BudgetShare {
    budget: Arc<ByteBudget>,
    bytes: usize,
}

/// Reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyRejection {
    /// The body has more than this many bytes.
    TooLarge(usize),
    /// The body was not complete within this time.
    TooSlow(Duration),
    /// The bodies of other requests take the whole budget.
    NoRoom,
    /// The body ended in an error.
    Broken,
}

impl BodyReader {
    pub(super) fn new(max_bytes: usize, total: usize, timeout: Duration) -> Self {
        Self { max_bytes, timeout, budget: Arc::new(ByteBudget::new(total)) }
    }

    /// Sets the limit on all bodies together. Clones made before keep the budget that they have.
    pub(super) fn set_total(&mut self, total: usize) {
        self.budget = Arc::new(ByteBudget::new(total));
    }

    /// Reads a body. If its `Content-Length` or size hint is too large, it is rejected before a byte is read. The rest of a body that is
    /// rejected for its size is read and discarded for a while: closing a connection with unread data can lose the response.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the bytes read so far are dropped, and their share of the budget is given back.
    pub(super) async fn read<B>(&self, headers: &HeaderMap, body: B) -> Result<ReadBody, BodyRejection>
    where
        B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
    {
        let mut body = Box::pin(body);
        let read = self.gather(headers, body.as_mut()).await;
        // A client that sent `Expect: 100-continue` has not sent a body yet.
        if let Err(BodyRejection::TooLarge(_) | BodyRejection::NoRoom) = read
            && !headers.contains_key(EXPECT)
        {
            tokio::spawn(discard(body));
        }
        read
    }

    async fn gather<B: HttpBody<Data = Bytes>>(
        &self,
        headers: &HeaderMap,
        mut body: Pin<&mut B>,
    ) -> Result<ReadBody, BodyRejection> {
        // A body that can never fit the budget counts as too large, so that its client does not send it again.
        let max_bytes = self.max_bytes.min(self.budget.room(usize::MAX).max(SMALL.min(self.budget.total)));
        let hint = body.size_hint();
        let length = match ContentLength::new(StatusCode::OK, headers) {
            ContentLength::Known(length) => Some(length),
            ContentLength::Missing | ContentLength::Malformed => hint.exact(),
        };
        if length.unwrap_or(0).max(hint.lower()) > max_bytes as u64 {
            return Err(BodyRejection::TooLarge(max_bytes));
        }
        let mut late = pin!(pause(self.timeout));
        let (mut share, mut read) = (BudgetShare { budget: self.budget.clone(), bytes: 0 }, Gathered::default());
        let trailers = loop {
            let next = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                Poll::Pending => late.as_mut().poll(cx).map(|()| Err(BodyRejection::TooSlow(self.timeout))),
            });
            match next.await?.map(|frame| frame.map(Frame::into_data)) {
                None => break None,
                Some(Err(_)) => return Err(BodyRejection::Broken),
                Some(Ok(Err(frame))) => break frame.into_trailers().ok(),
                Some(Ok(Ok(data))) => {
                    if data.len() > max_bytes - read.len() {
                        return Err(BodyRejection::TooLarge(max_bytes));
                    }
                    share.grow(data.len())?;
                    read.add(data, length);
                }
            }
        };
        Ok(ReadBody { bytes: read.freeze(), trailers, share })
    }
}

/// Reads and discards a body, until its end or for as long as a client may take to notice the response.
async fn discard<B: HttpBody<Data = Bytes>>(mut body: Pin<Box<B>>) {
    let (mut late, mut left) = (pin!(pause(DISCARD_TIME)), DISCARD_BYTES);
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

impl ByteBudget {
    fn new(total: usize) -> Self {
        Self { total, used: AtomicUsize::new(0) }
    }

    /// Returns how many bytes all bodies may take together for one to grow to `bytes`.
    fn room(&self, bytes: usize) -> usize {
        if bytes <= SMALL { self.total } else { self.total - self.total / 4 }
    }
}

impl BudgetShare {
    fn grow(&mut self, by: usize) -> Result<(), BodyRejection> {
        let bytes = self.bytes.saturating_add(by);
        let room = self.budget.room(bytes);
        let used = |used: usize| used.checked_add(by).filter(|used| *used <= room);
        let grown = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, used);
        grown.map_err(|_| BodyRejection::NoRoom)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for BudgetShare {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Pieces of a body; the usual single piece is not copied.
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

    /// Appends a piece. `length` is the length of the whole body, if it was announced.
    fn add(&mut self, data: Bytes, length: Option<u64>) {
        match self {
            Self::One(first) if first.is_empty() => *first = data,
            Self::One(first) => {
                let received = first.len() + data.len();
                let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
                // At most 8 times the bytes received, so that an announced length alone does not take memory.
                let mut all = BytesMut::with_capacity(length.clamp(received, received.saturating_mul(8)));
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

impl BodyRejection {
    /// Converts it into a response. Over HTTP/1 that closes the connection, on which the rest of the body would precede the next request.
    pub(super) fn into_response<B>(self, version: Version) -> Response<Body<B>> {
        let mut response = self.problem().into_response();
        if version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn problem(self) -> Problem {
        match self {
            Self::TooLarge(max_bytes) => {
                let detail = format!("the body of the request is too large: send at most {max_bytes} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            Self::TooSlow(time) => {
                let detail = format!("the body of the request was not complete within {time:?}: send it faster");
                Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
            }
            Self::NoRoom => {
                let detail = "there is no room for the body of the request: try again in a moment";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(RETRY_AFTER)
            }
            Self::Broken => Problem::new(StatusCode::BAD_REQUEST, "the body of the request broke off: send it again"),
        }
    }
}
