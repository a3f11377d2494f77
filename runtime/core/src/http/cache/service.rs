//! Tower service: a hit is a ready future, a bypassed request is the inner service's own future, everything else is boxed.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Version};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::change::PendingInvalidation;
use super::conditional::Conditions;
use super::config::{Config, RequestClass};
use super::directives::Directives;
use super::exchange::{Answer, Exchange, Recipient};
use super::freshness::Reuse;
use super::request_head::RequestHead;
use super::status::{CacheStatus, Forwarded};
use super::store::ResponseStore;
use super::stored::{ResponseEntry, StoredResponse};
use super::tags::{CacheTags, ForwardedByCache, TagField};
use super::target::Target;
use crate::http::Body;
use crate::http::body_error::BoxError;
use crate::http::resumed::ResumedBody;
use crate::http::types::BoxedResponse;
use crate::stats::CountedCall;

/// Service of a [`CacheLayer`](super::CacheLayer) or a [`CoalesceLayer`](crate::http::CoalesceLayer). With a cache it is always ready,
/// and the readiness of the inner service is awaited only when a request is forwarded to it.
#[derive(Clone, Debug)]
pub struct CacheService<S> {
    inner: S,
    /// `None` for a service that forwards everything.
    config: Option<Arc<Config>>,
}

impl<S> CacheService<S> {
    pub(in crate::http) fn new(inner: S, config: Option<Arc<Config>>) -> Self {
        Self { inner, config }
    }
}

impl<S, Q, B> Service<Request<Q>> for CacheService<S>
where
    S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Clone + Send + 'static,
    Q: http_body::Body + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Answer<B>;
    type Error = S::Error;
    type Future = CacheFuture<S::Future, B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.config.is_none() { self.inner.poll_ready(cx) } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let Some(config) = &self.config else {
            return CacheFuture { state: CacheState::Off { call: self.inner.call(request) } };
        };
        let (parts, body) = request.into_parts();
        // HTTP/1 announces a content in its head, HTTP/2 need not; and a body that a layer has wrapped may not report that it is empty.
        let announces = parts.version < Version::HTTP_2;
        let has_content = !announces && !body.is_end_stream() && body.size_hint().upper() != Some(0);
        let request_head = RequestHead::from_headers(&parts.headers);
        let nested = parts.extensions.get::<ForwardedByCache>().is_some();
        let (target, requester, asked) = match config.classify(&parts, &request_head, has_content) {
            RequestClass::Read { target, requester, asked } => (target, requester, asked),
            RequestClass::Bypass(why) => return self.bypass(Request::from_parts(parts, body), why, nested),
            RequestClass::Unsafe(target) => {
                let invalidation = PendingInvalidation::begin(config.handle(), target.to_owned_target());
                let request = Request::from_parts(parts, body);
                return CacheFuture::boxed(forward_unsafe(self.inner.clone(), request, invalidation));
            }
        };
        let store = config.store();
        if store.is_bypassed() {
            store.counters().bypass();
            drop(store);
            return self.bypass(Request::from_parts(parts, body), Forwarded::Bypass, nested);
        }
        let head = parts.method == Method::HEAD;
        // A `HEAD` has no range (RFC 9110 section 14.2).
        let has_range = request_head.has_range && !head;
        let conditions = Conditions::new(&parts.headers, request_head.has_conditions, has_range);
        // Of several ranges, or another unit, the handler decides; without storage there is no whole to take a range of.
        let passes_by = has_range && !(config.stores && conditions.range.is_some());
        if config.stores && !passes_by {
            let asked = request_head.has_directives.then_some(&asked);
            let headers = &parts.headers;
            let request = HitRequest { target: &target, headers, asked, conditions: &conditions, head, nested };
            if let Some(answer) = request.hit(&store, config) {
                return CacheFuture::ready(answer);
            }
        }
        if passes_by {
            drop(store);
            return self.bypass(Request::from_parts(parts, body), Forwarded::Bypass, nested);
        }
        let tags = config.tags.as_ref().map(|tags| tags(&parts)).unwrap_or_default();
        let store = store.into_owned();
        let exchange = Exchange {
            config: config.clone(),
            call: CountedCall::begin(store.counters().clone()),
            store,
            target: target.to_owned_target(),
            requester,
            asked,
            conditions,
            head,
            client: if parts.version < Version::HTTP_11 { Recipient::Http10 } else { Recipient::Current },
            nested,
            memory_short: is_memory_short(&parts.extensions),
            tags,
            variant: String::new(),
            why: Forwarded::Miss,
        };
        CacheFuture::boxed(exchange.run(self.inner.clone(), Request::from_parts(parts, body)))
    }
}

/// Request that a fresh stored response may answer.
struct HitRequest<'a> {
    target: &'a Target<'a>,
    headers: &'a HeaderMap,
    /// `None` for a request without directives.
    asked: Option<&'a Directives>,
    conditions: &'a Conditions,
    head: bool,
    nested: bool,
}

impl HitRequest<'_> {
    /// Returns the response of a hit, if there is one.
    fn hit<B: http_body::Body>(&self, store: &ResponseStore, config: &Config) -> Option<Answer<B>> {
        let mut answer = None;
        store.hit(self.target, (self.headers, &config.ignored_cookies), |entry, recorded, now| {
            if self.asked.is_some_and(|asked| !is_fresh(entry, recorded, now, asked)) {
                return;
            }
            let answer = answer.insert(entry.hit(recorded, now, self.head, self.conditions));
            store.counters().hit();
            if self.nested {
                recorded.add_tags(answer);
            }
        });
        answer
    }
}

