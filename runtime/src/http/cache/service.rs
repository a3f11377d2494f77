//! The service: hits are answered without a future of their own, everything else in a box.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, Method, Request, Response, StatusCode, Version};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::change::Change;
use super::collect::Resumed;
use super::conditional::Conditions;
use super::config::{Class, Config};
use super::directives::Directives;
use super::exchange::{Answer, Exchange};
use super::freshness::Reuse;
use super::status::{Forwarded, Status};
use super::store::Store;
use super::stored::Stored;
use super::tags::{CacheTags, OnBehalf};
use super::target::Target;
use crate::http::Body;

/// A service whose responses are cached, or shared by those who ask at the same time. Always ready: the service behind is waited
/// for only when it has to be asked.
#[derive(Clone, Debug)]
pub struct Cached<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> Cached<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

// Who asks, and what for.
#[allow(clippy::similar_names)]
impl<S, Q, B> Service<Request<Q>> for Cached<S>
where
    S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Clone + Send + 'static,
    Q: http_body::Body + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Send> + Send + 'static,
{
    type Response = Answer<B>;
    type Error = S::Error;
    type Future = ResponseFuture<B, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (parts, body) = request.into_parts();
        // HTTP/1 says so in its head, HTTP/2 need not; and a body that a layer has wrapped may not say that it is empty.
        let says = parts.version < Version::HTTP_2;
        let has_content = !says && !body.is_end_stream() && body.size_hint().upper() != Some(0);
        let nested = parts.extensions.get::<OnBehalf>().is_some();
        let (target, asker, asked) = match self.config.class(&parts, has_content) {
            Class::Read { target, asker, asked } => (target, asker, asked),
            Class::Pass(why) => {
                return ResponseFuture::boxed(pass(self.inner.clone(), Request::from_parts(parts, body), why, nested));
            }
            Class::Change(target) => {
                let change = Change::begin(self.config.handle(), target.own());
                return ResponseFuture::boxed(run(self.inner.clone(), Request::from_parts(parts, body), change));
            }
        };
        let (store, conditions) = (self.config.store(), Conditions::of(&parts.headers));
        let head = parts.method == Method::HEAD;
        if self.config.keeps
            && let Some(answer) = hit(&store, &target, &parts.headers, &asked, &conditions, (head, nested))
        {
            return ResponseFuture::ready(answer);
        }
        let tags = self.config.declare.as_ref().map(|declare| declare(&parts)).unwrap_or_default();
        let exchange = Exchange {
            config: self.config.clone(),
            store,
            target: target.own(),
            asker,
            asked,
            conditions,
            head,
            nested,
            short: is_short(&parts.extensions),
            tags,
            variant: String::new(),
            why: Forwarded::Miss,
        };
        ResponseFuture::boxed(exchange.run(self.inner.clone(), Request::from_parts(parts, body)))
    }
}

/// The answer, if there is one that is fresh.
#[allow(clippy::similar_names)] // `headers` and `head`, as HTTP has them
fn hit<B: http_body::Body>(
    store: &Store,
    target: &Target<'_>,
    headers: &http::HeaderMap,
    asked: &Directives,
    conditions: &Conditions,
    (head, nested): (bool, bool),
) -> Option<Answer<B>> {
    let held = store.hit(target, headers)?;
    let Stored::Response(recorded) = &held.stored else { return None };
    let standing = recorded.standing(held.expires, store.clock().coarse());
    if standing.reuse(asked, recorded.grace) != Reuse::Fresh {
        return None;
    }
    store.counters.hit();
    let mut answer = held.hit(recorded, standing, head, conditions);
    if nested {
        recorded.tell_tags(&mut answer);
    }
    Some(answer)
}

/// Passes a request by the cache.
async fn pass<S, Q, B>(mut inner: S, request: Request<Q>, why: Forwarded, nested: bool) -> Result<Answer<B>, S::Error>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: http_body::Body<Data = Bytes>,
{
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    Ok(passed(inner.call(request).await?, why, nested))
}

/// The same for one that may change what is stored.
async fn run<S, Q, B>(mut inner: S, request: Request<Q>, change: Change) -> Result<Answer<B>, S::Error>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: http_body::Body<Data = Bytes>,
{
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    let response = inner.call(request).await?;
    if is_refusal(response.status()) {
        change.nothing();
    } else {
        change.done(response.headers()).await;
    }
    Ok(passed(response, Forwarded::Method, false))
}

/// Whether a response says that nothing was changed. Who was too slow, or failed, may have done half of it.
fn is_refusal(status: StatusCode) -> bool {
    (status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT) || status == StatusCode::SERVICE_UNAVAILABLE
}

/// Whether memory is so short that no body may be stored.
#[cfg(feature = "monitor")]
fn is_short(request: &Extensions) -> bool {
    request.get::<crate::http::MayCache>().is_some_and(|may| !may.0)
}

#[cfg(not(feature = "monitor"))]
fn is_short(_: &Extensions) -> bool {
    false
}

fn passed<B: http_body::Body<Data = Bytes>>(mut response: Response<B>, why: Forwarded, nested: bool) -> Answer<B> {
    if !nested {
        response.extensions_mut().remove::<CacheTags>();
    }
    Status::Forwarded { why, stored: false }.say(response.headers_mut());
    response.map(|body| Body::inner(Resumed::untouched(body)))
}

type Boxed<B, E> = Pin<Box<dyn Future<Output = Result<Answer<B>, E>> + Send>>;

pin_project! {
    /// The answer to come.
    pub struct ResponseFuture<B, E = Infallible>
    where
        B: http_body::Body,
    {
        ready: Option<Answer<B>>,
        boxed: Option<Boxed<B, E>>,
    }
}

impl<B: http_body::Body, E> ResponseFuture<B, E> {
    fn ready(answer: Answer<B>) -> Self {
        Self { ready: Some(answer), boxed: None }
    }

    fn boxed(future: impl Future<Output = Result<Answer<B>, E>> + Send + 'static) -> Self {
        Self { ready: None, boxed: Some(Box::pin(future)) }
    }
}

impl<B: http_body::Body, E> Future for ResponseFuture<B, E> {
    type Output = Result<Answer<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let own = self.project();
        match (own.ready.take(), own.boxed) {
            (Some(answer), _) => Poll::Ready(Ok(answer)),
            (None, Some(future)) => future.as_mut().poll(cx),
            (None, None) => Poll::Pending,
        }
    }
}

impl<B: http_body::Body, E> fmt::Debug for ResponseFuture<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("ready", &self.ready.is_some()).finish_non_exhaustive()
    }
}
