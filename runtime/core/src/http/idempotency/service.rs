//! The service: what is protected, and in which order.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_service::Service;
use tracing::Instrument;

use super::digest::Digest;
use super::key;
use super::shared::Shared;
use super::stored::{Answer, Stored};
use super::table::{Admission, Claim};
use crate::clock::Moment;
use crate::direct::{self, Cache, LeaseApi as _};
use crate::http::body::Body;
use crate::http::broken::report_broken;
use crate::http::collect::{Collected, Length, collect};
use crate::http::endless::is_endless;
use crate::http::problem::Problem;
use crate::http::reading::Read;
use crate::http::resumed::{BoxError, ResumedBody};

/// When to ask again what is under way.
const COME_BACK: Duration = Duration::from_secs(1);
/// How long this process goes by what the shared tier said.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The service of [`IdempotencyLayer`](super::IdempotencyLayer).
pub struct IdempotencyService<S> {
    inner: S,
    shared: Option<Arc<Shared>>,
}

impl<S> IdempotencyService<S> {
    pub(super) fn new(inner: S, shared: Option<Arc<Shared>>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone> Clone for IdempotencyService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: self.shared.clone() }
    }
}

impl<S: fmt::Debug> fmt::Debug for IdempotencyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for IdempotencyService<S>
where
    S: Service<Request<Body<B>>, Response = Response<R>, Future: Send, Error: Send> + Clone + Send + 'static,
    B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body<ResumedBody<R>>>;
    type Error = S::Error;
    type Future = IdempotencyFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(shared) = self.shared.as_ref().filter(|_| key::concerns(request.method())) else {
            return IdempotencyFuture { way: Way::Passed { call: self.inner.call(request.map(Body::inner)) } };
        };
        let (parts, body) = request.into_parts();
        let way = match key::key_of(&parts, shared) {
            Ok(None) => Way::Passed { call: self.inner.call(Request::from_parts(parts, Body::inner(body))) },
            Ok(Some(key)) => {
                // The one that was found ready is the one to call.
                let next = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, next);
                Way::Protected { call: Box::pin(protected(ready, shared.clone(), key, parts, body)) }
            }
            Err(problem) => Way::Refused { problem: Some(problem) },
        };
        IdempotencyFuture { way }
    }
}

type Boxed<R, E> = Pin<Box<dyn Future<Output = Result<Response<Body<ResumedBody<R>>>, E>> + Send>>;

pin_project! {
    /// The future of [`IdempotencyService`]: boxed only where a request has a key.
    pub struct IdempotencyFuture<F, R, E> {
        #[pin]
        way: Way<F, R, E>,
    }
}

pin_project! {
    #[project = ProjectedWay]
    enum Way<F, R, E> {
        Passed { #[pin] call: F },
        Protected { call: Boxed<R, E> },
        Refused { problem: Option<Problem> },
    }
}

impl<F, R, E> Future for IdempotencyFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<ResumedBody<R>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            ProjectedWay::Passed { call } => call.poll(cx).map_ok(passed),
            ProjectedWay::Protected { call } => call.as_mut().poll(cx),
            ProjectedWay::Refused { problem } => {
                let problem = problem.take().expect("a future is not polled after its end");
                Poll::Ready(Ok(problem.into_response()))
            }
        }
    }
}

impl<F, R, E> fmt::Debug for IdempotencyFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyFuture").finish_non_exhaustive()
    }
}

/// A request with a key, from its body to its answer.
async fn protected<S, B, R>(
    mut inner: S,
    shared: Arc<Shared>,
    key: Digest,
    parts: Parts,
    body: B,
) -> Result<Response<Body<ResumedBody<R>>>, S::Error>
where
    S: Service<Request<Body<B>>, Response = Response<R>>,
    B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let (body, share) = match shared.reader.read(&parts.headers, body).await {
        Ok(Read { bytes, trailers: None, share }) => (bytes, share),
        Ok(_) => return Ok(has_trailers().into_response()),
        Err(refused) => return Ok(refused.into_response(parts.version)),
    };
    let fingerprint = key::fingerprint(&parts, &body);
    let work = match admit(&shared, key, fingerprint).await {
        Ok(work) => work,
        Err(known) => return Ok(known.into_response()),
    };
    let path = parts.uri.path().to_owned();
    let response = inner.call(Request::from_parts(parts, Body::own(body))).await?;
    drop(share);
    if !(shared.keep)(response.status()) {
        return Ok(passed(response));
    }
    // From here on it was done, whoever still listens.
    let ended = tokio::spawn(work.end(shared, fingerprint, path, response).in_current_span());
    match ended.await {
        Ok(response) => Ok(response),
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // The runtime is shutting down.
        Err(_) => Ok(broken_off().into_response()),
    }
}

