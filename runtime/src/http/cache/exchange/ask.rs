//! The handler's part: asked, and what it gave is kept and handed to those who wait.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, DATE, ETAG, SET_COOKIE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;
use xxhash_rust::xxh3::xxh3_128;

use super::super::collect::{Collected, Resumed, collect};
use super::super::conditional;
use super::super::directives::Directives;
use super::super::freshness::{Grace, age_on_arrival, lifetime};
use super::super::status::Status;
use super::super::storable::is_shareable;
use super::super::store::{Began, Landing, Place, Store};
use super::super::stored::{Held, Recorded, Stored, kept_head};
use super::super::tags::CacheTags;
use super::super::vary;
use super::{Answer, Exchange, Leave, THROTTLE, land};
use crate::clock::nanos;
use crate::flight::{Load, Signal};
use crate::http::Body;
use crate::sync::lock;

/// Longer ones are not told apart, so nothing is stored for them.
const MAX_VARIANT_BYTES: usize = 1_024;

/// What the handler gave.
enum Came<B: http_body::Body> {
    /// A response that is for this request only.
    Own(Response<Resumed<B>>),
    /// A whole response that others may have.
    Whole(Parts, Bytes),
    /// What is stored still holds.
    Holds(Parts),
}

impl Exchange {
    /// Asks the handler.
    pub(super) async fn ask<S, Q, B>(
        &self,
        inner: S,
        mut request: Request<Q>,
        place: &Place,
        permit: Leave,
        stale: Option<Arc<Held>>,
    ) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        B: http_body::Body<Data = Bytes>,
    {
        let stale = stale.filter(|held| matches!(&held.stored, Stored::Response(r) if r.status == StatusCode::OK));
        let headers = request.headers().clone();
        conditional::take_off(request.headers_mut());
        let stale = stale.filter(|held| match &held.stored {
            Stored::Response(recorded) => {
                !self.head && conditional::revalidate(request.headers_mut(), &recorded.headers)
            }
            Stored::Varies(_) => false,
        });
        let began = self.store.began();
        let counted = Abandoned(Some(&self.store));
        let mut load = pin!(Load::new(self.call(inner, request, began, stale.is_some()), permit));
        let (came, permit) = load.as_mut().await;
        counted.disarm(self.now().saturating_sub(began.time), came.is_ok());
        let failed = match &came {
            Err(_) => true,
            Ok(Came::Own(response)) => matches!(response.status().as_u16(), 500 | 502 | 503 | 504),
            Ok(_) => false,
        };
        if failed && let Some(answer) = self.stands_in(place) {
            land(permit, || Signal::Landed(Landing::Again));
            return Ok(answer);
        }
        match came {
            Err(error) => {
                land(permit, || Signal::Alone);
                Err(error)
            }
            Ok(Came::Own(response)) => {
                land(permit, || Signal::Alone);
                Ok(self.own(response))
            }
            Ok(Came::Whole(parts, bytes)) => Ok(self.whole(parts, bytes, &headers, began, permit, false)),
            Ok(Came::Holds(parts)) => Ok(self.holds(stale.as_deref(), &parts, &headers, began, permit)),
        }
    }

