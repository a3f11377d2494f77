//! The lookup of a request that was not a hit, and its joining of identical requests in flight.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::header::AGE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::conditional::Conditions;
use super::super::directives::Directives;
use super::super::fills::Fill;
use super::super::freshness::{Freshness, Reuse};
use super::super::status::{CacheStatus, Forwarded};
use super::super::store::{EntryKey, ResponseOutcome};
use super::super::stored::{ResponseEntry, Stored, StoredResponse};
use super::super::vary;
use super::{Answer, Exchange, shared_outcome};
use crate::clock::nanos;
use crate::engine::{Lookup, Request, RequestPlan, join};
use crate::flight::{FlightWait, Joined, LoadPermit, PATIENCE, Terms, end};
use crate::http::Body;
use crate::http::resumed::ResumedBody;
use crate::l1::FoundEntry;
use crate::stats::Answered;
use crate::trace::Subject;

/// Maximum number of lookups of a request: after the last, it is forwarded without waiting for others.
const MAX_LOOKUPS: usize = 9;

/// Lookup of a request.
pub(super) struct ResponseLookup<'a, B> {
    exchange: &'a mut Exchange,
    headers: &'a HeaderMap,
    /// Key of its entry, as far as is known.
    pub(super) key: EntryKey,
    /// A stored response that may not be reused, but can be validated.
    pub(super) stale: Option<Arc<ResponseEntry>>,
    /// Variant that came from the shared tier, if one did.
    fetched: Option<String>,
    /// Number of lookups that are left.
    lookups: usize,
    answer: PhantomData<fn() -> B>,
}

/// Answer that may be served while it is validated, and the entry to validate.
pub(super) type Stale<B> = (Answer<B>, Arc<ResponseEntry>);

impl<B: http_body::Body> Request for ResponseLookup<'_, B> {
    type Answer = Answer<B>;
    type Stale = Stale<B>;

    fn subject(&self) -> Subject<'_> {
        Subject::response()
    }

    fn lookup(&mut self) -> Lookup<Answer<B>, Stale<B>> {
        match self.find() {
            Lookup::Miss => match self.find_fill() {
                Some((fill, wait)) => self.join_fill(&fill, wait).map_or(Lookup::Miss, Lookup::Answer),
                None => Lookup::Miss,
            },
            // The refresh is under way: its body is still coming.
            Lookup::Stale((answer, _)) if self.find_fill().is_some() => Lookup::Answer(answer),
            found => found,
        }
    }

    fn join(&mut self, wait: bool) -> Option<Joined> {
        let exchange = &*self.exchange;
        let is_unshared = || exchange.store.unshared.contains(self.key.key.hash, exchange.now());
        let alone = if wait {
            exchange.is_solo() || self.is_exhausted() || self.validates() || is_unshared()
        } else {
            exchange.head || exchange.memory_short
        };
        let terms = Terms { wait, patience: nanos(PATIENCE), note: 0 };
        let (key, scopes) = (self.key.key.erased(), self.key.scopes.hashes());
        (!alone).then(|| exchange.store.flights.join(key, scopes, terms))
    }

    fn leads(&mut self, permit: &LoadPermit, _: Option<&Stale<B>>) {
        if self.exchange.store.count_stalled(permit) {
            tracing::warn!(
                "a handler was not polled for so long that another request called it too: find the code that blocks it"
            );
        }
    }

    fn recheck(&mut self, permit: LoadPermit) -> Option<LoadPermit> {
        if !self.is_answered() {
            return Some(permit);
        }
        permit.end(|| shared_outcome(ResponseOutcome::Again));
        None
    }

    fn serve_stale(&mut self, (answer, _): Stale<B>) -> Answer<B> {
        answer
    }

    fn waits(&mut self, waits: bool) {
        self.exchange.call.waits(waits);
    }

    /// Accepts the response to another request, if it is of the same variant, and nothing was invalidated or refreshed since its load
    /// began.
    fn accept(&mut self, outcome: Box<dyn Any + Send>) -> Option<Answer<B>> {
        let (entry, epoch) = match *outcome.downcast().ok()? {
            ResponseOutcome::Response(entry, epoch) => (entry, epoch),
            ResponseOutcome::Fill(fill) => {
                self.adopt_variant(fill.recorded())?;
                if self.exchange.is_http_1_0() || !self.is_young(&fill.head, fill.recorded()) {
                    self.lookups = 0;
                }
                let wait = self.may_join(&fill).then(|| fill.flight.wait())??;
                return self.join_fill(&fill, wait);
            }
            ResponseOutcome::Again => return None,
        };
        let Stored::Response(recorded) = &entry.stored else { return None };
        self.adopt_variant(recorded)?;
        if !self.is_young(&entry, recorded) {
            // Another load would be no younger.
            self.lookups = 0;
            return None;
        }
        let is_current = self.exchange.store.is_current(&self.key, &entry, epoch);
        is_current.then(|| self.joined_answer(&entry, recorded, &self.exchange.conditions))
    }
}

