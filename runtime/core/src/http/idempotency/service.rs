//! The service: steps of a protected request, in their order.

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

use super::digest::RequestDigest;
use super::key;
use super::shared::IdempotencyConfig;
use super::stored::{StoredAnswer, StoredRequest};
use super::table::{Claim, Decision};
use crate::clock::Moment;
use crate::direct::{self, Cache, LeaseApi as _};
use crate::http::body::Body;
use crate::http::body_error::BoxError;
use crate::http::broken::report_broken;
use crate::http::collect::{Collected, ContentLength, collect};
use crate::http::problem::Problem;
use crate::http::reading::ReadBody;
use crate::http::resumed::ResumedBody;
use crate::http::streaming::is_streaming;
use crate::http::types::BoxedResponse;

/// `Retry-After` while the same request is in flight.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Time for which this process stores an answer that it found in the shared tier.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Service of [`IdempotencyLayer`](super::IdempotencyLayer).
pub struct IdempotencyService<S> {
    inner: S,
    shared: Option<Arc<IdempotencyConfig>>,
}

impl<S> IdempotencyService<S> {
    pub(super) fn new(inner: S, shared: Option<Arc<IdempotencyConfig>>) -> Self {
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
        let Some(shared) = self.shared.as_ref().filter(|_| key::is_protected(request.method())) else {
            return IdempotencyFuture {
                state: IdempotencyState::Passed { call: self.inner.call(request.map(Body::inner)) },
            };
        };
        let (parts, body) = request.into_parts();
        let state = match key::from_request(&parts, shared) {
            Ok(None) => {
                IdempotencyState::Passed { call: self.inner.call(Request::from_parts(parts, Body::inner(body))) }
            }
            Ok(Some(key)) => {
                // `poll_ready` was called on this instance, so this one must be called.
                let next = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, next);
                IdempotencyState::Protected { call: Box::pin(protected(ready, shared.clone(), key, parts, body)) }
            }
            Err(problem) => IdempotencyState::Rejected { problem: Some(problem) },
        };
        IdempotencyFuture { state }
    }
}

pin_project! {
    /// Future of [`IdempotencyService`]: boxed only for requests with a key.
    pub struct IdempotencyFuture<F, R, E> {
        #[pin]
        state: IdempotencyState<F, R, E>,
    }
}

