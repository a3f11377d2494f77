//! Settings.

use std::sync::{Arc, Mutex};

use super::{Fastness, Shared};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::l1::{Budget, Common};
use crate::log::Log;

/// Entries per store where neither the builder nor the attribute says otherwise.
const CAPACITY: usize = 10_000;

/// Bytes of the table that remembers invalidations: 80 000 scopes.
const MIRROR_BYTES: usize = 1 << 20;

impl Fastness {
    /// Starts from the defaults: embedded, 10 000 entries per call site, 1 MiB to remember invalidations.
    pub fn builder() -> Builder {
        Builder { capacity: CAPACITY, max_entries: usize::MAX, mirror_bytes: MIRROR_BYTES, clock: Clock::system() }
    }
}

/// Settings of a [`Fastness`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder()
///     .capacity(1_000)
///     .max_entries(100_000)
///     .invalidation_memory(8 << 20)
///     .build()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    capacity: usize,
    max_entries: usize,
    mirror_bytes: usize,
    clock: Clock,
}

impl Builder {
    /// Entries per call site, where its attribute does not say `capacity = ..`. Default 10 000.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Entries of all call sites together. Default: no bound.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Bytes of the table that remembers what was invalidated. Default 1 MiB, some 80 000 scopes. Too small a table costs
    /// hits, never correctness; 8 MiB suffice for 1 000 different keys invalidated a second and ttls of 5 minutes.
    pub fn invalidation_memory(mut self, bytes: usize) -> Self {
        self.mirror_bytes = bytes;
        self
    }

    /// Where to read the time. Default: the system's monotonic clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the handle.
    ///
    /// # Errors
    ///
    /// If a setting makes no sense, such as a capacity of zero.
    // Async from the start, because connecting to a shared tier is.
    #[allow(clippy::unused_async)]
    pub async fn build(self) -> Result<Fastness, Error> {
        if self.capacity == 0 {
            return Err(
                Kind::Setting("`capacity` is 0: give at least one entry per call site, or leave it at 10 000").into()
            );
        }
        if self.max_entries == 0 {
            return Err(Kind::Setting("`max_entries` is 0: give at least one entry, or leave it unbounded").into());
        }
        Ok(self.make())
    }

    pub(super) fn make(self) -> Fastness {
        let common = Common {
            clock: self.clock,
            log: Arc::new(Log::with_mirror_bytes(self.mirror_bytes)),
            budget: Arc::new(Budget::new(self.max_entries)),
            hasher: foldhash::fast::RandomState::default(),
        };
        let shared = Shared {
            common,
            capacity: self.capacity,
            cells: scc::HashIndex::default(),
            stores: Mutex::default(),
            sites: Mutex::default(),
        };
        Fastness { shared: Arc::new(shared) }
    }
}
