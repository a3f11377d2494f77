//! Forwards a request to the handler.

use std::any::type_name;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RANGE;
use http::response::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use tower_service::Service;

use super::super::conditional::{self, has_validator};
use super::super::directives::Directives;
use super::super::freshness::{self, Defaults, Freshness, age_on_arrival};
use super::super::status::Unstored;
use super::super::storable::{may_be_coalesced, may_be_presumed_fresh, refusal};
use super::super::store::{EntryKey, ResponseOutcome};
use super::super::stored::{ResponseEntry, Stored};
use super::super::tags::{CacheTags, ForwardedByCache};
use super::insert::CompleteResponse;
use super::stream::BegunLoad;
use super::{Answer, Exchange, Recipient, shared_outcome};
use crate::clock::nanos;
use crate::engine::{CountIfAbandoned, TieredStart, count_load};
use crate::events::LoadEnding;
use crate::flight::{Load, LoadOutcome, LoadPermit, end};
use crate::http::Body;
use crate::http::body_error::BoxError;
use crate::http::broken::broken_head;
use crate::http::collect::{BegunBody, Collected, ContentLength, begin};
use crate::http::resumed::{Midway, ResumedBody};
use crate::trace::{self, LoadReason, Subject, Traced, around};

/// Result of the handler.
enum HandlerResult<B: http_body::Body> {
    /// A response for this request only, and why.
    Private(Response<ResumedBody<B>>, Unstored),
    /// A complete response that may be shared.
    Shareable(Parts, Bytes),
    /// A response that may be shared, and whose body is still coming.
    Coming(Parts, Midway<B>),
    /// The stored response is still valid.
    NotModified(Parts),
    /// A response that broke off.
    Broken(Response<ResumedBody<B>>),
}

/// Request that the handler sees, as far as it decides on what may be stored.
#[derive(Clone, Copy)]
struct HandlerRequest {
    /// True if it has the validators of a stored response.
    validates: bool,
    has_range: bool,
}

/// Records the result of the handler in the span of its call.
fn end_span<B: http_body::Body, E>(span: &Traced, result: &Result<HandlerResult<B>, E>) {
    match result {
        Ok(HandlerResult::Shareable(..)) => span.end("value"),
        // It ends with the body.
        Ok(HandlerResult::Coming(..)) => {}
        Ok(HandlerResult::Private(..)) => span.end("private"),
        Ok(HandlerResult::NotModified(_)) => span.end("not_modified"),
        Ok(HandlerResult::Broken(_)) => span.fail("error", "broken body"),
        Err(_) => span.fail("error", type_name::<E>()),
    }
}

/// Returns whether the handler has failed, so that a stale response may replace its result.
fn has_failed<B: http_body::Body, E>(result: &Result<HandlerResult<B>, E>) -> bool {
    match result {
        Err(_) | Ok(HandlerResult::Broken(_)) => true,
        Ok(HandlerResult::Private(response, _)) => is_failure(response.status()),
        Ok(HandlerResult::Shareable(parts, _) | HandlerResult::Coming(parts, _)) => is_failure(parts.status),
        Ok(HandlerResult::NotModified(_)) => false,
    }
}

