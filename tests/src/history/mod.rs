//! A history of what several nodes did, and the judge of it.
//!
//! The origin counts versions per key. An invalidation that concerns a key notes the version that had been written before it
//! began; a read notes the version that it returned. A read that returns an older version than an invalidation which had
//! returned before the read started was served something that had been invalidated: how long before, and where, decides
//! whether the contract allows that. A refresh is judged as an invalidation, but for functions that serve expired values.

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
/// Groups that are kept in the memory of processes too.
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
    /// The keys that it concerns.
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

/// True if a key is stored in the local tier of processes too.
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
    /// The version of a key: from the cache, or from the origin.
    fn read(&self, key: usize, origin: run::Origin) -> impl Future<Output = u64> + Send;
    /// Invalidates.
    fn invalidate(&self, scope: Scope) -> impl Future<Output = Reach> + Send;
    /// Refreshes.
    fn refresh(&self, scope: Scope) -> impl Future<Output = Reach> + Send;
    /// Writes a version, and stores it. It is written after the put has begun: an invalidation before that would be none of the put's
    /// concern, and the version could be older than it.
    fn put(&self, key: usize, origin: run::Origin) -> impl Future<Output = ()> + Send;
    /// True if every invalidation of this node has reached the others.
    fn is_clear(&self) -> bool;
}

/// The key's text.
pub fn name(key: usize) -> String {
    format!("item:{}:{}", key / IDS, key % IDS)
}

/// The stated bound of these runs: the time for which another node may serve an invalidated entry.
pub const MAX_STALE: Duration = Duration::from_millis(400);
