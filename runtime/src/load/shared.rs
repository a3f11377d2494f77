//! The shared tier's part in a load: asked before the body runs, and given what the body returned.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::{Leave, Pending, Plan, Standby, land, landed};
use crate::clock::{nanos, pause};
use crate::key::OwnedKey;
use crate::l1::Lifetime;
use crate::log::Epoch;
use crate::policy::refresh_early;
use crate::shape::{CacheValue, Outcome, Shape};
use crate::shared::{Fetched, Kept, Mark, Place, Tier};
use crate::site::Negative;
use crate::sync::lock;

/// How long a call waits for another process's load, before it loads all the same.
const TURNS: Duration = Duration::from_secs(5);
/// Between looks whether it has come to its end: at first, and at most.
const TURN: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(80));

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// The key in the shared tier, where there is one and its values can go there.
    pub(crate) fn place(&self) -> Option<(&Arc<Tier>, Place<'_, S::Item>)> {
        let (tier, wire) = (self.cell.tier.as_ref()?, self.policy.wire?);
        if !self.cell.is_findable(&self.key) {
            return None;
        }
        let (key, scopes) = (self.text.as_str(), self.scopes.hashes());
        Some((tier, Place { wire, seat: &self.cell.seat, codec: self.policy.codec, key, scopes }))
    }

    /// Whether answers are kept in this process too.
    fn is_kept_in_process(&self) -> bool {
        self.policy.in_process || self.cell.tier.is_none()
    }

    /// Keeps a value in this process, if answers are.
    pub(crate) fn keep_in_process(&self, value: &S::Item, life: Lifetime, epoch: Epoch) {
        if self.is_kept_in_process() {
            self.cell.keep(&self.key, &self.scopes, value.clone(), life, epoch);
        }
    }

    /// Keeps in this process that there is no value, if answers are.
    pub(crate) fn keep_absence_in_process(&self, absent: S::Absent, life: Lifetime, epoch: Epoch) {
        if self.is_kept_in_process() {
            self.cell.keep_negative(&self.key, &self.scopes, Negative::Absent(absent), life, epoch);
        }
    }

    /// Asks the shared tier before a body has to run.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the permit, which hands over.
    pub(super) async fn consult(&self, permit: Leave, old: Option<S::Item>) -> Plan<S> {
        let place = self.place().filter(|_| !self.origin_only.load(Relaxed));
        let fetched = match &place {
            Some((tier, place)) => match tier.fetch(place).await {
                None if self.policy.fleet => self.take_turns(tier, place).await,
                fetched => fetched,
            },
            None => None,
        };
        match (fetched, old) {
            (Some(fetched), old) => self.fetched(fetched, permit, old),
            (None, Some(old)) => refresh(permit, old),
            (None, None) => Plan::Load(permit),
        }
    }

    /// Waits for the right to load, or for the value that another process has loaded meanwhile; not for ever.
    async fn take_turns(&self, tier: &Arc<Tier>, place: &Place<'_, S::Item>) -> Option<Fetched<S::Item>> {
        let until = self.cell.now().saturating_add(nanos(TURNS));
        let load_timeout = self.policy.load_timeout.map(|(bound, _)| bound);
        let mut wait = TURN.0;
        while self.cell.now() < until {
            match tier.lease(place, load_timeout).await {
                Ok(Some(lease)) => {
                    *lock(&self.lease) = Some(lease);
                    // Between the look before and the lease another may have come to its end.
                    return tier.fetch(place).await;
                }
                Ok(None) => pause(wait).await,
                Err(_) => return None,
            }
            wait = (wait * 2).min(TURN.1);
            if let Some(fetched) = tier.fetch(place).await {
                return Some(fetched);
            }
        }
        None
    }

    /// The shared tier's answer, if it has one that is fresh; nothing is loaded.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch(&self) -> Option<S::Out> {
        let (tier, place) = self.place()?;
        let fetched = tier.fetch(&place).await?;
        match self.fetched(fetched, None, None) {
            Plan::Done(ending) => {
                self.cell.front.counters.miss();
                Some(S::close(ending))
            }
            Plan::Load(_) | Plan::Refresh(..) => None,
        }
    }

    fn fetched(&self, fetched: Fetched<S::Item>, permit: Leave, old: Option<S::Item>) -> Plan<S> {
        let now = self.cell.now();
        let Some(value) = fetched.value else {
            return self.fetched_absence(fetched.expires, fetched.epoch, permit, old);
        };
        // Whatever a clock says, a value is not fresh for longer than one that was loaded now.
        let expires = fetched.expires.min(now.saturating_add(nanos(self.policy.ttl)));
        let life = self.policy.lifetime_until(expires, fetched.load_time, now);
        self.keep_in_process(&value, life, fetched.epoch);
        let due = now >= life.early_from && refresh_early(now, &life);
        if now < life.expires && !due {
            self.cell.front.counters.shared_hit(1);
            land(permit, || landed::<S>(Outcome::Present(value.clone())));
            return Plan::Done(Outcome::Present(value));
        }
        if !self.is_kept_in_process() {
            let standby = Standby { value: value.clone(), expires: life.expires, epoch: fetched.epoch };
            let _ = self.standby.set(standby);
        }
        let servable = now < life.expires.saturating_add(nanos(self.policy.stale));
        match (permit, servable) {
            (Some(permit), true) => Plan::Refresh(permit, value),
            (permit, _) => Plan::Load(permit),
        }
    }

    fn fetched_absence(&self, expires: u64, epoch: Epoch, permit: Leave, old: Option<S::Item>) -> Plan<S> {
        let now = self.cell.now();
        let fresh = now < expires && self.policy.negative_ttl.is_some();
        match (S::absent().filter(|_| fresh), old) {
            (Some(absent), _) => {
                let ttl = self.policy.negative_ttl.unwrap_or_default();
                let life = self.policy.lifetime_until(expires.min(now.saturating_add(nanos(ttl))), 0, now);
                self.keep_absence_in_process(absent, life, epoch);
                self.cell.front.counters.shared_hit(1);
                land(permit, || landed::<S>(Outcome::Absent(absent)));
                Plan::Done(Outcome::Absent(absent))
            }
            (None, Some(old)) => refresh(permit, old),
            (None, None) => Plan::Load(permit),
        }
    }

    /// Gives the shared tier what was loaded; `None` for an absence.
    pub(crate) fn share(&self, value: Option<&S::Item>, life: &Lifetime, mark: Option<Mark>) {
        if let (Some((tier, place)), Some(mark)) = (self.place(), mark) {
            let beyond = self.policy.longest_stale();
            let kept = Kept { value, mark, expires: life.expires, load_time: life.load_time, beyond };
            tier.keep(&place, &kept, lock(&self.lease).take());
        }
    }
}

/// The shared tier's answers for several keys of one call site, in their order; nothing is loaded.
///
/// # Cancel safety
///
/// Nothing is lost.
pub(crate) async fn fetch_many<K, S>(pending: Vec<Pending<K, S>>) -> Vec<S::Out>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue, Absent = ()> + 'static,
{
    let places: Vec<_> = pending.iter().filter_map(Pending::place).collect();
    let fetched = match places.first().map(|(tier, _)| (*tier).clone()) {
        Some(tier) => {
            let places: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
            tier.fetch_many(&places).await
        }
        None => Vec::new(),
    };
    let mut fetched = fetched.into_iter();
    let answer = |pending: &Pending<K, S>| {
        let plan = fetched.next().flatten().map(|fetched| pending.fetched(fetched, None, None));
        let Some(Plan::Done(ending)) = plan else { return Outcome::Absent(()) };
        pending.cell.front.counters.miss();
        ending
    };
    pending.iter().map(answer).map(S::close).collect()
}

fn refresh<S: Shape>(permit: Leave, old: S::Item) -> Plan<S> {
    match permit {
        Some(permit) => Plan::Refresh(permit, old),
        None => Plan::Load(None),
    }
}