impl Exchange {
    /// Forwards the request to the handler and makes its result the answer. `stale` is a stored response to validate.
    pub(super) async fn forward<S, Q, B>(
        self,
        inner: S,
        mut request: Request<Q>,
        key: EntryKey,
        permit: Option<LoadPermit>,
        stale: Option<Arc<ResponseEntry>>,
    ) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let headers = request.headers().clone();
        let stale = self.make_conditional(&mut request, &key, stale);
        let asked = HandlerRequest { validates: stale.is_some(), has_range: request.headers().contains_key(RANGE) };
        let began = self.store.begin(true);
        let reason = if stale.is_some() { LoadReason::Refresh } else { LoadReason::Miss };
        let span = trace::load(Subject::response(), reason);
        let (result, permit, guard) = {
            let mut load = pin!(Load::new(around(&span, self.call(inner, request, began, asked)), permit));
            // Dropped before the permit is, which hands the load over.
            let guard = CountIfAbandoned::new(self.store.counters(), self.store.load_event(&key));
            let (result, permit) = load.as_mut().await;
            (result, permit, guard)
        };
        end_span(&span, &result);
        let began = began.unless_given_up(permit.as_ref());
        let stale_answer = if has_failed(&result) { self.stale_if_error(&key) } else { None };
        let result = match result {
            Ok(HandlerResult::Coming(parts, coming)) if stale_answer.is_none() => {
                let load = BegunLoad { began, permit, guard, span };
                return Ok(self.stream(parts, coming, &headers, &key, load).await);
            }
            result => result,
        };
        let ok = matches!(&result, Ok(result) if !matches!(result, HandlerResult::Broken(_)));
        guard.end(if ok { LoadEnding::Value } else { LoadEnding::Error });
        count_load(self.store.counters(), self.now().saturating_sub(began.time), ok);
        if let Some(answer) = stale_answer {
            end(permit, || shared_outcome(ResponseOutcome::Again));
            return Ok(answer);
        }
        self.note_sharing(&key, asked, &result);
        match result {
            Ok(result) => Ok(self.conclude(result, (&key, stale.as_deref()), &headers, began, permit)),
            Err(error) => {
                end(permit, || LoadOutcome::Alone);
                Err(error)
            }
        }
    }

    /// Stores a result of the handler that is there in full, ends the load, and makes the result the answer.
    fn conclude<B: http_body::Body<Data = Bytes>>(
        &self,
        result: HandlerResult<B>,
        (key, stale): (&EntryKey, Option<&ResponseEntry>),
        headers: &HeaderMap,
        began: TieredStart,
        permit: Option<LoadPermit>,
    ) -> Answer<B> {
        match result {
            HandlerResult::Private(response, reason) => {
                if stale.is_some() && response.status() == StatusCode::OK {
                    // What replaces it is not stored; without it, the handler sees ranges again.
                    self.store.local.values.remove(&key.key, began.start.number);
                }
                let in_full = reason == Unstored::NotModified && self.note_not_modified(&response, key, began);
                end(permit, || if in_full { shared_outcome(ResponseOutcome::Again) } else { LoadOutcome::Alone });
                self.answer_privately(response, reason)
            }
            HandlerResult::Broken(response) => {
                end(permit, || LoadOutcome::Alone);
                self.answer_privately(response, Unstored::Broken)
            }
            HandlerResult::Shareable(parts, bytes) => {
                self.store_and_answer(CompleteResponse { parts, bytes, validated: false }, headers, began, permit)
            }
            HandlerResult::NotModified(parts) => self.freshen_and_answer((key, stale), &parts, headers, began, permit),
            HandlerResult::Coming(..) => unreachable!("its body is shared while it comes"),
        }
    }

    /// Replaces the conditions of a request by those that validate a stale response. Returns the response, if it can be validated. The
    /// handler sees a range only where it may answer with a part: not to replace a stored whole, nor if the range is all bytes.
    fn make_conditional<Q>(
        &self,
        request: &mut Request<Q>,
        key: &EntryKey,
        stale: Option<Arc<ResponseEntry>>,
    ) -> Option<Arc<ResponseEntry>> {
        let stale = stale.filter(|entry| matches!(&entry.stored, Stored::Response(r) if r.status == StatusCode::OK));
        if stale.is_some() || self.store.wants_in_full(key) {
            conditional::remove_conditions(request.headers_mut());
        }
        request.extensions_mut().insert(ForwardedByCache);
        let validated = stale.filter(|entry| match &entry.stored {
            Stored::Response(recorded) => {
                !self.head && conditional::add_validators(request.headers_mut(), &recorded.headers)
            }
            Stored::Varies(_) => false,
        });
        if validated.is_some() || self.client == Recipient::Served || !self.conditions.asks_for_part() {
            conditional::remove_range(request.headers_mut());
        }
        validated
    }

    /// Remembers whether requests with this key may wait for each other.
    fn note_sharing<B: http_body::Body, E>(
        &self,
        key: &EntryKey,
        asked: HandlerRequest,
        result: &Result<HandlerResult<B>, E>,
    ) {
        match result {
            // A `304` to a client's condition or the answer to a `HEAD` does not tell.
            Ok(HandlerResult::Private(_, Unstored::Head | Unstored::NotModified)) => {}
            // Nor does the answer to a range.
            Ok(HandlerResult::Private(..)) if asked.has_range => {}
            Ok(HandlerResult::Private(..)) if !has_failed(result) => {
                self.store.unshared.insert(key.key.hash, self.now());
            }
            Ok(HandlerResult::Shareable(..)) => self.store.unshared.remove(key.key.hash),
            _ => {}
        }
    }

    async fn call<S, Q, B>(
        &self,
        mut inner: S,
        request: Request<Q>,
        began: TieredStart,
        asked: HandlerRequest,
    ) -> Result<HandlerResult<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
    {
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        let (parts, body) = inner.call(request).await?.into_parts();
        if asked.validates && parts.status == StatusCode::NOT_MODIFIED {
            return Ok(HandlerResult::NotModified(parts));
        }
        let unstored = match self.judge_response(&parts.headers, parts.status, began) {
            _ if self.head => Some(Unstored::Head),
            _ if parts.status == StatusCode::NOT_MODIFIED => Some(Unstored::NotModified),
            // A refusal of the range, such as 416, is none of the whole.
            _ if asked.has_range && parts.status != StatusCode::OK => Some(Unstored::Status),
            judged => judged.err(),
        };
        if let Some(reason) = unstored {
            return Ok(HandlerResult::Private(Response::from_parts(parts, ResumedBody::untouched(body)), reason));
        }
        let length = ContentLength::new(parts.status, &parts.headers);
        Ok(match begin(body, self.config.max_body, length).await {
            BegunBody::Coming(coming) => HandlerResult::Coming(parts, coming),
            BegunBody::Collected(Collected::Whole(bytes)) => HandlerResult::Shareable(parts, bytes),
            BegunBody::Collected(Collected::Midway(body)) => {
                HandlerResult::Private(Response::from_parts(parts, body), Unstored::TooLarge)
            }
            BegunBody::Collected(Collected::Broken(error)) => {
                self.report(&error);
                HandlerResult::Broken(Response::from_parts(broken_head(parts, &error), ResumedBody::broken(error)))
            }
        })
    }

    /// Returns the freshness of a response that arrives now, if it may be reused for other requests: at once, or once it has been validated.
    pub(super) fn judge_response(
        &self,
        headers: &HeaderMap,
        status: StatusCode,
        began: TieredStart,
    ) -> Result<Freshness, Unstored> {
        let directives = Directives::from_response(headers, &self.config.targeted);
        if let Some(reason) = refusal(status, headers, &directives, self.requester) {
            return Err(reason);
        }
        if !self.config.stores {
            return match () {
                () if directives.no_cache => Err(Unstored::NoCache),
                () if !may_be_coalesced(status) => Err(Unstored::Status),
                () => Ok(Freshness { age: Duration::ZERO, lifetime: Duration::ZERO }),
            };
        }
        let (now, delay) = (self.store.clock().wall(), self.now().saturating_sub(began.time));
        let none = Defaults::default();
        // A response that says `public` may be presumed fresh whatever its status (RFC 9111 section 4.2.2).
        let defaults = if may_be_presumed_fresh(status) || directives.public { &self.config.defaults } else { &none };
        let lifetime = match freshness::lifetime(headers, &directives, now, defaults) {
            _ if directives.no_cache => Duration::ZERO,
            lifetime => lifetime.ok_or(Unstored::NoFreshness)?,
        };
        let freshness = Freshness { age: age_on_arrival(headers, now, Duration::from_nanos(delay)), lifetime };
        // The clock has no time at which a response expired that is older than the clock.
        let is_expressible = nanos(freshness.staleness()) <= self.now();
        let can_be_validated = status == StatusCode::OK && has_validator(headers) && is_expressible;
        match () {
            () if freshness.is_fresh() || can_be_validated => Ok(freshness),
            () if directives.no_cache => Err(Unstored::NoCache),
            () => Err(Unstored::Stale),
        }
    }

    /// Notes that a `304` to a client's own condition brought nothing to store. Returns whether the next request is to load the response in
    /// full, because it may be stored: otherwise clients that each have a copy would call the handler for ever.
    fn note_not_modified<B>(&self, response: &Response<B>, key: &EntryKey, began: TieredStart) -> bool {
        let judged = self.judge_response(response.headers(), StatusCode::OK, began);
        let in_full = !self.head && judged.is_ok_and(|freshness| freshness.is_fresh() || !self.config.stores);
        if in_full {
            self.store.want_in_full(key);
        }
        in_full
    }

    /// Makes a response for this request only the answer.
    fn answer_privately<B: http_body::Body<Data = Bytes>>(
        &self,
        response: Response<ResumedBody<B>>,
        reason: Unstored,
    ) -> Answer<B> {
        let (mut parts, body) = response.into_parts();
        if let Some(field) = self.config.tag_field {
            let named = parts.extensions.get::<CacheTags>().map(|tags| &tags.0[..]).unwrap_or_default();
            field.write(&[&self.tags, named].concat(), &mut parts.headers);
        }
        if !self.nested {
            parts.extensions.remove::<CacheTags>();
        }
        let status = self.unstored(reason);
        if self.conditions.not_modified(parts.status, &parts.headers) {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = conditional::not_modified_head(&parts.headers);
            *answer.extensions_mut() = parts.extensions;
            status.append_to(answer.headers_mut());
            return answer;
        }
        status.append_to(&mut parts.headers);
        Response::from_parts(parts, Body::inner(body))
    }

    /// Returns the stale response, if it may be served in place of an error.
    fn stale_if_error<B: http_body::Body>(&self, key: &EntryKey) -> Option<Answer<B>> {
        let found = self.store.get(key).filter(|_| self.config.stores)?;
        let Stored::Response(recorded) = &found.value.stored else { return None };
        let now = self.now();
        let freshness = recorded.freshness(found.value.expires, now);
        let accepted = self.asked.max_age.is_none() && self.asked.min_fresh.is_none() && !self.asked.no_cache;
        if !accepted || freshness.staleness() >= Duration::from_secs(recorded.grace.if_error) {
            return None;
        }
        self.store.delay_next_load(&key.key, now);
        self.call.gets_stale();
        Some(self.hit(&found.value, recorded, now))
    }
}

/// Returns whether a stale response may replace a response with this status (RFC 5861 section 4).
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}