impl<S> CacheService<S> {
    /// Forwards a request that bypasses the cache; without a box if the inner service is ready.
    fn bypass<Q, B>(&mut self, request: Request<Q>, why: Forwarded, nested: bool) -> CacheFuture<S::Future, B, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Clone + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let tag_field = self.config.as_ref().and_then(|config| config.tag_field);
        // If it is not ready, the boxed future polls it again with its own waker.
        match self.inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => {
                let call = self.inner.call(request);
                return CacheFuture { state: CacheState::Bypassed { call, why, nested, tag_field } };
            }
            Poll::Ready(Err(error)) => return CacheFuture::boxed(std::future::ready(Err(error))),
            Poll::Pending => {}
        }
        // The instance that was polled may have a place in a queue, so the request waits for this one.
        let next = self.inner.clone();
        let mut asked = std::mem::replace(&mut self.inner, next);
        CacheFuture::boxed(async move {
            poll_fn(|cx| asked.poll_ready(cx)).await?;
            Ok(bypassed(asked.call(request).await?, why, nested, tag_field))
        })
    }
}

/// Returns whether a stored response is fresh for a request with these directives.
fn is_fresh(entry: &ResponseEntry, recorded: &StoredResponse, now: u64, asked: &Directives) -> bool {
    recorded.freshness(entry.expires, now).reuse(asked, recorded.grace) == Reuse::Fresh
}

/// Forwards an unsafe request, and invalidates what it may have changed.
async fn forward_unsafe<S, Q, B>(
    mut inner: S,
    request: Request<Q>,
    invalidation: PendingInvalidation,
) -> Result<Answer<B>, S::Error>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: http_body::Body<Data = Bytes>,
{
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    let response = inner.call(request).await?;
    if nothing_changed(response.status()) {
        invalidation.cancel();
    } else {
        invalidation.commit(response.headers()).await;
    }
    Ok(bypassed(response, Forwarded::Method, false, None))
}

/// Returns whether a status means that the handler changed nothing. After a timeout or a failure it may have made a part of the change.
fn nothing_changed(status: StatusCode) -> bool {
    (status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT) || status == StatusCode::SERVICE_UNAVAILABLE
}

/// Returns whether memory is so short that no body may be stored.
#[cfg(feature = "monitor")]
fn is_memory_short(request: &Extensions) -> bool {
    request.get::<crate::http::memory::MemoryIsShort>().is_some()
}

#[cfg(not(feature = "monitor"))]
fn is_memory_short(_: &Extensions) -> bool {
    false
}

fn bypassed<B: http_body::Body<Data = Bytes>>(
    mut response: Response<B>,
    why: Forwarded,
    nested: bool,
    tag_field: Option<TagField>,
) -> Answer<B> {
    if let (Some(field), Some(tags)) = (tag_field, response.extensions().get::<CacheTags>().cloned()) {
        field.write(&tags.0, response.headers_mut());
    }
    if !nested {
        response.extensions_mut().remove::<CacheTags>();
    }
    CacheStatus::Passed(why).append_to(response.headers_mut());
    untouched(response)
}

fn untouched<B: http_body::Body<Data = Bytes>>(response: Response<B>) -> Answer<B> {
    response.map(|body| Body::inner(ResumedBody::untouched(body)))
}

pin_project! {
    /// Future of a [`CacheService`].
    pub struct CacheFuture<F, B, E = Infallible>
    where
        B: http_body::Body,
    {
        #[pin]
        state: CacheState<F, B, E>,
    }
}

pin_project! {
    #[project = ProjectedCacheState]
    enum CacheState<F, B, E>
    where
        B: http_body::Body,
    {
        Off { #[pin] call: F },
        Ready { answer: Option<Answer<B>> },
        Bypassed { #[pin] call: F, why: Forwarded, nested: bool, tag_field: Option<TagField> },
        Boxed { future: BoxedResponse<Body<ResumedBody<B>>, E> },
    }
}

impl<F, B: http_body::Body, E> CacheFuture<F, B, E> {
    fn ready(answer: Answer<B>) -> Self {
        Self { state: CacheState::Ready { answer: Some(answer) } }
    }

    fn boxed(future: impl Future<Output = Result<Answer<B>, E>> + Send + 'static) -> Self {
        Self { state: CacheState::Boxed { future: Box::pin(future) } }
    }
}

impl<F, B, E> Future for CacheFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes>,
{
    type Output = Result<Answer<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            ProjectedCacheState::Off { call } => call.poll(cx).map_ok(untouched),
            ProjectedCacheState::Ready { answer } => Poll::Ready(Ok(answer.take().expect("polled after completion"))),
            ProjectedCacheState::Bypassed { call, why, nested, tag_field } => {
                call.poll(cx).map_ok(|response| bypassed(response, *why, *nested, *tag_field))
            }
            ProjectedCacheState::Boxed { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, B: http_body::Body, E> fmt::Debug for CacheFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheFuture")
            .field("ready", &matches!(self.state, CacheState::Ready { .. }))
            .finish_non_exhaustive()
    }
}
