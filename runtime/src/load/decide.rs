//! What a call that was not a hit has to do: be served, wait, or load.

use std::time::Duration;

use tokio::sync::oneshot::error::RecvError;

use super::{Pending, Plan, Step, land, landed};
use crate::clock::nanos;
use crate::error::LoadTimeout;
use crate::flight::{Boarding, Permit, Signal};
use crate::key::OwnedKey;
use crate::l1::Found;
use crate::policy::refresh_early;
use crate::shape::{CacheValue, Ending, Outcome, Shape};
use crate::site::{Landing, Negative};

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// What there is to serve without a load of this caller's own, or who has to load.
    pub(super) fn begin(&self) -> Step<S> {
        let found = self.cell.front.store.look(&self.key);
        if found.is_none() && !self.cell.has_negatives() {
            return self.miss();
        }
        let now = self.cell.now();
        match found {
            Some(found) if found.is_fresh(now) => self.fresh(now, found),
            found => match (self.cached_negative(now), found) {
                (Some(negative), _) => self.served(negative),
                (None, Some(found)) => self.expired(now, found),
                (None, None) => self.miss(),
            },
        }
    }

    fn fresh(&self, now: u64, found: Found<S::Item>) -> Step<S> {
        let due = now >= found.fresh_until.max(found.retry_at);
        if due && refresh_early(now, &found.life) {
            self.refresh(found, true)
        } else {
            self.served(Outcome::Present(found.value))
        }
    }

    fn expired(&self, now: u64, found: Found<S::Item>) -> Step<S> {
        if now < found.life.expires && !found.is_refreshed() {
            // Only this process has to ask again.
            return self.miss();
        }
        let within = |bound: Duration| !bound.is_zero() && now < found.life.expires.saturating_add(nanos(bound));
        if now < found.retry_at && within(self.policy.longest_stale()) {
            self.served_stale(found.value)
        } else if within(self.policy.stale) {
            self.refresh(found, false)
        } else {
            self.miss()
        }
    }

    fn miss(&self) -> Step<S> {
        self.cell.front.counters.miss();
        self.board()
    }

    fn board(&self) -> Step<S> {
        if !self.policy.single_flight || !self.cell.is_findable(&self.key) {
            return Step::Go(Plan::Load(None));
        }
        match self.cell.flights.board(self.key.erased(), self.scopes.hashes(), self.terms(true)) {
            Boarding::Lead(permit) => Step::Go(self.lead(permit)),
            Boarding::Wait(seat) => Step::Wait(seat),
            Boarding::Within | Boarding::Taken(_) => Step::Go(Plan::Load(None)),
        }
    }

    /// Leads, unless a load that has just landed made it needless.
    fn lead(&self, permit: Permit) -> Plan<S> {
        self.cell.tell_stalled(&permit, self.load_bound());
        match self.cell.front.store.look(&self.key) {
            Some(found) if found.is_fresh(self.cell.now()) => {
                land(Some(permit), || landed::<S>(Outcome::Present(found.value.clone())));
                Plan::Done(Outcome::Present(found.value))
            }
            _ => Plan::Load(Some(permit)),
        }
    }

    /// One caller refreshes; whoever finds that somebody does so already is served at once.
    fn refresh(&self, found: Found<S::Item>, fresh: bool) -> Step<S> {
        match self.cell.flights.board(self.key.erased(), self.scopes.hashes(), self.terms(false)) {
            Boarding::Lead(permit) => {
                self.cell.tell_stalled(&permit, self.load_bound());
                if fresh {
                    self.cell.front.counters.early_refreshes.count();
                }
                Step::Go(Plan::Refresh(permit, found.value))
            }
            _ if fresh => self.served(Outcome::Present(found.value)),
            _ => self.served_stale(found.value),
        }
    }

    /// What a waiter does with the news.
    pub(super) fn resume(&self, signal: Result<Signal, RecvError>) -> Step<S> {
        Step::Go(match signal {
            Ok(Signal::Landed(landing)) => {
                let Ok(landing) = landing.downcast::<Landing<S>>() else { unreachable!("a board is one cell's") };
                self.cell.front.counters.coalesced.count();
                Plan::Done(self.ending(*landing))
            }
            Ok(Signal::Alone) => Plan::Load(None),
            Ok(Signal::TimedOut) => match self.policy.load_timeout {
                Some((bound, error)) => Plan::Done(Outcome::Failed(error(LoadTimeout::new(bound)))),
                None => Plan::Load(None),
            },
            Ok(Signal::Lead(permit)) => self.lead(permit),
            // The load was given up.
            Err(_) => return self.board(),
        })
    }

    fn ending(&self, landing: Landing<S>) -> Ending<S> {
        match landing {
            Outcome::Present(value) => Outcome::Present(value),
            Outcome::Absent(absent) => Outcome::Absent(absent),
            Outcome::Failed(kept) => Outcome::Failed(S::give(&kept, self.policy.copy_error)),
        }
    }

    fn cached_negative(&self, now: u64) -> Option<Ending<S>> {
        Some(match self.cell.negative(&self.key, now)? {
            Negative::Absent(absent) => Outcome::Absent(absent),
            Negative::Failed(kept) => Outcome::Failed(S::give(&kept, self.policy.copy_error)),
        })
    }

    fn served(&self, ending: Ending<S>) -> Step<S> {
        self.cell.front.counters.hit();
        Step::Go(Plan::Done(ending))
    }

    fn served_stale(&self, value: S::Item) -> Step<S> {
        self.cell.front.counters.stale_served.count();
        self.served(Outcome::Present(value))
    }
}
