//! The lookup of a request that was no hit, and how it joins others.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::header::AGE;
use http::{HeaderMap, HeaderValue};

use super::super::directives::Directives;
use super::super::freshness::{Reuse, Standing};
use super::super::status::{Forwarded, Status};
use super::super::store::{Place, SharedOutcome};
use super::super::stored::{Held, Recorded, Stored};
use super::super::vary;
use super::{Answer, Exchange, shared_outcome};
use crate::clock::nanos;
use crate::engine::{Lookup, Request, RequestPlan, join};
use crate::flight::{Joined, PATIENCE, Permit, Terms, end};
use crate::l1::FoundEntry;
use crate::stats::Answered;

/// The most looks of a request: after the last, the handler is asked without regard to others.
const LOOKS: usize = 9;

/// A request that looks for an answer.
pub(super) struct Seeking<'a, B> {
    exchange: &'a mut Exchange,
    headers: &'a HeaderMap,
    /// The place of its answer, as far as is known by now.
    pub(super) place: Place,
    /// A response that does not answer, but may be revalidated.
    pub(super) stale: Option<Arc<Held>>,
    /// The variant that came from the shared tier, if one did.
    fetched: Option<String>,
    /// The number of looks that are left.
    looks: usize,
    answer: PhantomData<fn() -> B>,
}

/// An answer that may be given while it is revalidated, and what is revalidated.
pub(super) type Stale<B> = (Answer<B>, Arc<Held>);

impl<B: http_body::Body> Request for Seeking<'_, B> {
    type Answer = Answer<B>;
    type Stale = Stale<B>;

    fn lookup(&mut self) -> Lookup<Answer<B>, Stale<B>> {
        self.stale = None;
        while self.looks > 0 {
            self.looks -= 1;
            let found = self.exchange.store.get(&self.place).filter(|_| self.exchange.config.keeps);
            let Some(found) = found else { return Lookup::Miss };
            match &found.value.stored {
                Stored::Varies(names) if self.exchange.variant.is_empty() => {
                    self.is_variant(vary::variant(names, self.headers));
                }
                Stored::Varies(_) => return Lookup::Miss,
                Stored::Response(recorded) => return self.consider(&found, recorded),
            }
        }
        Lookup::Miss
    }

    fn join(&mut self, wait: bool) -> Option<Joined> {
        let exchange = &*self.exchange;
        let alone = if wait { exchange.is_solo() || self.is_tired() } else { exchange.head || exchange.short };
        let terms = Terms { wait, patience: nanos(PATIENCE), note: 0 };
        let (key, scopes) = (self.place.key.erased(), self.place.scopes.hashes());
        (!alone).then(|| exchange.store.flights.join(key, scopes, terms))
    }

    fn leads(&mut self, permit: &Permit, _: Option<&Stale<B>>) {
        if self.exchange.store.count_stalled(permit) {
            tracing::warn!(
                "a handler was not polled for so long that another request was let through: see what holds it up"
            );
        }
    }

    fn recheck(&mut self, permit: Permit) -> Option<Permit> {
        if !self.is_answered() {
            return Some(permit);
        }
        permit.end(|| shared_outcome(SharedOutcome::Again));
        None
    }

    fn serve_stale(&mut self, (answer, _): Stale<B>) -> Answer<B> {
        answer
    }

    fn waits(&mut self, waits: bool) {
        self.exchange.call.waits(waits);
    }

    /// The response to another request, if it is one to this, and nothing was invalidated or refreshed since it was asked for.
    fn accept(&mut self, outcome: Box<dyn Any + Send>) -> Option<Answer<B>> {
        let SharedOutcome::Response(held, epoch) = *outcome.downcast().ok()? else { return None };
        let Stored::Response(recorded) = &held.stored else { return None };
        let variant = vary::variant(&recorded.varies, self.headers);
        if variant != recorded.variant {
            self.is_variant(variant);
            return None;
        }
        let exchange = &*self.exchange;
        if !exchange.store.is_current(&self.place, &held, epoch) {
            return None;
        }
        exchange.call.answered(Answered::Joined);
        let mut answer = recorded.answer(false, &exchange.conditions, Status::Collapsed(exchange.why));
        if exchange.config.keeps {
            let age = recorded.standing(held.expires, exchange.now()).age;
            answer.headers_mut().insert(AGE, HeaderValue::from(age.as_secs()));
        }
        exchange.tell_tags(recorded, &mut answer);
        Some(answer)
    }
}

