//! One request that was no hit, from the look to the answer.
//!
//! Flow: look -> flight -> shared tier -> handler -> store -> tell those who wait. An epoch is taken before the handler runs, so whatever is
//! invalidated meanwhile, by whatever the response turns out to be made of, keeps it from being served to anybody whose request
//! came later.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::AGE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::conditional::Conditions;
use super::config::Config;
use super::directives::Directives;
use super::freshness::{Reuse, Standing};
use super::status::{Forwarded, Status};
use super::storable::Asker;
use super::store::{Place, SharedOutcome, Store};
use super::stored::{Held, Recorded, Stored};
use super::target::Owned;
use super::vary;
use crate::clock::nanos;
use crate::engine::count_stalled;
use crate::flight::{Joined, LoadOutcome, PATIENCE, Permit, Terms, Waiter, end};
use crate::handle::carried;
use crate::http::resumed::{BoxError, Resumed};
use crate::http::{Body, Problem};
use crate::l1::Found;
use crate::stats::{Answered, Call};

mod ask;
mod keep;

/// What this cache answers with.
pub(super) type Answer<B> = Response<Body<Resumed<B>>>;

/// Looks at most so often before the handler is asked without regard to others.
const ROUNDS: usize = 8;

/// A request on its way to an answer.
pub(super) struct Exchange {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<Store>,
    pub(super) target: Owned,
    pub(super) asker: Asker,
    pub(super) asked: Directives,
    pub(super) conditions: Conditions,
    pub(super) head: bool,
    /// Whether a cache outside this one asks, which has to know what the answer is made of.
    pub(super) nested: bool,
    /// Whether memory is so short that no body is to be stored.
    pub(super) short: bool,
    /// What its response will be made of, as far as the request tells.
    pub(super) tags: Vec<String>,
    /// What it says in the fields that responses are known to vary by.
    pub(super) variant: String,
    /// Why the handler has to be asked.
    pub(super) why: Forwarded,
    /// Counts how it ends.
    pub(super) call: Call,
}

/// What this process has.
enum View<B: http_body::Body> {
    Answer(Answer<B>),
    /// Responses vary: look again.
    Elsewhere(String),
    /// An answer, though its revalidation is due.
    Stale(Answer<B>, Arc<Held>),
    /// Nothing that answers; perhaps something to revalidate.
    Nothing(Option<Arc<Held>>),
}

