//! The service: hits are answered at once, what is passed by is the call of the service behind, and everything else is in a box.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Extensions, Method, Request, Response, StatusCode, Version};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::change::Change;
use super::conditional::Conditions;
use super::config::{Class, Config};
use super::directives::Directives;
use super::exchange::{Answer, Exchange};
use super::freshness::Reuse;
use super::status::{Forwarded, Status};
use super::stored::{Held, Recorded};
use super::survey::Survey;
use super::tags::{CacheTags, OnBehalf};
use crate::http::Body;
use crate::http::resumed::{BoxError, ResumedBody};
use crate::stats::CountedCall;

/// The service of a [`CacheLayer`](super::CacheLayer) or a [`CoalesceLayer`](crate::http::CoalesceLayer). Always ready: the service behind
/// is waited for only when it has to be asked.
#[derive(Clone, Debug)]
pub struct CacheService<S> {
    inner: S,
    /// `None` for a service that passes everything on.
    config: Option<Arc<Config>>,
}

impl<S> CacheService<S> {
    pub(in crate::http) fn new(inner: S, config: Option<Arc<Config>>) -> Self {
        Self { inner, config }
    }
}

// Who asks, and what for.
#[allow(clippy::similar_names)]
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
            return CacheFuture { way: Way::Off { call: self.inner.call(request) } };
        };
        let (parts, body) = request.into_parts();
        // HTTP/1 says so in its head, HTTP/2 need not; and a body that a layer has wrapped may not say that it is empty.
        let says = parts.version < Version::HTTP_2;
        let has_content = !says && !body.is_end_stream() && body.size_hint().upper() != Some(0);
        let seen = Survey::from_headers(&parts.headers);
        let nested = parts.extensions.get::<OnBehalf>().is_some();
        let (target, asker, asked) = match config.class(&parts, &seen, has_content) {
            Class::Read { target, asker, asked } => (target, asker, asked),
            Class::Pass(why) => return self.pass(Request::from_parts(parts, body), why, nested),
            Class::Change(target) => {
                let change = Change::begin(config.handle(), target.own());
                return CacheFuture::boxed(run(self.inner.clone(), Request::from_parts(parts, body), change));
            }
        };
        let store = config.store();
        let conditions =
            if seen.has_conditions { Conditions::from_headers(&parts.headers) } else { Conditions::default() };
        let head = parts.method == Method::HEAD;
        if config.keeps {
            let asked = seen.has_directives.then_some(&asked);
            let hit = store.hit(&target, &parts.headers, |held, recorded, now| {
                if asked.is_some_and(|asked| !is_fresh(held, recorded, now, asked)) {
                    return None;
                }
                let mut answer = held.hit(recorded, now, head, &conditions);
                store.counters().hit();
                if nested {
                    recorded.tell_tags(&mut answer);
                }
                Some(answer)
            });
            if let Some(answer) = hit {
                return CacheFuture::ready(answer);
            }
        }
        let tags = config.declare.as_ref().map(|declare| declare(&parts)).unwrap_or_default();
        let store = store.into_owned();
        let exchange = Exchange {
            config: config.clone(),
            call: CountedCall::begin(store.counters().clone()),
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
        CacheFuture::boxed(exchange.run(self.inner.clone(), Request::from_parts(parts, body)))
    }
}

impl<S> CacheService<S> {
    /// Passes a request by the cache: without a box, if the service behind is ready.
    fn pass<Q, B>(&mut self, request: Request<Q>, why: Forwarded, nested: bool) -> CacheFuture<S::Future, B, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Clone + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        // Where it is not, it is asked again by the task that waits.
        match self.inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => {
                return CacheFuture { way: Way::Passed { call: self.inner.call(request), why, nested } };
            }
            Poll::Ready(Err(error)) => return CacheFuture::boxed(std::future::ready(Err(error))),
            Poll::Pending => {}
        }
        // The one that was asked may have a place in a queue.
        let next = self.inner.clone();
        let mut asked = std::mem::replace(&mut self.inner, next);
        CacheFuture::boxed(async move {
            poll_fn(|cx| asked.poll_ready(cx)).await?;
            Ok(passed(asked.call(request).await?, why, nested))
        })
    }
}

/// Returns whether what is stored is fresh for a request with these directives.
fn is_fresh(held: &Held, recorded: &Recorded, now: u64, asked: &Directives) -> bool {
    recorded.standing(held.expires, now).reuse(asked, recorded.grace) == Reuse::Fresh
}

/// Passes on a request that may change what is stored.
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
    request.get::<crate::http::memory::MayCache>().is_some_and(|may| !may.0)
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
    untouched(response)
}

fn untouched<B: http_body::Body<Data = Bytes>>(response: Response<B>) -> Answer<B> {
    response.map(|body| Body::inner(ResumedBody::untouched(body)))
}

type Boxed<B, E> = Pin<Box<dyn Future<Output = Result<Answer<B>, E>> + Send>>;

pin_project! {
    /// The future of a [`CacheService`].
    pub struct CacheFuture<F, B, E = Infallible>
    where
        B: http_body::Body,
    {
        #[pin]
        way: Way<F, B, E>,
    }
}

pin_project! {
    #[project = ProjectedWay]
    enum Way<F, B, E>
    where
        B: http_body::Body,
    {
        Off { #[pin] call: F },
        Ready { answer: Option<Answer<B>> },
        Passed { #[pin] call: F, why: Forwarded, nested: bool },
        Boxed { future: Boxed<B, E> },
    }
}

impl<F, B: http_body::Body, E> CacheFuture<F, B, E> {
    fn ready(answer: Answer<B>) -> Self {
        Self { way: Way::Ready { answer: Some(answer) } }
    }

    fn boxed(future: impl Future<Output = Result<Answer<B>, E>> + Send + 'static) -> Self {
        Self { way: Way::Boxed { future: Box::pin(future) } }
    }
}

impl<F, B, E> Future for CacheFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes>,
{
    type Output = Result<Answer<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            ProjectedWay::Off { call } => call.poll(cx).map_ok(untouched),
            ProjectedWay::Ready { answer } => {
                Poll::Ready(Ok(answer.take().expect("a future is not polled after its end")))
            }
            ProjectedWay::Passed { call, why, nested } => {
                call.poll(cx).map_ok(|response| passed(response, *why, *nested))
            }
            ProjectedWay::Boxed { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, B: http_body::Body, E> fmt::Debug for CacheFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheFuture").field("ready", &matches!(self.way, Way::Ready { .. })).finish_non_exhaustive()
    }
}