pin_project! {
    #[project = ProjectedIdempotencyState]
    enum IdempotencyState<F, R, E> {
        Passed { #[pin] call: F },
        Protected { call: BoxedResponse<Body<ResumedBody<R>>, E> },
        Rejected { problem: Option<Problem> },
    }
}

impl<F, R, E> Future for IdempotencyFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<ResumedBody<R>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            ProjectedIdempotencyState::Passed { call } => call.poll(cx).map_ok(passed),
            ProjectedIdempotencyState::Protected { call } => call.as_mut().poll(cx),
            ProjectedIdempotencyState::Rejected { problem } => {
                let problem = problem.take().expect("polled after completion");
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

/// Processes a request with a key, from its body to its answer.
async fn protected<S, B, R>(
    mut inner: S,
    shared: Arc<IdempotencyConfig>,
    key: RequestDigest,
    parts: Parts,
    body: B,
) -> Result<Response<Body<ResumedBody<R>>>, S::Error>
where
    S: Service<Request<Body<B>>, Response = Response<R>>,
    B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let (body, share) = match shared.reader.read(&parts.headers, body).await {
        Ok(ReadBody { bytes, trailers: None, share }) => (bytes, share),
        Ok(_) => return Ok(has_trailers().into_response()),
        Err(rejection) => return Ok(rejection.into_response(parts.version)),
    };
    let fingerprint = key::fingerprint(&parts, &body);
    let work = match admit(&shared, key, fingerprint).await {
        Ok(work) => work,
        Err(known) => return Ok(known.into_response()),
    };
    let path = parts.uri.path().to_owned();
    let response = inner.call(Request::from_parts(parts, Body::from_bytes(body))).await?;
    drop(share);
    if !(shared.is_stored)(response.status()) {
        return Ok(passed(response));
    }
    // The request was processed, so a task stores its answer even if the client goes away.
    let ended = tokio::spawn(work.finish(shared, fingerprint, path, response).in_current_span());
    match ended.await {
        Ok(response) => Ok(response),
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // The runtime is shutting down.
        Err(_) => Ok(broken_off().into_response()),
    }
}

/// Answer to a request that is not processed.
enum NotProcessed {
    Answer(Arc<StoredRequest>),
    Problem(Problem),
}

impl NotProcessed {
    fn into_response<B>(self) -> Response<Body<B>> {
        match self {
            Self::Answer(stored) => stored.replay().unwrap_or_else(|| broken_off().into_response()),
            Self::Problem(problem) => problem.into_response(),
        }
    }

    fn in_flight() -> Self {
        let detail = "the same request is in flight: send it again in a moment";
        Self::Problem(Problem::new(StatusCode::CONFLICT, detail).retry_after(RETRY_AFTER))
    }

    fn reused_key() -> Self {
        let detail = "this `Idempotency-Key` was used for another request: write a new one";
        Self::Problem(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
    }
}

/// The right to process a request, in this process and in all processes.
struct Work {
    claim: Claim,
    cache: Cache,
    key: String,
    /// The lease among processes, released when dropped. After a success it is left to expire, so that no other process gets it before the
    /// answer is visible.
    lease: Option<direct::LoadLease>,
}

/// Decides whether a request is to be processed.
async fn admit(
    shared: &IdempotencyConfig,
    key: RequestDigest,
    fingerprint: RequestDigest,
) -> Result<Work, NotProcessed> {
    let claim = match shared.tiers().table.admit(key, fingerprint) {
        Decision::Process(claim) => claim,
        Decision::Answered(stored) => return Err(NotProcessed::Answer(stored)),
        Decision::InFlight => return Err(NotProcessed::in_flight()),
        Decision::ReusedKey => return Err(NotProcessed::reused_key()),
    };
    let mut work = Work { claim, cache: shared.tiers().cache.clone(), key: shared_key(key), lease: None };
    if !work.cache.is_shared() {
        return Ok(work);
    }
    if let Some(stored) = work.cache.fetch_shared::<Arc<StoredRequest>>(&work.key).await {
        return Err(work.answered_elsewhere(stored, shared, fingerprint));
    }
    match work.cache.lease::<Arc<StoredRequest>>(&work.key, shared.claim).await {
        Ok(Some(lease)) => work.lease = Some(lease),
        Ok(None) => return Err(NotProcessed::in_flight()),
        // The shared tier does not answer, so the guarantee holds in this process only.
        Err(_) => return Ok(work),
    }
    // Another process may have answered between the read and the lease.
    match work.cache.fetch_shared::<Arc<StoredRequest>>(&work.key).await {
        Some(stored) => Err(work.answered_elsewhere(stored, shared, fingerprint)),
        None => Ok(work),
    }
}

impl Work {
    /// Ends the claim with the answer of another process.
    fn answered_elsewhere(
        self,
        stored: Arc<StoredRequest>,
        shared: &IdempotencyConfig,
        fingerprint: RequestDigest,
    ) -> NotProcessed {
        let same = stored.fingerprint == fingerprint;
        self.claim.complete(stored.clone(), shared.ttl.min(REMEMBERED), shared.memory);
        if same { NotProcessed::Answer(stored) } else { NotProcessed::reused_key() }
    }

    /// Reads the answer and stores it.
    async fn finish<R>(
        self,
        shared: Arc<IdempotencyConfig>,
        fingerprint: RequestDigest,
        path: String,
        response: Response<R>,
    ) -> Response<Body<ResumedBody<R>>>
    where
        R: HttpBody<Data = Bytes, Error: Into<BoxError>>,
    {
        let (head, body) = response.into_parts();
        let collected = if is_streaming(&head.headers) {
            Collected::Midway(ResumedBody::untouched(body))
        } else {
            collect(body, shared.max_response_bytes, ContentLength::new(head.status, &head.headers)).await
        };
        let (answer, body) = match collected {
            Collected::Whole(bytes) => (Some(StoredAnswer::new(&head, bytes.clone())), Body::from_bytes(bytes)),
            Collected::Midway(body) => (None, Body::inner(body)),
            Collected::Broken(error) => {
                report_broken(shared.broken.admit(Moment::now().nanos()), &path, &error);
                return broken_off().into_response();
            }
        };
        let stored = Arc::new(StoredRequest { fingerprint, answer });
        if self.cache.is_shared() {
            self.cache.set_shared(&self.key, stored.clone(), shared.ttl).await;
        }
        if let Some(lease) = self.lease {
            lease.let_expire();
        }
        self.claim.complete(stored, shared.ttl, shared.memory);
        Response::from_parts(head, body)
    }
}

/// Returns the key in the shared tier; in braces, so that it and its lease are on one node of a cluster.
fn shared_key(key: RequestDigest) -> String {
    format!("idempotency:{{{:032x}}}", u128::from_be_bytes(key))
}

fn passed<R>(response: Response<R>) -> Response<Body<ResumedBody<R>>> {
    response.map(|body| Body::inner(ResumedBody::untouched(body)))
}

fn has_trailers() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "a request with an `Idempotency-Key` must not have trailers: send it without")
}

fn broken_off() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be completed: send the request again")
}