impl Exchange {
    /// # Cancel safety
    ///
    /// Dropping it drops the handler's future, stores nothing, and lets one of those who wait for it take over.
    pub(super) async fn run<S, Q, B>(mut self, inner: S, request: Request<Q>) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.store.clock().notice_fork();
        let mut fetched = None;
        for _ in 0..ROUNDS {
            let place = self.place();
            let stale = match self.consider(&place, request.headers(), fetched.is_some()) {
                View::Answer(answer) => return Ok(answer),
                View::Stale(answer, held) => return self.refresh(answer, held, place, inner, request).await,
                View::Elsewhere(variant) => {
                    (self.variant, self.why) = (variant, Forwarded::VaryMiss);
                    continue;
                }
                View::Nothing(stale) => stale,
            };
            let permit = match self.join(&place).await {
                Turn::Lead(permit) => permit,
                Turn::Again => continue,
                Turn::Shared(held, epoch) => match self.accept(&place, &held, epoch, request.headers()) {
                    Some(answer) => return Ok(answer),
                    None => continue,
                },
            };
            if permit.is_some() && self.is_answered(&place) {
                end(permit, || shared_outcome(SharedOutcome::Again));
                continue;
            }
            let first = self.store.has_tier() && !self.short && fetched.as_ref() != Some(&self.variant);
            let mut stale = stale;
            if first && self.store.fetch(&place).await {
                fetched = Some(self.variant.clone());
                if self.is_solo() || self.is_answered(&place) {
                    end(permit, || shared_outcome(SharedOutcome::Again));
                    continue;
                }
                stale = self.store.look(&place).map(|found| found.value);
            }
            if self.asked.only_if_cached && self.config.keeps {
                return Ok(only_if_cached());
            }
            return self.ask(inner, request, &place, permit, stale).await;
        }
        let place = self.place();
        self.ask(inner, request, &place, None, None).await
    }

    fn place(&self) -> Place {
        self.store.place(&self.target.borrow(), &self.variant, &self.tags)
    }

    /// Requests that no other's response is good enough for, or that have none to give.
    fn is_solo(&self) -> bool {
        self.head || self.asked != Directives::default()
    }

    fn now(&self) -> u64 {
        self.store.clock().now()
    }

    /// `fetched` says whether the shared tier had it.
    fn consider<B: http_body::Body>(&mut self, place: &Place, headers: &HeaderMap, fetched: bool) -> View<B> {
        let Some(found) = self.store.look(place).filter(|_| self.config.keeps) else { return View::Nothing(None) };
        let recorded = match &found.value.stored {
            Stored::Varies(names) if self.variant.is_empty() => return View::Elsewhere(vary::variant(names, headers)),
            Stored::Varies(_) => return View::Nothing(None),
            Stored::Response(recorded) => recorded,
        };
        let now = self.now();
        let standing = standing(&found, recorded, now);
        let answer = || {
            if !standing.is_fresh() {
                self.call.gets_stale();
            }
            self.call.answered(if fetched { Answered::Shared } else { Answered::Here });
            self.hit(&found.value, recorded, now)
        };
        match standing.reuse(&self.asked, recorded.grace) {
            Reuse::Fresh | Reuse::Stale => View::Answer(answer()),
            Reuse::WhileRevalidating if now < found.retry_at => View::Answer(answer()),
            Reuse::WhileRevalidating => View::Stale(answer(), found.value.clone()),
            Reuse::No => {
                let if_error = Duration::from_secs(recorded.grace.if_error);
                let asked = !self.asked.no_cache && self.asked.max_age.is_none() && self.asked.min_fresh.is_none();
                if asked && now < found.retry_at && standing.staleness() < if_error {
                    return View::Answer(answer());
                }
                self.why = Forwarded::Stale;
                View::Nothing(Some(found.value.clone()))
            }
            Reuse::Refused => {
                self.why = Forwarded::Request;
                View::Nothing(Some(found.value.clone()))
            }
        }
    }

    async fn join(&self, place: &Place) -> Turn {
        if self.is_solo() {
            return Turn::Lead(None);
        }
        match self.store.flights.join(place.key.erased(), place.scopes.hashes(), terms(true)) {
            Joined::Lead(permit) => {
                self.tell_stalled(&permit);
                Turn::Lead(Some(permit))
            }
            Joined::Within | Joined::Taken(_) => Turn::Lead(None),
            Joined::Wait(waiter) => match self.wait(waiter).await {
                Ok(LoadOutcome::Shared(outcome)) => match outcome.downcast().map(|outcome| *outcome) {
                    Ok(SharedOutcome::Response(held, epoch)) => Turn::Shared(held, epoch),
                    Ok(SharedOutcome::Again) | Err(_) => Turn::Again,
                },
                Err(_) => Turn::Again,
                Ok(LoadOutcome::Lead(permit)) => Turn::Lead(Some(permit)),
                Ok(LoadOutcome::Alone | LoadOutcome::TimedOut) => Turn::Lead(None),
            },
        }
    }

    async fn wait(&self, waiter: Waiter) -> <Waiter as Future>::Output {
        self.call.waits(true);
        let outcome = waiter.await;
        self.call.waits(false);
        outcome
    }

    /// Counts a handler's future in whose place another is made, and says so once.
    fn tell_stalled(&self, permit: &Permit) {
        if count_stalled(&self.store.counters, permit) {
            tracing::warn!(
                "a handler was not polled for so long that another request was let through: see what holds it up"
            );
        }
    }

    fn hit<B: http_body::Body>(&self, held: &Held, recorded: &Recorded, now: u64) -> Answer<B> {
        let mut answer = held.hit(recorded, now, self.head, &self.conditions);
        self.tell_tags(recorded, &mut answer);
        answer
    }

    fn tell_tags<B: http_body::Body>(&self, recorded: &Recorded, answer: &mut Answer<B>) {
        if self.nested {
            recorded.tell_tags(answer);
        }
    }

    /// Whether a response has come between the look and the right to ask for one.
    fn is_answered(&self, place: &Place) -> bool {
        let now = self.now();
        self.config.keeps
            && self.store.look(place).is_some_and(|found| match &found.value.stored {
                Stored::Response(recorded) => standing(&found, recorded, now).is_fresh(),
                Stored::Varies(_) => self.variant.is_empty(),
            })
    }

    /// The response to another request, if it is one to this, and nothing was invalidated or refreshed since it was asked for.
    fn accept<B: http_body::Body>(
        &mut self,
        place: &Place,
        held: &Held,
        epoch: u64,
        headers: &HeaderMap,
    ) -> Option<Answer<B>> {
        let Stored::Response(recorded) = &held.stored else { return None };
        let variant = vary::variant(&recorded.varies, headers);
        if variant != recorded.variant {
            (self.variant, self.why) = (variant, Forwarded::VaryMiss);
            return None;
        }
        let current = self.store.is_current(place, held, epoch);
        current.then(|| {
            self.call.answered(Answered::Joined);
            let mut answer = recorded.answer(false, &self.conditions, Status::Collapsed(self.why));
            if self.config.keeps {
                let age = recorded.standing(held.expires, self.now()).age;
                answer.headers_mut().insert(AGE, HeaderValue::from(age.as_secs()));
            }
            self.tell_tags(recorded, &mut answer);
            answer
        })
    }

    /// One request asks the handler behind the answer, the others are answered at once.
    async fn refresh<S, Q, B>(
        self,
        answer: Answer<B>,
        held: Arc<Held>,
        place: Place,
        inner: S,
        request: Request<Q>,
    ) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if self.head || self.short {
            return Ok(answer);
        }
        let joined = self.store.flights.join(place.key.erased(), place.scopes.hashes(), terms(false));
        let Joined::Lead(permit) = joined else { return Ok(answer) };
        self.tell_stalled(&permit);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.ask(inner, request, &place, Some(permit), Some(held)).await;
        };
        let Some(slot) = self.store.background.slot() else { return Ok(answer) };
        runtime.spawn(carried(async move {
            drop(self.ask(inner, request, &place, Some(permit), Some(held)).await);
            drop(slot);
        }));
        Ok(answer)
    }
}

/// How a request goes on.
enum Turn {
    /// By asking the handler, perhaps on behalf of others.
    Lead(Option<Permit>),
    /// With what another asked for.
    Shared(Arc<Held>, u64),
    Again,
}

/// Where a response that was found stands in time.
fn standing(found: &Found<Arc<Held>>, recorded: &Recorded, now: u64) -> Standing {
    let standing = recorded.standing(found.value.expires, now);
    if found.is_refreshed() { standing.refreshed() } else { standing }
}

fn terms(wait: bool) -> Terms {
    Terms { wait, patience: nanos(PATIENCE), note: 0 }
}

/// The outcome of a load that all its waiters get.
fn shared_outcome(outcome: SharedOutcome) -> LoadOutcome {
    LoadOutcome::shared(outcome)
}

fn only_if_cached<B: http_body::Body>() -> Answer<B> {
    let mut answer = Problem::new(StatusCode::GATEWAY_TIMEOUT, "nothing is stored that may answer").into_response();
    Status::OnlyIfCached.say(answer.headers_mut());
    answer
}
