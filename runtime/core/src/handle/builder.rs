//! The builder of a handle.

use std::sync::Arc;
#[cfg(feature = "redis")]
use std::time::Duration;

use super::{Fastness, HandleInner, ListedStores};
use crate::clock::Clock;
use crate::error::{Error, ErrorDetail};
use crate::events::CacheEvents;
use crate::l1::{EntryBudget, StoreContext};
use crate::log::Log;
use crate::shared::Tier;
#[cfg(feature = "redis")]
use crate::shared::{HandleContext, Redis};
use crate::sync::Mutex;

/// The default capacity of a call site, in entries.
const CAPACITY: usize = 10_000;

/// The default bound on the delay of another process's invalidation.
#[cfg(feature = "redis")]
const MAX_STALE: Duration = Duration::from_secs(3);

/// The default size of the table of invalidations, in bytes: 80 000 scopes.
const MIRROR_BYTES: usize = 1 << 20;

impl Fastness {
    /// Returns a builder with the defaults: no shared tier, 10 000 entries per call site, 1 MiB for the table of invalidations.
    pub fn builder() -> Builder {
        Builder {
            capacity: CAPACITY,
            max_entries: usize::MAX,
            max_bytes: usize::MAX,
            mirror_bytes: MIRROR_BYTES,
            clock: Clock::system(),
            #[cfg(feature = "redis")]
            redis: None,
            #[cfg(feature = "redis")]
            max_stale: MAX_STALE,
        }
    }
}

/// The settings of a [`Fastness`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder()
///     .capacity(1_000)
///     .max_entries(100_000)
///     .invalidation_memory(8 << 20)
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    capacity: usize,
    max_entries: usize,
    max_bytes: usize,
    mirror_bytes: usize,
    clock: Clock,
    #[cfg(feature = "redis")]
    redis: Option<Redis>,
    #[cfg(feature = "redis")]
    max_stale: Duration,
}

impl Builder {
    /// Sets the maximum number of entries of each call site without `capacity = ..` in its attribute. Default: 10 000.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Sets the maximum number of entries of all call sites together. Default: no bound.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Sets the maximum number of bytes of all entries together, in this process. Default: no bound. A value counts for what `weigh` of its
    /// function says, else for what its type says (text, bytes, and pointers to them; the size of the type for others), and for its entry.
    /// Beyond the bound, the call site with the most bytes evicts entries.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the size of the table of invalidated scopes, in bytes. Default: 1 MiB, some 80 000 scopes. A table that is too small costs
    /// hits, never correctness. 8 MiB suffice for invalidations of 1 000 different keys a second with ttls of 5 minutes.
    pub fn invalidation_memory(mut self, bytes: usize) -> Self {
        self.mirror_bytes = bytes;
        self
    }

    /// Sets the clock. Default: the system's monotonic clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the shared tier of all processes. Default: none, so the cache is that of this process alone.
    #[cfg(feature = "redis")]
    pub fn redis(mut self, redis: Redis) -> Self {
        self.redis = Some(redis);
        self
    }

    /// Sets the longest time for which this process may serve an entry from memory after another process has invalidated it. With a healthy
    /// connection to the log, an invalidation takes milliseconds; while the connection is down, this process serves only entries whose load
    /// began within this time. Default: 3 s; at least 100 ms.
    #[cfg(feature = "redis")]
    pub fn max_stale(mut self, bound: Duration) -> Self {
        self.max_stale = bound;
        self
    }

    /// Builds the handle, without waiting for a connection to the shared tier. With a shared tier, call it within the tokio runtime that
    /// shall drive the connections; outside of one, a thread of its own drives them.
    ///
    /// # Errors
    ///
    /// Fails if a setting is out of range, such as a capacity of zero, or if there is a shared tier, no tokio runtime, and the system refuses
    /// a thread.
    pub fn build(self) -> Result<Fastness, Error> {
        if self.capacity == 0 {
            return Err(ErrorDetail::Setting(
                "`capacity` is 0: give at least one entry per call site, or leave it at 10 000",
            )
            .into());
        }
        if self.max_entries == 0 {
            return Err(
                ErrorDetail::Setting("`max_entries` is 0: give at least one entry, or leave it unbounded").into()
            );
        }
        if self.max_bytes == 0 {
            return Err(ErrorDetail::Setting("`max_bytes` is 0: give some, or leave it unbounded").into());
        }
        #[cfg(feature = "redis")]
        if self.max_stale < Duration::from_millis(100) {
            return Err(ErrorDetail::Setting(
                "`max_stale` is below 100ms, the interval that heartbeats can hold: give more, or leave it at 3 s",
            )
            .into());
        }
        #[cfg(feature = "redis")]
        if let Some(redis) = self.redis.clone() {
            return self.join(redis);
        }
        Ok(self.make())
    }

    #[cfg(feature = "redis")]
    fn join(self, redis: Redis) -> Result<Fastness, Error> {
        let (context, events) = self.context();
        let tier_context = HandleContext {
            clock: context.clock.clone(),
            log: context.log.clone(),
            max_stale: self.max_stale,
            mirror_bytes: self.mirror_bytes,
        };
        let tier = Tier::start(redis, tier_context)?;
        Ok(self.assemble(context, events, Some(tier)))
    }

    /// Makes a handle without a shared tier.
    pub(super) fn make(self) -> Fastness {
        let (context, events) = self.context();
        self.assemble(context, events, None)
    }

    fn context(&self) -> (StoreContext, CacheEvents) {
        let events = CacheEvents::new(self.clock.clone());
        let context = StoreContext {
            clock: self.clock.clone(),
            log: Arc::new(Log::with_mirror_bytes(self.mirror_bytes).with_events(events.clone())),
            budget: Arc::new(EntryBudget::new(self.max_entries, self.max_bytes)),
            loads: Arc::default(),
            hasher: foldhash::fast::RandomState::default(),
        };
        (context, events)
    }

    fn assemble(self, context: StoreContext, events: CacheEvents, tier: Option<Arc<Tier>>) -> Fastness {
        let inner = HandleInner {
            context,
            events,
            tier,
            capacity: self.capacity,
            states: Arc::default(),
            stores: Mutex::default(),
            sites: Mutex::default(),
            switch: Arc::default(),
            functions: Mutex::default(),
            #[cfg(feature = "settings")]
            settings: Mutex::default(),
            listed: ListedStores::default(),
        };
        Fastness { inner: Arc::new(inner) }
    }
}
