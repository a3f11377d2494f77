//! The options of one call site, and the arithmetic of lifetimes.
//!
//! May use: `clock`, `codec`, `error`, `key`, `l1`, `shape`, `stats`.

use std::time::Duration;

use crate::clock::nanos;
use crate::codec::{Codec, SharedValue, Wire};
use crate::error::LoadTimeout;
use crate::l1::{FoundEntry, Lifetime};
use crate::shape::{Copier, KeepsErrors, MayBeAbsent, Shape};

#[cfg(feature = "settings")]
mod settings;
mod tags;
mod times;
mod ttl;
mod uses;

#[cfg(feature = "settings")]
pub(crate) use settings::PolicySettings;
use tags::TagsOf;
pub use tags::{TagTexts, stated_tags};
pub(crate) use times::{LoadTimes, refresh_early};
use times::{early_span, jittered};
pub use ttl::SiteFigures;
pub(crate) use ttl::Ttl;
pub use ttl::{TtlSource, ttl_of};
pub(crate) use uses::EntryUse;

/// The default jitter: the largest share that is taken off a ttl.
const JITTER: f64 = 0.1;

type ErrorFilter<E> = fn(&E) -> bool;
type MakeError<E> = fn(LoadTimeout) -> E;

/// The time limit of a load, and the constructor of its error.
pub(crate) type LoadBound<S> = Option<(Duration, MakeError<<S as Shape>::Error>)>;

/// An error that can say that a load took too long, as `load_timeout` needs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a load took too long",
    label = "`load_timeout` makes this error from a `LoadTimeout`",
    note = "write `impl From<fastness::LoadTimeout> for {Self}`, or, with `thiserror`, a variant \
            `#[error(transparent)] LoadTimeout(#[from] fastness::LoadTimeout)`",
    note = "of a type from another crate, make a variant of an error type of your own"
)]
pub trait SaysLoadTimeout: From<LoadTimeout> {}
impl<E: From<LoadTimeout>> SaysLoadTimeout for E {}

/// The options by which a call site loads and stores. Built on a miss only.
///
/// An option is a field with its default in `new`, and a method that expansions call. The method has the bounds that the option
/// asks of the user's types, so that the compiler blames the option's value.
#[allow(clippy::struct_excessive_bools)] // each is an option of the attribute
pub struct Policy<S: Shape> {
    pub(crate) ttl: Ttl<S::Item>,
    pub(crate) jitter: f64,
    pub(crate) negative_ttl: Option<Duration>,
    pub(crate) unless: Option<fn(&S::Item) -> bool>,
    /// The predicate over errors to store; `None` for all that `err_ttl` gives a lifetime.
    pub(crate) cache_err: Option<ErrorFilter<S::Error>>,
    /// The tags that each value states beside those of its call; `None` if it states none.
    pub(crate) tags: Option<TagsOf<S::Item>>,
    /// Zero where errors are not stored.
    pub(crate) err_ttl: Ttl<S::Error>,
    pub(crate) copy_error: Copier<S::Error>,
    pub(crate) stale: Duration,
    pub(crate) stale_if_error: Duration,
    /// The time for which an expired value stays for the load that replaces it.
    pub(crate) grace: Duration,
    /// True if values of other calls in the store do not stay for this one.
    pub(crate) shares_store: bool,
    /// True if loads get the value that they replace.
    pub(crate) gives_previous: bool,
    pub(crate) early: bool,
    pub(crate) single_flight: bool,
    pub(crate) load_timeout: LoadBound<S>,
    /// True if a load goes on when its caller no longer waits for it.
    pub(crate) task: bool,
    /// True if a refresh that no caller waits for does so.
    pub(crate) background: bool,
    /// The conversion of values for the shared tier; `None` if they stay in this process.
    pub(crate) wire: Option<Wire<S::Item>>,
    pub(crate) codec: Option<Codec>,
    /// True if an invalidation of a key removes the bytes of its values from the shared tier.
    pub(crate) erase: bool,
    /// True if values are stored in the local tier beside a shared one.
    pub(crate) in_process: bool,
    pub(crate) local_ttl: Option<Duration>,
    /// The time without a read after which this process drops a value.
    pub(crate) idle: Duration,
    /// The bytes of a value; by its type for `None`.
    pub(crate) weigh: Option<fn(&S::Item) -> usize>,
    /// True if one process at a time loads a key.
    pub(crate) fleet: bool,
}