    async fn call<S, Q, B>(
        &self,
        mut inner: S,
        request: Request<Q>,
        began: Began,
        conditional: bool,
    ) -> Result<Came<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        B: http_body::Body<Data = Bytes>,
    {
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        let (parts, body) = inner.call(request).await?.into_parts();
        if conditional && parts.status == StatusCode::NOT_MODIFIED {
            return Ok(Came::Holds(parts));
        }
        if self.head || self.life(&parts.headers, parts.status, began).is_none() {
            return Ok(Came::Own(Response::from_parts(parts, Resumed::untouched(body))));
        }
        let length = parts.headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse().ok());
        let length = length.map(|length| length.unwrap_or(u64::MAX));
        Ok(match collect(body, self.config.max_body, length).await {
            Collected::Whole(bytes) => Came::Whole(parts, bytes),
            Collected::Midway(body) => Came::Own(Response::from_parts(parts, body)),
        })
    }

    /// How long a response is fresh, and for how long still, if others may have it.
    fn life(&self, headers: &HeaderMap, status: StatusCode, began: Began) -> Option<(Duration, Duration)> {
        let said = Directives::of(headers);
        if !is_shareable(status, headers, &said, self.asker) {
            return None;
        }
        if !self.config.keeps {
            return Some((Duration::ZERO, Duration::ZERO));
        }
        let (now, delay) = (self.store.clock().wall(), self.now().saturating_sub(began.time));
        let whole = lifetime(headers, &said, now, &self.config.defaults)?;
        let left = whole.checked_sub(age_on_arrival(headers, now, Duration::from_nanos(delay)))?;
        (!left.is_zero()).then_some((whole, left))
    }

    /// A response that is for this request only.
    fn own<B: http_body::Body<Data = Bytes>>(&self, response: Response<Resumed<B>>) -> Answer<B> {
        let (mut parts, body) = response.into_parts();
        parts.extensions.remove::<CacheTags>();
        let status = Status::Forwarded { why: self.why, stored: false };
        if self.conditions.not_modified(parts.status, &parts.headers) {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = conditional::not_modified_head(&parts.headers);
            // Whatever a handler says beside it, cookies above all, is for this client.
            for cookie in parts.headers.get_all(SET_COOKIE) {
                answer.headers_mut().append(SET_COOKIE, cookie.clone());
            }
            *answer.extensions_mut() = parts.extensions;
            status.say(answer.headers_mut());
            return answer;
        }
        status.say(&mut parts.headers);
        Response::from_parts(parts, Body::inner(body))
    }

    /// A response that others may have.
    fn whole<B: http_body::Body>(
        &self,
        mut parts: Parts,
        bytes: Bytes,
        request: &HeaderMap,
        began: Began,
        permit: Leave,
        revalidated: bool,
    ) -> Answer<B> {
        let life = self.life(&parts.headers, parts.status, began);
        let mut tags = self.tags.clone();
        tags.extend(parts.extensions.remove::<CacheTags>().map(|tags| tags.0).unwrap_or_default());
        let (said, age) = (Directives::of(&parts.headers), parts.headers.get(AGE).cloned());
        let mut headers = kept_head(parts.headers, parts.status, bytes.len());
        if self.config.keeps && !headers.contains_key(DATE) {
            let date = httpdate::fmt_http_date(self.store.clock().wall());
            headers.extend(HeaderValue::try_from(date).ok().map(|date| (DATE, date)));
        }
        if self.config.etags && parts.status == StatusCode::OK && !headers.contains_key(ETAG) {
            let tag = HeaderValue::try_from(format!("\"{:032x}\"", xxh3_128(&bytes)));
            headers.extend(tag.ok().map(|tag| (ETAG, tag)));
        }
        let varies = vary::names(&headers);
        let recorded = Recorded {
            status: parts.status,
            variant: vary::variant(&varies, request),
            varies,
            headers,
            body: bytes,
            lifetime: life.map(|(whole, _)| whole).unwrap_or_default(),
            grace: Grace::of(&said, &self.config.defaults),
            tags,
        };
        let expires = self.now().saturating_add(nanos(life.map(|(_, left)| left).unwrap_or_default()));
        let held = Arc::new(Held::new(Stored::Response(recorded), expires));
        let stored = life.is_some() && self.config.keeps && self.has_room && self.keep(&held, began);
        // Under a permit, or for this request alone.
        match life {
            Some(_) => land(permit, || Signal::Landed(Landing::Response(held.clone(), began.epoch))),
            None => land(permit, || Signal::Alone),
        }
        let status = if revalidated {
            Status::Revalidated { why: self.why, stored }
        } else {
            Status::Forwarded { why: self.why, stored }
        };
        let Stored::Response(recorded) = &held.stored else { unreachable!("made above") };
        let mut answer = recorded.answer(self.head, &self.conditions, status);
        answer.headers_mut().extend(age.map(|age| (AGE, age)));
        *answer.extensions_mut() = parts.extensions;
        answer
    }

    /// What is stored, brought up to date.
    fn holds<B: http_body::Body>(
        &self,
        stale: Option<&Held>,
        not_modified: &Parts,
        request: &HeaderMap,
        began: Began,
        permit: Leave,
    ) -> Answer<B> {
        let Some(Stored::Response(recorded)) = stale.map(|held| &held.stored) else {
            unreachable!("asked only of what is stored")
        };
        let mut parts = Response::new(()).into_parts().0;
        parts.status = recorded.status;
        parts.headers = recorded.headers.clone();
        // A date that the handler leaves to its server is that of now.
        parts.headers.remove(DATE);
        conditional::freshen(&mut parts.headers, &not_modified.headers);
        parts.extensions = not_modified.extensions.clone();
        // What it was made of, it still is.
        let said = parts.extensions.remove::<CacheTags>().unwrap_or_default();
        let tags: Vec<_> =
            recorded.tags.iter().filter(|tag| !self.tags.contains(tag)).chain(&said.0).cloned().collect();
        parts.extensions.insert(CacheTags(tags));
        self.whole(parts, recorded.body.clone(), request, began, permit, true)
    }

    /// Stores a response, and where it varies, what by. Whether it was stored.
    fn keep(&self, held: &Arc<Held>, began: Began) -> bool {
        let Stored::Response(recorded) = &held.stored else { return false };
        let target = self.target.borrow();
        if recorded.varies.is_empty() {
            return self.store.keep(&self.store.place(&target, "", &[]), held, began);
        }
        let of = self.store.place(&target, "", &[]);
        let room = self.store.admits_variant(&of, &recorded.varies, &recorded.variant, self.config.max_variants);
        if !room || recorded.variant.len() > MAX_VARIANT_BYTES {
            return false;
        }
        self.keep_names(&of, recorded, held.expires, began);
        self.store.keep(&self.store.place(&target, &recorded.variant, &[]), held, began)
    }

    /// Says that responses vary, and is known for as long as any of them may be of use.
    fn keep_names(&self, of: &Place, recorded: &Recorded, expires: u64, began: Began) {
        let known = self.store.look(of).map(|found| found.value);
        let known = known.filter(|held| matches!(&held.stored, Stored::Varies(names) if *names == recorded.varies));
        let until = expires.saturating_add(nanos(recorded.grace.longest()));
        if known.as_ref().is_some_and(|held| held.expires >= until) {
            return;
        }
        let names = Held::new(Stored::Varies(recorded.varies.clone()), until);
        *lock(&names.variants) = match known {
            Some(known) => lock(&known.variants).clone(),
            None => vec![recorded.variant.clone()],
        };
        self.store.keep(of, &Arc::new(names), began);
    }

    /// The stale response, where it may stand in for one that could not be made.
    fn stands_in<B: http_body::Body>(&self, place: &Place) -> Option<Answer<B>> {
        let found = self.store.look(place).filter(|_| self.config.keeps)?;
        let Stored::Response(recorded) = &found.value.stored else { return None };
        let now = self.now();
        let standing = recorded.standing(found.value.expires, now);
        let wanted = self.asked.max_age.is_none() && self.asked.min_fresh.is_none() && !self.asked.no_cache;
        if !wanted || standing.staleness() >= Duration::from_secs(recorded.grace.if_error) {
            return None;
        }
        self.store.leave_alone(place, now.saturating_add(nanos(THROTTLE)));
        self.store.counters.stale_served.count();
        Some(recorded.hit(standing, self.head, &self.conditions))
    }
}

/// Counts a call of the handler that ends by being dropped.
struct Abandoned<'a>(Option<&'a Store>);

impl Abandoned<'_> {
    fn disarm(mut self, took: u64, ok: bool) {
        if let Some(store) = self.0.take() {
            store.counters.load_nanos.add(took);
            if ok { store.counters.loads.count() } else { store.counters.load_errors.count() }
        }
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(store) = self.0 {
            store.counters.loads_abandoned.count();
        }
    }
}