impl<'a, B: http_body::Body> Seeking<'a, B> {
    pub(super) fn new(exchange: &'a mut Exchange, headers: &'a HeaderMap) -> Self {
        let place = exchange.place();
        Self { exchange, headers, place, stale: None, fetched: None, looks: LOOKS, answer: PhantomData }
    }

    /// The plan of this request, with the shared tier asked before the handler; a revalidation asks the handler only.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the permit, which hands over.
    pub(super) async fn plan(&mut self) -> RequestPlan<Answer<B>, Stale<B>> {
        loop {
            let permit = match join(self).await {
                RequestPlan::Load(permit) => permit,
                plan => return plan,
            };
            if !self.fetch().await {
                return RequestPlan::Load(permit);
            }
            end(permit, || shared_outcome(SharedOutcome::Again));
        }
    }

    /// Fetches a response from the shared tier. True if it may be an answer: look again.
    async fn fetch(&mut self) -> bool {
        let (exchange, first) = (&*self.exchange, self.fetched.as_ref() != Some(&self.exchange.variant));
        let may_ask = exchange.store.has_tier() && !exchange.short && first && !self.is_tired();
        if !may_ask || !exchange.store.fetch(&self.place).await {
            return false;
        }
        self.fetched = Some(exchange.variant.clone());
        let is_answered = exchange.is_solo() || self.is_answered();
        if !is_answered {
            self.stale = exchange.store.get(&self.place).map(|found| found.value);
        }
        is_answered
    }

    /// Returns whether it has looked often enough.
    fn is_tired(&self) -> bool {
        self.looks == 0
    }

    /// Notes that responses vary, and what the request says in the fields that they vary by.
    fn is_variant(&mut self, variant: String) {
        (self.exchange.variant, self.exchange.why) = (variant, Forwarded::VaryMiss);
        self.place = self.exchange.place();
    }

    /// Considers a response that this process has.
    fn consider(&mut self, found: &FoundEntry<Arc<Held>>, recorded: &Recorded) -> Lookup<Answer<B>, Stale<B>> {
        let (now, exchange) = (self.exchange.now(), &mut *self.exchange);
        let standing = standing(found, recorded, now);
        let how = if self.fetched.is_some() { Answered::Shared } else { Answered::Locally };
        let answer = |exchange: &Exchange| {
            if !standing.is_fresh() {
                exchange.call.gets_stale();
            }
            exchange.call.answered(how);
            exchange.hit(&found.value, recorded, now)
        };
        exchange.why = match standing.reuse(&exchange.asked, recorded.grace) {
            Reuse::Fresh | Reuse::Stale => return Lookup::Answer(answer(exchange)),
            Reuse::WhileRevalidating if now < found.retry_at => return Lookup::Answer(answer(exchange)),
            Reuse::WhileRevalidating => return Lookup::Stale((answer(exchange), found.value.clone())),
            Reuse::No => {
                let if_error = Duration::from_secs(recorded.grace.if_error);
                let Directives { no_cache, max_age, min_fresh, .. } = &exchange.asked;
                let asked = !no_cache && max_age.is_none() && min_fresh.is_none();
                if asked && now < found.retry_at && standing.staleness() < if_error {
                    return Lookup::Answer(answer(exchange));
                }
                Forwarded::Stale
            }
            Reuse::Refused => Forwarded::Request,
        };
        self.stale = Some(found.value.clone());
        Lookup::Miss
    }

    /// Returns whether a response has come between the look and the right to ask for one.
    fn is_answered(&self) -> bool {
        let exchange = &*self.exchange;
        exchange.config.keeps
            && exchange.store.get(&self.place).is_some_and(|found| match &found.value.stored {
                Stored::Response(recorded) => standing(&found, recorded, exchange.now()).is_fresh(),
                Stored::Varies(_) => exchange.variant.is_empty(),
            })
    }
}

/// The standing in time of a response that was found.
fn standing(found: &FoundEntry<Arc<Held>>, recorded: &Recorded, now: u64) -> Standing {
    let standing = recorded.standing(found.value.expires, now);
    if found.is_refreshed() { standing.refreshed() } else { standing }
}