impl<S: Shape> Policy<S> {
    pub(crate) fn new(ttl: Duration) -> Self {
        Self {
            ttl: Ttl::fixed(ttl),
            jitter: JITTER,
            negative_ttl: None,
            unless: None,
            cache_err: None,
            tags: None,
            err_ttl: Ttl::fixed(Duration::ZERO),
            copy_error: None,
            stale: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            grace: Duration::ZERO,
            shares_store: false,
            gives_previous: false,
            early: true,
            single_flight: true,
            load_timeout: None,
            task: false,
            background: false,
            wire: None,
            codec: None,
            erase: false,
            in_process: true,
            local_ttl: None,
            idle: Duration::MAX,
            weigh: None,
            fleet: false,
        }
    }

    /// Sets the conversion of values for the shared tier, if their type has one.
    #[must_use]
    pub fn wire(mut self, wire: Option<Wire<S::Item>>) -> Self {
        self.wire = wire;
        self
    }

    /// `tier = shared`.
    #[must_use]
    pub fn only_shared(mut self) -> Self
    where
        S::Item: SharedValue,
    {
        self.in_process = false;
        self
    }

    /// `tier = both`, written explicitly: the type of the values must have a form for the shared tier.
    #[must_use]
    pub fn both_tiers(self) -> Self
    where
        S::Item: SharedValue,
    {
        self
    }

    /// `codec = json`.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self
    where
        S::Item: SharedValue,
    {
        self.codec = Some(codec);
        self
    }

    /// `erase`.
    #[must_use]
    pub fn erase(mut self) -> Self
    where
        S::Item: SharedValue,
    {
        self.erase = true;
        self
    }

    /// `local_ttl = 5`.
    #[must_use]
    pub fn local_ttl(mut self, ttl: Duration) -> Self {
        self.local_ttl = Some(ttl);
        self
    }

    /// `weigh = |value| ..`.
    #[must_use]
    pub fn weigh(mut self, weigh: fn(&S::Item) -> usize) -> Self {
        self.weigh = Some(weigh);
        self
    }