/// What a request gets that is not done.
enum NotDone {
    Answer(Arc<Stored>),
    Problem(Problem),
}

impl NotDone {
    fn into_response<B>(self) -> Response<Body<B>> {
        match self {
            Self::Answer(stored) => stored.replay().unwrap_or_else(|| broken_off().into_response()),
            Self::Problem(problem) => problem.into_response(),
        }
    }

    fn under_way() -> Self {
        let detail = "the same request is under way: ask again in a moment";
        Self::Problem(Problem::new(StatusCode::CONFLICT, detail).retry_after(COME_BACK))
    }

    fn other() -> Self {
        let detail = "this `Idempotency-Key` was used for another request: write a new one";
        Self::Problem(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
    }
}

/// The right to do a request, here and in all processes.
struct Work {
    claim: Claim,
    cache: Cache,
    key: String,
    /// Given back where it is dropped; on success it is left to run out, so that nobody comes between it and the answer.
    lease: Option<direct::LoadLease>,
}

/// Whether it is to be done.
async fn admit(shared: &Shared, key: Digest, fingerprint: Digest) -> Result<Work, NotDone> {
    let claim = match shared.tiers().table.admit(key, fingerprint) {
        Admission::First(claim) => claim,
        Admission::Done(stored) => return Err(NotDone::Answer(stored)),
        Admission::UnderWay => return Err(NotDone::under_way()),
        Admission::Other => return Err(NotDone::other()),
    };
    let mut work = Work { claim, cache: shared.tiers().cache.clone(), key: text(key), lease: None };
    if !work.cache.is_shared() {
        return Ok(work);
    }
    if let Some(stored) = work.cache.fetch_shared::<Arc<Stored>>(&work.key).await {
        return Err(work.known(stored, shared, fingerprint));
    }
    match work.cache.lease::<Arc<Stored>>(&work.key, shared.claim).await {
        Ok(Some(lease)) => work.lease = Some(lease),
        Ok(None) => return Err(NotDone::under_way()),
        // Nobody can be asked: what holds in this process has to do.
        Err(_) => return Ok(work),
    }
    // Another may have come to its end between the look and the lease.
    match work.cache.fetch_shared::<Arc<Stored>>(&work.key).await {
        Some(stored) => Err(work.known(stored, shared, fingerprint)),
        None => Ok(work),
    }
}

impl Work {
    /// Another process has done it.
    fn known(self, stored: Arc<Stored>, shared: &Shared, fingerprint: Digest) -> NotDone {
        let same = stored.fingerprint == fingerprint;
        self.claim.done(stored.clone(), shared.ttl.min(REMEMBERED), shared.memory);
        if same { NotDone::Answer(stored) } else { NotDone::other() }
    }

    /// Reads the answer and stores it.
    async fn end<R>(
        self,
        shared: Arc<Shared>,
        fingerprint: Digest,
        path: String,
        response: Response<R>,
    ) -> Response<Body<ResumedBody<R>>>
    where
        R: HttpBody<Data = Bytes, Error: Into<BoxError>>,
    {
        let (head, body) = response.into_parts();
        let collected = if is_endless(&head.headers) {
            Collected::Midway(ResumedBody::untouched(body))
        } else {
            collect(body, shared.max_response_bytes, Length::new(head.status, &head.headers)).await
        };
        let (answer, body) = match collected {
            Collected::Whole(bytes) => (Some(Answer::new(&head, bytes.clone())), Body::own(bytes)),
            Collected::Midway(body) => (None, Body::inner(body)),
            Collected::Broken(error) => {
                report_broken(shared.broken.admit(Moment::now().nanos()), &path, &error);
                return broken_off().into_response();
            }
        };
        let stored = Arc::new(Stored { fingerprint, answer });
        if self.cache.is_shared() {
            self.cache.set_shared(&self.key, stored.clone(), shared.ttl).await;
        }
        if let Some(lease) = self.lease {
            lease.let_expire();
        }
        self.claim.done(stored, shared.ttl, shared.memory);
        Response::from_parts(head, body)
    }
}

/// Its key in the shared tier. In braces, so that it and its lease are on one node of a cluster.
fn text(key: Digest) -> String {
    format!("idempotency:{{{:032x}}}", u128::from_be_bytes(key))
}

fn passed<R>(response: Response<R>) -> Response<Body<ResumedBody<R>>> {
    response.map(|body| Body::inner(ResumedBody::untouched(body)))
}

fn has_trailers() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "a request with an `Idempotency-Key` has no trailers")
}

fn broken_off() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be completed: try again")
}
