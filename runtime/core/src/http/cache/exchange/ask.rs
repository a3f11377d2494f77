//! The handler's part.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use tower_service::Service;

use super::super::conditional;
use super::super::directives::Directives;
use super::super::freshness::{Defaults, age_on_arrival, lifetime};
use super::super::status::Status;
use super::super::storable::{is_shareable, may_be_presumed_fresh};
use super::super::store::{Place, SharedOutcome};
use super::super::stored::{Held, Stored};
use super::super::tags::{CacheTags, OnBehalf};
use super::keep::Whole;
use super::{Answer, Exchange, shared_outcome};
use crate::engine::{CountIfAbandoned, TieredStart, count_load};
use crate::flight::{Load, LoadOutcome, Permit, end};
use crate::http::Body;
use crate::http::broken::{broken_head, report_broken};
use crate::http::collect::{Collected, Length, collect};
use crate::http::resumed::{BoxError, ResumedBody};

/// What the handler gave.
enum Came<B: http_body::Body> {
    /// A response that is for this request only.
    Own(Response<ResumedBody<B>>),
    /// A whole response that others may have.
    Whole(Parts, Bytes),
    /// What is stored still holds.
    Holds(Parts),
    /// A response that broke off.
    Broken(Response<ResumedBody<B>>),
}

impl Exchange {
    /// Asks the handler.
    pub(super) async fn ask<S, Q, B>(
        &self,
        inner: S,
        mut request: Request<Q>,
        place: &Place,
        permit: Option<Permit>,
        stale: Option<Arc<Held>>,
    ) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let stale = stale.filter(|held| matches!(&held.stored, Stored::Response(r) if r.status == StatusCode::OK));
        let headers = request.headers().clone();
        conditional::take_off(request.headers_mut());
        request.extensions_mut().insert(OnBehalf);
        let stale = stale.filter(|held| match &held.stored {
            Stored::Response(recorded) => {
                !self.head && conditional::revalidate(request.headers_mut(), &recorded.headers)
            }
            Stored::Varies(_) => false,
        });
        let began = self.store.begin(true);
        let counted = CountIfAbandoned::new(self.store.counters());
        let mut load = pin!(Load::new(self.call(inner, request, began, stale.is_some()), permit));
        let (came, permit) = load.as_mut().await;
        let began = began.unless_given_up(permit.as_ref());
        let broken = matches!(&came, Ok(Came::Broken(_)));
        counted.disarm();
        count_load(self.store.counters(), self.now().saturating_sub(began.time), came.is_ok() && !broken);
        let failed = match &came {
            Err(_) | Ok(Came::Broken(_)) => true,
            Ok(Came::Own(response)) => matches!(response.status().as_u16(), 500 | 502 | 503 | 504),
            Ok(_) => false,
        };
        if failed && let Some(answer) = self.stands_in(place) {
            end(permit, || shared_outcome(SharedOutcome::Again));
            return Ok(answer);
        }
        match came {
            Err(error) => {
                end(permit, || LoadOutcome::Alone);
                Err(error)
            }
            Ok(Came::Own(response) | Came::Broken(response)) => {
                end(permit, || LoadOutcome::Alone);
                Ok(self.own(response))
            }
            Ok(Came::Whole(parts, bytes)) => {
                Ok(self.whole(Whole { parts, bytes, revalidated: false }, &headers, began, permit))
            }
            Ok(Came::Holds(parts)) => Ok(self.holds(stale.as_deref(), &parts, &headers, began, permit)),
        }
    }

    async fn call<S, Q, B>(
        &self,
        mut inner: S,
        request: Request<Q>,
        began: TieredStart,
        conditional: bool,
    ) -> Result<Came<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
    {
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        let (parts, body) = inner.call(request).await?.into_parts();
        if conditional && parts.status == StatusCode::NOT_MODIFIED {
            return Ok(Came::Holds(parts));
        }
        if self.head || self.life(&parts.headers, parts.status, began).is_none() {
            return Ok(Came::Own(Response::from_parts(parts, ResumedBody::untouched(body))));
        }
        let length = Length::new(parts.status, &parts.headers);
        Ok(match collect(body, self.config.max_body, length).await {
            Collected::Whole(bytes) => Came::Whole(parts, bytes),
            Collected::Midway(body) => Came::Own(Response::from_parts(parts, body)),
            Collected::Broken(error) => {
                report_broken(self.store.broken.admit(self.now()), self.target.path(), &error);
                Came::Broken(Response::from_parts(broken_head(parts, &error), ResumedBody::broken(error)))
            }
        })
    }

    /// How long a response is fresh, and for how long still, if others may have it.
    pub(super) fn life(
        &self,
        headers: &HeaderMap,
        status: StatusCode,
        began: TieredStart,
    ) -> Option<(Duration, Duration)> {
        let said = Directives::from_headers(headers);
        if !is_shareable(status, headers, &said, self.asker) {
            return None;
        }
        if !self.config.keeps {
            return Some((Duration::ZERO, Duration::ZERO));
        }
        let (now, delay) = (self.store.clock().wall(), self.now().saturating_sub(began.time));
        let none = Defaults::default();
        let defaults = if may_be_presumed_fresh(status) { &self.config.defaults } else { &none };
        let whole = lifetime(headers, &said, now, defaults)?;
        let left = whole.checked_sub(age_on_arrival(headers, now, Duration::from_nanos(delay)))?;
        (!left.is_zero()).then_some((whole, left))
    }

    /// A response that is for this request only.
    fn own<B: http_body::Body<Data = Bytes>>(&self, response: Response<ResumedBody<B>>) -> Answer<B> {
        let (mut parts, body) = response.into_parts();
        if !self.nested {
            parts.extensions.remove::<CacheTags>();
        }
        let status = Status::Forwarded { why: self.why, stored: false };
        if self.conditions.not_modified(parts.status, &parts.headers) {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = conditional::not_modified_head(&parts.headers);
            *answer.extensions_mut() = parts.extensions;
            status.say(answer.headers_mut());
            return answer;
        }
        status.say(&mut parts.headers);
        Response::from_parts(parts, Body::inner(body))
    }

    /// The stale response, where it may stand in for one that could not be made.
    fn stands_in<B: http_body::Body>(&self, place: &Place) -> Option<Answer<B>> {
        let found = self.store.get(place).filter(|_| self.config.keeps)?;
        let Stored::Response(recorded) = &found.value.stored else { return None };
        let now = self.now();
        let standing = recorded.standing(found.value.expires, now);
        let wanted = self.asked.max_age.is_none() && self.asked.min_fresh.is_none() && !self.asked.no_cache;
        if !wanted || standing.staleness() >= Duration::from_secs(recorded.grace.if_error) {
            return None;
        }
        self.store.delay_next_load(&place.key, now);
        self.call.gets_stale();
        Some(self.hit(&found.value, recorded, now))
    }
}