    /// `idle = "10m"`.
    #[must_use]
    pub fn idle(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// `single_flight = fleet`.
    #[must_use]
    pub fn fleet(mut self) -> Self
    where
        S::Item: SharedValue,
    {
        self.fleet = true;
        self
    }

    /// `ttl = |value| ..`.
    #[must_use]
    pub fn ttl_by(mut self, of: fn(&S::Item) -> Duration) -> Self {
        self.ttl = Ttl::stated(of);
        self
    }

    /// `ttl = MINUTE`, or `ttl = lifetime_of_a_token`: the type of the path says which.
    #[must_use]
    pub fn ttl_from<P, Kind>(mut self, path: &P, of: fn(&S::Item) -> Duration) -> Self
    where
        P: TtlSource<S::Item, Kind>,
    {
        self.ttl = path.ttl(of);
        self
    }

    /// `tags = |value| ..`.
    #[must_use]
    pub fn tags_by(mut self, of: fn(&S::Item, SiteFigures<'_>) -> Option<Vec<u64>>) -> Self {
        self.tags = Some(of);
        self
    }

    /// `jitter = 0.05`.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// `negative_ttl = 10`.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self
    where
        S::Absent: MayBeAbsent,
    {
        self.negative_ttl = Some(ttl);
        self
    }

    /// `unless = |value| ..`.
    #[must_use]
    pub fn unless(mut self, skip: fn(&S::Item) -> bool) -> Self {
        self.unless = Some(skip);
        self
    }

    /// `cache_err = |error| ..`.
    #[must_use]
    pub fn cache_err(mut self, which: fn(&S::Error) -> bool) -> Self
    where
        S: KeepsErrors,
    {
        self.cache_err = Some(which);
        self
    }

    /// `err_ttl = 5`, beside `cache_err`.
    #[must_use]
    pub fn err_ttl(mut self, ttl: Duration) -> Self {
        self.err_ttl = Ttl::fixed(ttl);
        self
    }

    /// `err_ttl = |error| ..`.
    #[must_use]
    pub fn err_ttl_by(mut self, of: fn(&S::Error) -> Duration) -> Self
    where
        S: KeepsErrors,
    {
        self.err_ttl = Ttl::stated(of);
        self
    }

    /// `err_ttl = SECOND`, or `err_ttl = time_to_wait`: the type of the path says which.
    #[must_use]
    pub fn err_ttl_from<P, Kind>(mut self, path: &P, of: fn(&S::Error) -> Duration) -> Self
    where
        P: TtlSource<S::Error, Kind>,
    {
        self.err_ttl = path.ttl(of);
        self
    }

    /// `share_error = |error| ..`.
    #[must_use]
    pub fn share_error(mut self, copy: fn(&S::Error) -> S::Error) -> Self {
        self.copy_error = Some(copy);
        self
    }

    /// `stale = "1m"`.
    #[must_use]
    pub fn stale(mut self, after: Duration) -> Self {
        self.stale = after;
        self
    }

    /// `stale_if_error = "1h"`.
    #[must_use]
    pub fn stale_if_error(mut self, after: Duration) -> Self {
        self.stale_if_error = after;
        self
    }

    /// `keep_expired = "1h"`.
    #[must_use]
    pub fn grace(mut self, after: Duration) -> Self {
        self.grace = after;
        self
    }

    /// Sets the grace of this call's values, and of no others: direct calls with values of one type share a store.
    pub(crate) fn grace_in_shared_store(mut self, after: Duration) -> Self {
        self.shares_store = true;
        self.grace(after)
    }

    /// `previous(old)`.
    #[must_use]
    pub fn with_previous(mut self) -> Self {
        self.gives_previous = true;
        self
    }

    /// `early = off`.
    #[must_use]
    pub fn no_early(mut self) -> Self {
        self.early = false;
        self
    }

    /// `single_flight = off`.
    #[must_use]
    pub fn no_single_flight(mut self) -> Self {
        self.single_flight = false;
        self
    }

    /// `load_timeout = "2s"`.
    #[must_use]
    pub fn load_timeout(mut self, bound: Duration) -> Self
    where
        S::Error: SaysLoadTimeout,
    {
        self.load_timeout = Some((bound, S::Error::from));
        self
    }

    /// `load = task`.
    #[must_use]
    pub fn as_task(mut self) -> Self {
        self.task = true;
        self
    }

    /// `refresh = background`, beside `load = task`.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Returns the lifetime of a value that a load found, or of an absence for `None`; `None` if it is not to be stored.
    pub(crate) fn life_for(&self, value: Option<&S::Item>, load: LoadTimes, site: SiteFigures<'_>) -> Option<Lifetime> {
        let (from, ttl) = match value {
            Some(value) if self.unless.is_some_and(|unless| unless(value)) => return None,
            Some(value) => self.ttl.ttl_for(value, load, site),
            None => (load.ended, self.negative_ttl?),
        };
        let life = self.lifetime(from, ttl, load)?;
        // An entry that no call may be served would only take room.
        (load.ended < life.served_until).then_some(life)
    }

    /// Returns the hashes of the tags that a value states; `None` if its function fails, so that the value is not to be stored.
    pub(crate) fn tags_of(&self, value: &S::Item, site: SiteFigures<'_>) -> Option<Vec<u64>> {
        self.tags.map_or_else(|| Some(Vec::new()), |tags_of| tags_of(value, site))
    }

    /// Returns the lifetime of an error that a load returned; `None` if it is not to be stored.
    pub(crate) fn life_for_error(&self, error: &S::Error, load: LoadTimes, site: SiteFigures<'_>) -> Option<Lifetime> {
        if self.err_ttl.is_never() || !self.accepts(error) {
            return None;
        }
        let (from, ttl) = self.err_ttl.ttl_for(error, load, site);
        // An error is never served stale.
        self.lifetime(from, ttl, load).filter(|life| load.ended < life.expires)
    }

    /// Returns whether this call site serves an error, which it or another one has stored, at `now`.
    pub(crate) fn serves_error(&self, error: &S::Error, load: LoadTimes, now: u64, site: SiteFigures<'_>) -> bool {
        if self.err_ttl.is_never() || !self.accepts(error) {
            return false;
        }
        let (from, ttl) = self.err_ttl.ttl_for(error, load, site);
        now < from.saturating_add(nanos(ttl))
    }

    fn accepts(&self, error: &S::Error) -> bool {
        self.cache_err.is_none_or(|which| which(error))
    }

    /// Returns the time until which this call site serves an absence that was found at `ended`, in nanoseconds.
    pub(crate) fn absent_until(&self, ended: u64) -> u64 {
        self.negative_ttl.map_or(0, |ttl| ended.saturating_add(nanos(ttl)))
    }

    /// Returns the longest time after its expiry for which a value may be served.
    pub(crate) fn longest_stale(&self) -> Duration {
        self.stale.max(self.stale_if_error)
    }

    /// Returns the longest time after its expiry for which a value is of use: it may be served, or given to the load that replaces it.
    pub(crate) fn usable_after_expiry(&self) -> Duration {
        self.longest_stale().max(self.grace)
    }

    /// Returns the longest time after its expiry for which a value of another writer of the store's keys is of use.
    pub(crate) fn store_grace(&self) -> Duration {
        if self.shares_store { self.longest_stale() } else { self.usable_after_expiry() }
    }

    /// Returns whether a value that is no longer fresh is of use: it may be served, or given to the load that replaces it.
    pub(crate) fn uses_expired(&self) -> bool {
        self.gives_previous || !self.usable_after_expiry().is_zero()
    }

    /// Returns the lifetime of a ttl that counts from `from`, less the jitter; `None` for a ttl of zero.
    fn lifetime(&self, from: u64, ttl: Duration, load: LoadTimes) -> Option<Lifetime> {
        let expires = from.saturating_add(jittered(nanos(ttl), self.jitter));
        (!ttl.is_zero()).then(|| self.lifetime_until(expires, load, load.ended))
    }

    /// Returns the lifetime from `now` on of a value that this load found and that expires at `expires`.
    pub(crate) fn lifetime_until(&self, expires: u64, load: LoadTimes, now: u64) -> Lifetime {
        let whole = nanos(self.ttl.longest).min(expires.saturating_sub(load.began));
        let from = expires.saturating_sub(early_span(load.load_time, whole)).max(now.saturating_add(1));
        let early_from = if self.early { from } else { expires };
        let local_until = self.local_ttl.map_or(u64::MAX, |ttl| now.saturating_add(nanos(ttl)));
        let served_until = expires.saturating_add(nanos(self.usable_after_expiry()));
        let idle = nanos(self.idle);
        Lifetime { load_time: load.load_time, expires, early_from, local_until, served_until, age: 0, idle }
    }

    /// Returns the lifetime here of an entry that another call site stored with its own expiry; `None` if this call site has no use
    /// for it.
    pub(crate) fn lifetime_of<V>(&self, found: &FoundEntry<V>, now: u64) -> Option<Lifetime> {
        let Lifetime { expires, load_time, local_until, .. } = found.life;
        let is_useful = !found.is_refreshed() || self.uses_expired();
        if self.ttl.is_never() || !is_useful || now >= expires.min(local_until) {
            return None;
        }
        let life = self.lifetime_until(expires, LoadTimes { load_time, ..LoadTimes::at(now) }, now);
        let early_from = if found.is_refreshed() { 0 } else { life.early_from };
        let (local_until, age) = (life.local_until.min(local_until), nanos(found.age(now)));
        Some(Lifetime { early_from, local_until, age, ..life })
    }
}

impl<S: Shape> std::fmt::Debug for Policy<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("ttl", &self.ttl.longest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
