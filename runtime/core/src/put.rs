//! `#[cache_put]`: the body always runs, and its value replaces the cached one.
//!
//! May use: `events`, `handle`, `key`, `load`, `log`, `policy`, `shape`, `shared`, `site`, `sync`, `trace`.
//!
//! When the body has ended, the key is invalidated, so every older value is gone in every tier. The new value is stored only if nothing
//! else invalidated the key since the body began, because otherwise it may be the older of two writes. A body that failed, was cancelled or
//! panicked may have written all the same, so the key is invalidated then too.

use std::sync::Arc;

use crate::events::{CacheEvent, CacheEventKind, EventKey};
use crate::handle::Collector;
use crate::key::OwnedKey;
use crate::load::Pending;
use crate::log::{Epoch, Record};
use crate::policy::LoadTimes;
use crate::shape::{CacheValue, Outcome, OutcomeOf, Shape};
use crate::shared::{PutEpochs, SharedApi as _, SharedEpoch};
use crate::site::SiteState;
use crate::sync::block_on;
use crate::trace::invalidation;

/// One call of a `#[cache_put]` function. Dropped before its end, it invalidates the key.
pub struct Put<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> {
    /// The write; `None` once it has ended.
    write: Option<Box<Write<K, S>>>,
}

struct Write<K: Eq, S: Shape<Item: 'static>> {
    pending: Pending<K, S>,
    record: Record,
    began: Epoch,
    /// The time at which the body began; zero where no value states a lifetime that counts from it.
    began_at: u64,
    /// True if the attribute's `condition` holds and the call does not bypass the cache. The key is invalidated in either case.
    store: bool,
    /// True if the write and its record send events.
    sends_event: bool,
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> Put<K, S> {
    /// A put of this key, whose body begins now.
    pub(crate) fn new(pending: Pending<K, S>) -> Self {
        let pending = pending.uncounted();
        let mut record = Record::from_pattern(pending.scopes.key_pattern());
        if pending.state.log().wants(CacheEventKind::Invalidated) {
            record.name(pending.text.clone());
        }
        let began = pending.state.log().position();
        let began_at = if pending.policy.ttl.is_stated() { pending.state.now() } else { 0 };
        Self { write: Some(Box::new(Write { pending, record, began, began_at, store: true, sends_event: true })) }
    }

    /// Makes the put send no events in this process.
    #[cfg(feature = "http")]
    pub(crate) fn silent(mut self) -> Self {
        if let Some(write) = &mut self.write {
            write.record = std::mem::take(&mut write.record).silent();
            write.sends_event = false;
        }
        self
    }

    /// Stores the value only if this condition holds, beside those of calls before.
    #[must_use]
    pub fn when(mut self, condition: bool) -> Self {
        if let Some(write) = &mut self.write {
            write.store &= condition;
        }
        self
    }

    /// Ends the put without waiting for the shared tier. The value is stored in this process only; with a shared tier, the key is
    /// invalidated in the background, and the value is loaded again once that record is folded.
    pub(crate) fn finish(mut self, out: S::Out) -> S::Out {
        let Some(write) = self.write.take() else { return out };
        let ending = S::open(out);
        let failed = matches!(ending, Outcome::Failed(_));
        if write.stores() && !failed {
            write.settle(&ending);
        } else {
            write.invalidate();
        }
        S::close(ending)
    }

    /// The state of the call site, if a sync function waits for the shared tier.
    fn blocking_state(&self) -> Option<Arc<SiteState<K, S>>> {
        let pending = &self.write.as_ref()?.pending;
        pending.policy.wire.is_some().then(|| pending.state.clone())
    }

    /// The positions of the new value, which states these tags, once its invalidation is announced. `None` if the value may not be stored,
    /// as if its tags are not known.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future invalidates the key.
    async fn place(&mut self, tags: Option<&[u64]>) -> Option<(Box<Write<K, S>>, PutEpochs)> {
        let write = self.write.as_ref()?;
        let tier = write.pending.state.store.tier.clone()?;
        let (store, record, began) = (write.stores(), write.record.clone(), write.began);
        let placed = if let Some(tags) = tags.filter(|_| store) {
            let scopes = write.pending.scopes.and_tags(tags);
            let span = invalidation(Some(1), false);
            let placed = tier.put(record, began, scopes.hashes()).await;
            span.end(match &placed {
                Some(PutEpochs { shared: Some(_), .. }) => "announced",
                Some(_) => "local_only",
                None => "overtaken",
            });
            placed
        } else {
            write.pending.state.store.destination().announce(record).await;
            None
        };
        // The key is invalidated in either case, so a drop has nothing left to do.
        self.write.take().zip(placed)
    }
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> Drop for Put<K, S> {
    fn drop(&mut self) {
        if let Some(write) = self.write.take() {
            write.invalidate();
        }
    }
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> Write<K, S> {
    fn invalidate(&self) {
        self.pending.state.store.destination().announce_later(self.record.clone());
    }

    /// Returns whether the value may be stored: not inside of a transaction, which may be rolled back.
    fn stores(&self) -> bool {
        self.store && Collector::current().is_none()
    }

    fn settle(&self, ending: &OutcomeOf<S>) {
        let pending = &self.pending;
        let Some(tags) = self.tags(if let Outcome::Present(value) = ending { Some(value) } else { None }) else {
            return self.invalidate();
        };
        let (record, began, scopes) = (&self.record, self.began, pending.scopes.and_tags(&tags));
        let (scopes, span) = (scopes.hashes(), invalidation(Some(1), false));
        let epoch = match &pending.state.store.tier {
            Some(tier) => tier.put_locally(record.clone(), began, scopes),
            None => pending.state.log().append_put(record, began, scopes),
        };
        span.end(match (&pending.state.store.tier, epoch) {
            (_, None) => "overtaken",
            (Some(_), _) => "background",
            (None, _) => "announced",
        });
        drop(span);
        if let Some(epoch) = epoch {
            match ending {
                Outcome::Present(value) => self.insert(value, &tags, epoch, None),
                Outcome::Absent(absent) => self.insert_absence(*absent, epoch, None),
                Outcome::Failed(_) => {}
            }
        }
    }

    /// The tags that the value states, none for an absence; `None` if they are not known.
    fn tags(&self, value: Option<&S::Item>) -> Option<Vec<u64>> {
        value.map_or_else(|| Some(Vec::new()), |value| self.pending.tags_of(value))
    }

    fn insert(&self, value: &S::Item, tags: &[u64], epoch: Epoch, shared: Option<SharedEpoch>) {
        let (pending, now) = (&self.pending, self.pending.state.now());
        // The duration of a put's body does not measure a load, so the value is not refreshed early.
        let Some(life) = pending.life_for(Some(value), LoadTimes::unmeasured(self.began_at, now)) else { return };
        let began = pending.put_at(now, epoch, shared);
        self.announce_put();
        pending.share(Some(value), tags, life, &began);
        pending.insert_locally(value, tags, life, began.start);
    }

    /// Sends the event of a put, before its value is stored.
    fn announce_put(&self) {
        let (state, text) = (&self.pending.state, &self.pending.text);
        if let Some(events) = state.log().events().filter(|_| self.sends_event) {
            events.send_of(&state.name, CacheEventKind::Put, |at| CacheEvent::Put {
                function: state.name.clone(),
                key: EventKey::from_text(text),
                at,
            });
        }
    }

    fn insert_absence(&self, absent: S::Absent, epoch: Epoch, shared: Option<SharedEpoch>) {
        let (pending, now) = (&self.pending, self.pending.state.now());
        if let Some(life) = pending.life_for(None, LoadTimes::at(now)) {
            let began = pending.put_at(now, epoch, shared);
            self.announce_put();
            pending.share(None, &[], life, &began);
            pending.insert_absence_locally(absent, now, life, began.start);
        }
    }
}

/// Runs an async body and stores its value.
///
/// # Cancel safety
///
/// Dropping the future drops the body and invalidates the key.
pub async fn store<K, S, F>(put: Put<K, S>, body: F) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
    F: Future<Output = S::Out>,
{
    let out = body.await;
    // An error may not be `Send`, so it must not live across the wait.
    let (put, value) = match placeable(put, out) {
        Ok(placeable) => placeable,
        Err(out) => return out,
    };
    place::<K, S>(put, value).await
}

/// A put whose value waits for the shared tier, as [`placeable`] returns it. It holds no error, which may not be `Send`.
type Placeable<K, S> = (Put<K, S>, Result<<S as Shape>::Item, <S as Shape>::Absent>);

/// Ends a put that does not wait for the shared tier: there is none, or the body failed.
fn placeable<K, S>(put: Put<K, S>, out: S::Out) -> Result<Placeable<K, S>, S::Out>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    if put.write.as_ref().is_none_or(|write| write.pending.state.store.tier.is_none()) {
        return Err(put.finish(out));
    }
    match S::open(out) {
        Outcome::Failed(error) => Err(put.finish(S::close(Outcome::Failed(error)))),
        Outcome::Present(value) => Ok((put, Ok(value))),
        Outcome::Absent(absent) => Ok((put, Err(absent))),
    }
}

/// Waits until the invalidation of a put is announced, and stores its value.
///
/// # Cancel safety
///
/// Dropping the future invalidates the key.
async fn place<K, S>(mut put: Put<K, S>, value: Result<S::Item, S::Absent>) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    let tags = put.write.as_ref().and_then(|write| write.tags(value.as_ref().ok()));
    let placed = put.place(tags.as_deref()).await;
    if let (Some((write, PutEpochs { local, shared })), Some(tags)) = (placed, tags) {
        match &value {
            Ok(value) => write.insert(value, &tags, local, shared),
            Err(absent) => write.insert_absence(*absent, local, shared),
        }
    }
    S::close(value.map_or_else(Outcome::Absent, Outcome::Present))
}

/// Runs a sync body and stores its value.
pub fn store_sync<K, S>(put: Put<K, S>, body: impl FnOnce() -> S::Out) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    let out = body();
    let Some(state) = put.blocking_state() else { return put.finish(out) };
    let Some(_entered) = state.store.tier.as_ref().and_then(|tier| tier.enter()) else { return put.finish(out) };
    match placeable(put, out) {
        Ok((put, value)) => block_on(place::<K, S>(put, value)),
        Err(out) => out,
    }
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> std::fmt::Debug for Put<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Put").field("ended", &self.write.is_none()).finish()
    }
}
