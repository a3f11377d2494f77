//! A history of the calls on several nodes, and its judge.
//!
//! The origin counts versions per key. An invalidation records the version that had been written before it began, for each key that it
//! concerns; a read records the version that it returned. A read is stale if it returns an older version than the one of an invalidation
//! that had returned before the read started. The contract allows a stale read on another node, for a bounded time after the invalidation.
//! A refresh is judged like an invalidation, except for functions that serve expired values.

mod judge;
mod ours;
mod plain;
mod promotion;
mod run;

pub use judge::{Report, judge};
pub use ours::Ours;
pub use plain::Plain;
pub use promotion::{Promotions, alone_with_the_former_master, asked_of_sentinels};
pub use run::{Control, Fault, Origin, Plan, pause, run, run_controlled, run_while};

use std::time::Duration;

use fastness::Reach;
use tokio::time::Instant;

/// Keys are `item:{group}:{id}`; those of the last groups are read from the shared tier only.
pub const GROUPS: usize = 4;
/// Keys of a group.
pub const IDS: usize = 4;
/// Groups that are stored in the local tier of processes too.
pub const NEAR_GROUPS: usize = 2;
/// The group, among these, whose function serves expired values.
pub const LENIENT_GROUP: usize = 1;
/// All keys.
pub const KEYS: usize = GROUPS * IDS;

/// The scope of an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One key.
    Key(usize),
    /// All keys of a group.
    Group(usize),
}

impl Scope {
    /// The keys that this concerns.
    pub fn keys(self) -> std::ops::Range<usize> {
        match self {
            Self::Key(key) => key..key + 1,
            Self::Group(group) => group * IDS..(group + 1) * IDS,
        }
    }
}

/// Returns whether a key's function serves expired values while it loads new ones.
pub fn is_lenient(key: usize) -> bool {
    key / IDS == LENIENT_GROUP
}

/// Returns whether a key is stored in the local tier of processes too.
pub fn is_near(key: usize) -> bool {
    key / IDS < NEAR_GROUPS
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A read returned this version of a key.
    Read {
        /// The node that was asked.
        node: usize,
        /// The key that was asked for.
        key: usize,
        /// The version in the answer.
        version: u64,
        /// The moment at which the call started.
        start: Instant,
    },
    /// An invalidation or a refresh returned.
    Invalidated {
        /// The node that invalidated.
        node: usize,
        /// The key that was invalidated.
        key: usize,
        /// The version that had been written before it began.
        version: u64,
        /// The moment at which the call returned.
        end: Instant,
        /// The reach of the invalidation.
        reach: Reach,
        /// True for a refresh.
        is_refresh: bool,
    },
    /// A node had no pending invalidation between two moments.
    Clear {
        /// The node.
        node: usize,
        /// The moment before the node was asked.
        before: Instant,
        /// The moment after the node was asked.
        after: Instant,
    },
}

/// A cache under test, as one node sees it.
pub trait Subject: Clone + Send + Sync + 'static {
    /// Reads the version of a key: from the cache, or from the origin.
    fn read(&self, key: usize, origin: run::Origin) -> impl Future<Output = u64> + Send;
    /// Invalidates.
    fn invalidate(&self, scope: Scope) -> impl Future<Output = Reach> + Send;
    /// Refreshes.
    fn refresh(&self, scope: Scope) -> impl Future<Output = Reach> + Send;
    /// Writes a version, and stores it with a put. The version is written after the put has begun: a put does not notice an invalidation
    /// from before its beginning, which the version could be older than.
    fn put(&self, key: usize, origin: run::Origin) -> impl Future<Output = ()> + Send;
    /// Returns whether every invalidation of this node has reached the others.
    fn is_clear(&self) -> bool;
}

/// The key's text.
pub fn name(key: usize) -> String {
    format!("item:{}:{}", key / IDS, key % IDS)
}

/// Bound of these runs on the time for which another node may serve an invalidated entry.
pub const MAX_STALE: Duration = Duration::from_millis(400);