impl<'a, B: http_body::Body> ResponseLookup<'a, B> {
    pub(super) fn new(exchange: &'a mut Exchange, headers: &'a HeaderMap) -> Self {
        let key = exchange.entry_key();
        Self { exchange, headers, key, stale: None, fetched: None, lookups: MAX_LOOKUPS, answer: PhantomData }
    }

    /// Plans the request: a miss asks the shared tier before the handler, a refresh asks the handler only.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the permit is dropped with it, and a waiter takes over.
    pub(super) async fn plan(&mut self) -> RequestPlan<Answer<B>, Stale<B>> {
        loop {
            let permit = match join(self).await {
                RequestPlan::Load(permit) => permit,
                plan => return plan,
            };
            if !self.fetch().await {
                return RequestPlan::Load(permit);
            }
            end(permit, || shared_outcome(ResponseOutcome::Again));
        }
    }

    /// Fetches a response from the shared tier. Returns true if the lookup is to be repeated.
    async fn fetch(&mut self) -> bool {
        let (exchange, first) = (&*self.exchange, self.fetched.as_ref() != Some(&self.exchange.variant));
        let may_ask = exchange.store.has_tier() && !exchange.memory_short && first && !self.is_exhausted();
        if !may_ask || !exchange.store.fetch(&self.key).await {
            return false;
        }
        self.fetched = Some(exchange.variant.clone());
        let is_answered = exchange.is_solo() || self.is_answered();
        if !is_answered {
            self.stale = exchange.store.get(&self.key).map(|found| found.value);
        }
        is_answered
    }

    /// Returns whether the stored response is to be validated for each request, so that none can wait for another.
    fn validates(&self) -> bool {
        self.stale.as_ref().is_some_and(|entry| entry.is_always_stale())
    }

    /// Looks up a stored response.
    fn find(&mut self) -> Lookup<Answer<B>, Stale<B>> {
        self.stale = None;
        while self.lookups > 0 {
            self.lookups -= 1;
            let found = self.exchange.store.get(&self.key).filter(|_| self.exchange.config.stores);
            let Some(found) = found else { return Lookup::Miss };
            match &found.value.stored {
                Stored::Varies(names) if self.exchange.variant.is_empty() => {
                    self.set_variant(vary::variant(names, self.headers, &self.exchange.config.ignored_cookies));
                }
                Stored::Varies(_) => return Lookup::Miss,
                Stored::Response(recorded) => return self.judge(&found, recorded),
            }
        }
        Lookup::Miss
    }

    /// Returns whether the request is of the same variant as a response. If not, its own variant is known now.
    fn adopt_variant(&mut self, recorded: &StoredResponse) -> Option<()> {
        let variant = vary::variant(&recorded.varies, self.headers, &self.exchange.config.ignored_cookies);
        if variant == recorded.variant {
            return Some(());
        }
        self.set_variant(variant);
        None
    }

    /// Answers with the response to another request.
    fn joined_answer(&self, entry: &ResponseEntry, recorded: &StoredResponse, conditions: &Conditions) -> Answer<B> {
        let exchange = &*self.exchange;
        exchange.call.answered(Answered::Joined);
        let mut answer = recorded.answer(false, conditions, CacheStatus::Collapsed(exchange.why));
        if exchange.config.stores {
            let age = recorded.freshness(entry.expires, exchange.now()).age;
            answer.headers_mut().insert(AGE, HeaderValue::from(age.as_secs()));
        }
        exchange.add_tags_if_nested(recorded, &mut answer);
        answer
    }

    /// Returns whether the request may join a fill of its variant.
    fn may_join(&self, fill: &Fill) -> bool {
        let exchange = &*self.exchange;
        !exchange.is_solo()
            && !exchange.is_http_1_0()
            && self.is_young(&fill.head, fill.recorded())
            && exchange.store.may_join(fill, &self.key)
    }

    /// Returns whether the response to another request is not older than the `max-age` of this one.
    fn is_young(&self, entry: &ResponseEntry, recorded: &StoredResponse) -> bool {
        let exchange = &*self.exchange;
        let Some(longest) = exchange.asked.max_age.filter(|seconds| *seconds > 0) else { return true };
        if exchange.config.stores {
            return recorded.freshness(entry.expires, exchange.now()).age.as_secs() <= longest;
        }
        // Without storage, the head has the age.
        let age = recorded.headers.get(AGE).map(|age| age.to_str().ok()?.parse::<u64>().ok());
        age.is_none_or(|age| age.is_some_and(|age| age <= longest))
    }

