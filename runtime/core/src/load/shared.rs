//! The shared tier's part in a load: it is read before the body runs, and gets the value that the body returned.

use std::time::Duration;

use super::{CallPlan, Old, Pending, Standby, shared_negative, shared_value};
use crate::clock::{nanos, pause};
use crate::engine::{FetchStart, Fetched, LoadedEntry, RequestPlan, SharedForm, SharedKey, TieredStart, ValueOrigin};
use crate::flight::{LoadPermit, end};
use crate::key::{CallKey, OwnedKey};
use crate::l1::{Lifetime, LoadStart};
use crate::policy::{LoadTimes, Policy, refresh_early};
use crate::shape::{CacheValue, Outcome, Shape};
use crate::shared::LeaseApi as _;
use crate::site::{Dated, Negative, Outdated};
use crate::stats::{AnswerTimes, Answered};
use crate::sync::lock;
use crate::trace::{Subject, Traced, wait_for_fleet};

/// The duration of a lease on a load. Its process renews it while it loads; if that process dies, the others wait for no longer than this.
const LEASE: Duration = Duration::from_secs(3);
/// The intervals between two polls while another process loads: the first, and the longest, unless a sixteenth of the time waited is
/// longer.
const TURN: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(80));

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// The key in the shared tier, if there is one and the values can go there.
    pub(crate) fn shared_key(&self) -> Option<SharedKey<'_, S::Item>> {
        let Policy { wire, codec, erase, .. } = self.policy;
        let form = SharedForm { wire, codec, erase };
        let key = self.state.store.shared_key(&form, &self.text, self.scopes.hashes())?;
        self.state.is_findable(&self.key).then_some(key)
    }

    /// Returns whether answers are stored in this process.
    pub(super) fn stores_locally(&self) -> bool {
        self.policy.in_process || self.state.store.tier.is_none()
    }

    /// Stores a value that states these tags in the local tier, unless the policy says `tier = shared`.
    pub(crate) fn insert_locally(&self, value: &S::Item, tags: &[u64], life: Lifetime, start: LoadStart) {
        if self.stores_locally() {
            let scopes = self.scopes.and_tags(tags);
            self.state.insert(CallKey { scopes: &scopes, ..self.call_key() }, value.clone(), life, start);
        }
    }

    /// Removes older answers from this process if this call stores in the shared tier only. Other functions of the same key may have stored
    /// them.
    pub(super) fn remove_if_elsewhere(&self, began: &TieredStart, absence: bool) {
        if !self.stores_locally() {
            self.state.remove_older(self.call_key(), began.start, absence);
        }
    }

    /// Removes older results from both tiers after a load that stores nothing.
    pub(super) fn remove_older(&self, began: &TieredStart, absence: bool) {
        self.state.remove_older(self.call_key(), began.start, absence);
        let wrong = self.outdated.get().is_wrong_by(absence);
        if let Some(key) = self.shared_key().filter(|_| wrong && began.shared.is_some()) {
            key.remove(began, lock(&self.lease).take());
        }
    }

    /// Stores an absence in the local tier, unless the policy says `tier = shared`.
    pub(crate) fn insert_absence_locally(&self, absent: S::Absent, ended: u64, life: Lifetime, start: LoadStart) {
        if self.stores_locally() {
            let absent = Dated { negative: Negative::Absent(absent), began: ended, ended };
            self.state.insert_negative(self.call_key(), absent, life, start);
        }
    }

    /// Asks the shared tier before a body has to run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the permit, which hands the load over.
    pub(super) async fn consult(&self, permit: Option<LoadPermit>, old: Option<Old<S::Item>>) -> CallPlan<S> {
        if self.reload.is_some() {
            // The shared tier is not read, so it may hold a value.
            self.outdated.set(Outdated::Value);
            return RequestPlan::Load(permit);
        }
        let key = self.shared_key();
        let fetched = match &key {
            Some(key) => {
                expect_answer(permit.as_ref(), key);
                match self.ask(key).await {
                    // An old value that no caller may have is loaded by one process for all, too.
                    fetched
                        if self.policy.fleet && !fetched.as_ref().is_some_and(|fetched| self.is_answer(fetched)) =>
                    {
                        self.take_turns(key, permit.as_ref()).await.or(fetched)
                    }
                    fetched => fetched,
                }
            }
            None => None,
        };
        let outdated = match &key {
            Some(_) => Outdated::from_fetched(fetched.as_ref().map(|fetched| &fetched.value)),
            None => Outdated::Value,
        };
        self.outdated.set(outdated);
        match (fetched, old) {
            (Some(fetched), old) => self.fetched(fetched, permit, old),
            (None, Some(old)) => refresh::<S>(permit, old),
            (None, None) => RequestPlan::Load(permit),
        }
    }

    /// Returns whether an entry is an answer: it is fresh, or a value that only its ttl has made stale, and that the function serves.
    fn is_answer(&self, fetched: &Fetched<S::Item>) -> bool {
        let now = self.state.now();
        let stale = if fetched.value.is_some() { self.policy.stale } else { Duration::ZERO };
        !fetched.is_refreshed && now < self.expires(fetched, now).saturating_add(nanos(stale))
    }

    /// Returns the time until which an entry is fresh by the lifetimes of this call site, which may differ from those of its writer.
    fn expires(&self, fetched: &Fetched<S::Item>, now: u64) -> u64 {
        fetched.expires(match &fetched.value {
            Some(_) => now.saturating_add(nanos(self.policy.ttl.longest)),
            None => self.policy.absent_until(fetched.ended(now)),
        })
    }

    /// The plan of a call that cannot ask the shared tier.
    pub(super) fn without_shared(&self, permit: Option<LoadPermit>, old: Option<Old<S::Item>>) -> CallPlan<S> {
        if self.shared_key().is_some() {
            // Unknown, so it may hold a value.
            self.outdated.set(Outdated::Value);
        }
        match old {
            Some(old) => refresh::<S>(permit, old),
            None => RequestPlan::Load(permit),
        }
    }

    /// Waits for the lease on the load, or for the value of the process that has it. The wait ends with `None` when the shared tier fails,
    /// or after the longest time for which a process may have the lease.
    async fn take_turns(&self, key: &SharedKey<'_, S::Item>, permit: Option<&LoadPermit>) -> Option<Fetched<S::Item>> {
        let (began, bound) = (self.state.now(), self.load_bound());
        let lasts = LEASE.min(bound);
        let until = began.saturating_add(nanos(bound.saturating_add(lasts)));
        let mut wait = TURN.0;
        let mut span = Traced::default();
        while self.state.now() < until {
            expect_answer(permit, key);
            match key.lease(lasts).await {
                Ok(Some(lease)) => {
                    span.end("lead");
                    *lock(&self.lease) = Some(lease.renewed(lasts, bound));
                    // Another process's load may have finished between the read before and the lease.
                    return self.ask(key).await.filter(|fetched| self.is_answer(fetched));
                }
                Ok(None) => {
                    if wait == TURN.0 {
                        span = wait_for_fleet(Subject::function(&self.state.path));
                    }
                    pause(wait).await;
                }
                Err(_) => {
                    span.end("unavailable");
                    return None;
                }
            }
            let passed = Duration::from_nanos(self.state.now().saturating_sub(began));
            wait = (wait * 2).min(TURN.1.max(passed / 16));
            if let Some(fetched) = self.ask(key).await.filter(|fetched| self.is_answer(fetched)) {
                span.end("shared");
                return Some(fetched);
            }
        }
        span.end("timeout");
        None
    }

    /// The shared tier's answer, if it is fresh. It loads nothing.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch(&self) -> Option<S::Out> {
        let fetched = self.ask(&self.shared_key()?).await?;
        match self.fetched(fetched, None, None) {
            RequestPlan::Done(ending) => Some(S::close(ending)),
            RequestPlan::Load(_) | RequestPlan::Refresh(..) => None,
        }
    }

    fn fetch_start(&self) -> FetchStart {
        self.fetch_start.get().unwrap_or_else(|| self.state.store.begin_fetch())
    }

    /// The shared tier's answer.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    async fn ask(&self, key: &SharedKey<'_, S::Item>) -> Option<Fetched<S::Item>> {
        self.state.store.fetch(key, self.fetch_start(), &|value| self.tags_of(value)).await
    }

    /// The plan that follows from the shared tier's answer.
    fn fetched(&self, fetched: Fetched<S::Item>, permit: Option<LoadPermit>, old: Option<Old<S::Item>>) -> CallPlan<S> {
        let now = self.state.now();
        let (start, is_refreshed, ended) = (fetched.start, fetched.is_refreshed, fetched.ended(now));
        let age = fetched.age(now);
        let stores_locally = self.stores_locally() && !fetched.meets_reload;
        let (expires, load_time, tags) = (self.expires(&fetched, now), fetched.load_time, fetched.tags);
        let Some(value) = fetched.value else {
            let expires = if is_refreshed { 0 } else { expires };
            return self.fetched_absence((ended, age, expires), (start, stores_locally), permit, old);
        };
        let load = LoadTimes::measured(ended.saturating_sub(load_time), ended);
        let mut life = Lifetime { age, ..self.policy.lifetime_until(expires, load, now) };
        if is_refreshed {
            life.early_from = 0;
        }
        // An expired value is of use only to a function that serves stale values, or asks for the value that a load replaces.
        let is_useful = !is_refreshed || self.policy.uses_expired();
        if is_useful && stores_locally && !self.policy.ttl.is_never() {
            self.insert_locally(&value, &tags, life, start);
        }
        let due = is_refreshed || (now >= life.early_from && refresh_early(now, &life));
        self.call.set_times(AnswerTimes::aged(now, age, life.expires));
        if now < life.expires && !due {
            self.call.answered(Answered::Shared);
            let origin = ValueOrigin::of_load(start.epoch, Some(tags));
            end(permit, || shared_value::<S>(&value, origin.clone()));
            return RequestPlan::Done(Outcome::Present(value));
        }
        if is_useful && !stores_locally {
            let (value, expires, epoch) = (Box::new(value.clone()), life.expires, start.epoch);
            let standby = Standby { value, expires, age, fetched: now, epoch, tags };
            let _ = self.standby.set(standby);
        }
        let servable = (!is_refreshed || !self.policy.stale.is_zero())
            && now < life.expires.saturating_add(nanos(self.policy.stale));
        match (permit, servable) {
            (Some(permit), true) => {
                RequestPlan::Refresh(permit, Old { value, fresh: now < life.expires && !is_refreshed, shared: true })
            }
            (permit, _) => RequestPlan::Load(permit),
        }
    }

    /// The plan that follows from a shared absence, given the end of its load, its age, and the end of its freshness.
    fn fetched_absence(
        &self,
        (ended, age, expires): (u64, u64, u64),
        (start, stores_locally): (LoadStart, bool),
        permit: Option<LoadPermit>,
        old: Option<Old<S::Item>>,
    ) -> CallPlan<S> {
        let now = self.state.now();
        match (S::absent().filter(|_| now < expires), old) {
            (Some(absent), _) => {
                if stores_locally {
                    let life = Lifetime { age, ..self.policy.lifetime_until(expires, LoadTimes::at(now), now) };
                    self.insert_absence_locally(absent, ended, life, start);
                }
                self.call.set_times(AnswerTimes::aged(now, age, expires));
                self.call.answered(Answered::Shared);
                end(permit, || shared_negative::<S>(Outcome::Absent(absent)));
                RequestPlan::Done(Outcome::Absent(absent))
            }
            (None, Some(old)) => refresh::<S>(permit, old),
            (None, None) => RequestPlan::Load(permit),
        }
    }

    /// Stores the result of a load in the shared tier; `None` stands for an absence.
    pub(crate) fn share(&self, value: Option<&S::Item>, tags: &[u64], life: Lifetime, began: &TieredStart) {
        if let Some(key) = self.shared_key().filter(|_| began.shared.is_some()) {
            let loaded = LoadedEntry { value, tags, life, beyond: self.policy.usable_after_expiry() };
            key.share(loaded, began, lock(&self.lease).take());
        }
    }
}

/// Announces that the leader waits for the shared tier, so that it does not count as stalled before a command's timeout.
fn expect_answer<V>(permit: Option<&LoadPermit>, key: &SharedKey<'_, V>) {
    if let Some(permit) = permit {
        permit.expect_wait(key.longest_answer());
    }
}

fn refresh<S: Shape>(permit: Option<LoadPermit>, old: Old<S::Item>) -> CallPlan<S> {
    match permit {
        Some(permit) => RequestPlan::Refresh(permit, old),
        None => RequestPlan::Load(None),
    }
}