    /// Finds a response to another request whose body is still coming, and records that this request waits for it.
    fn find_fill(&self) -> Option<(Arc<Fill>, FlightWait)> {
        // A request for a new response gets none whose head came before it.
        let Directives { no_cache, max_age, .. } = self.exchange.asked;
        if no_cache || max_age == Some(0) {
            return None;
        }
        let (store, target) = (&self.exchange.store, self.exchange.target.borrow());
        let is_wanted = |fill: &Fill| {
            let recorded = fill.recorded();
            vary::variant(&recorded.varies, self.headers, &self.exchange.config.ignored_cookies) == recorded.variant
                && self.may_join(fill)
        };
        let fill = store.fills.find(|| store.local.values.owned_key(&target.args("")), is_wanted)?;
        let wait = fill.flight.wait()?;
        Some((fill, wait))
    }

    /// Answers with a response whose body is still coming, if that can be had from its beginning.
    fn join_fill(&self, fill: &Fill, wait: FlightWait) -> Option<Answer<B>> {
        let reader = fill.body.reader(wait)?;
        let mut answer = self.joined_answer(&fill.head, fill.recorded(), &self.exchange.conditions.of_whole());
        if answer.status() != StatusCode::NOT_MODIFIED {
            *answer.body_mut() = Body::inner(ResumedBody::filling(reader));
        }
        Some(answer)
    }

    /// Returns whether no lookups are left.
    fn is_exhausted(&self) -> bool {
        self.lookups == 0
    }

    /// Sets the variant of the request, once the fields in `Vary` are known.
    fn set_variant(&mut self, variant: String) {
        (self.exchange.variant, self.exchange.why) = (variant, Forwarded::VaryMiss);
        self.key = self.exchange.entry_key();
    }

    /// Decides whether a response in the local tier may be reused.
    fn judge(
        &mut self,
        found: &FoundEntry<Arc<ResponseEntry>>,
        recorded: &StoredResponse,
    ) -> Lookup<Answer<B>, Stale<B>> {
        let (now, exchange) = (self.exchange.now(), &mut *self.exchange);
        let freshness = freshness(found, recorded, now);
        let how = if self.fetched.is_some() { Answered::Shared } else { Answered::Locally };
        let answer = |exchange: &Exchange| {
            if !freshness.is_fresh() {
                exchange.call.gets_stale();
            }
            exchange.call.answered(how);
            exchange.hit(&found.value, recorded, now)
        };
        exchange.why = match freshness.reuse(&exchange.asked, recorded.grace) {
            Reuse::Fresh | Reuse::Stale => return Lookup::Answer(answer(exchange)),
            Reuse::WhileRevalidating if now < found.retry_at => return Lookup::Answer(answer(exchange)),
            Reuse::WhileRevalidating => return Lookup::Stale((answer(exchange), found.value.clone())),
            Reuse::No => {
                let if_error = Duration::from_secs(recorded.grace.if_error);
                let Directives { no_cache, max_age, min_fresh, .. } = &exchange.asked;
                let accepted = !no_cache && max_age.is_none() && min_fresh.is_none();
                if accepted && now < found.retry_at && freshness.staleness() < if_error {
                    return Lookup::Answer(answer(exchange));
                }
                Forwarded::Stale
            }
            Reuse::Refused => Forwarded::Request,
        };
        self.stale = Some(found.value.clone());
        Lookup::Miss
    }

    /// Returns whether another request has inserted a response since the lookup, or has begun one.
    fn is_answered(&self) -> bool {
        let exchange = &*self.exchange;
        let is_stored = exchange.config.stores
            && exchange.store.get(&self.key).is_some_and(|found| match &found.value.stored {
                Stored::Response(recorded) => {
                    let freshness = freshness(&found, recorded, exchange.now());
                    freshness.reuse(&exchange.asked, recorded.grace) == Reuse::Fresh
                }
                Stored::Varies(_) => exchange.variant.is_empty(),
            });
        is_stored || self.find_fill().is_some()
    }
}

/// Returns the freshness of a response that was found.
fn freshness(found: &FoundEntry<Arc<ResponseEntry>>, recorded: &StoredResponse, now: u64) -> Freshness {
    let freshness = recorded.freshness(found.value.expires, now);
    if found.is_refreshed() { freshness.refreshed() } else { freshness }
}
