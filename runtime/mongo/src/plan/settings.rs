//! Settings of `apply`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bson::Bson;

/// Settings of [`IndexManager::apply`](crate::IndexManager::apply). By default, nothing is dropped.
///
/// ```
/// use std::time::Duration;
/// use fastness::mongo::plan::{Settings, UnmanagedIndexes};
///
/// let options = Settings::default().rebuild(true).unmanaged(UnmanagedIndexes::Hide).max_wait(Duration::from_secs(60));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Settings {
    pub(crate) rebuild: bool,
    pub(crate) unmanaged: UnmanagedIndexes,
    pub(crate) build_limit: Option<Duration>,
    pub(crate) lease: Duration,
    pub(crate) max_wait: Duration,
    pub(crate) commit_quorum: Option<CommitQuorum>,
    pub(crate) progress: Option<ProgressCallback>,
}

/// Callback for progress.
type ProgressCallback = Arc<dyn Fn(&BuildProgress) + Send + Sync>;

/// Treatment of indexes that no model declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnmanagedIndexes {
    /// Leave them as they are.
    #[default]
    Keep,
    /// Hide them (MongoDB 4.4 or newer): queries no longer use them, but they stay up to date and can be shown again at once. A unique
    /// index still rejects duplicates, and an index with a time to live still deletes.
    Hide,
    /// Drop the hidden ones and leave the others: the step after [`Hide`](Self::Hide), once the indexes were not missed.
    DropHidden,
    /// Drop them.
    Drop,
}

/// Members of a replica set that must have built an index before it counts as built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitQuorum {
    /// All members with a vote that hold data: the server's default. While one of them is down, no build ends.
    VotingMembers,
    /// Most of them. A member that comes back builds the index before it takes further changes.
    Majority,
    /// A number of members.
    Members(u32),
}

impl CommitQuorum {
    /// Returns the value in a command.
    pub(crate) fn value(self) -> Bson {
        match self {
            Self::VotingMembers => "votingMembers".into(),
            Self::Majority => "majority".into(),
            Self::Members(number) => Bson::Int64(number.into()),
        }
    }
}

/// Progress of an index build on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildProgress {
    /// Name of the collection.
    pub collection: String,
    /// Current step, in the words of the server.
    pub message: String,
    /// Finished part of the current step, such as the number of documents read.
    pub done: u64,
    /// Total of the current step.
    pub total: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rebuild: false,
            unmanaged: UnmanagedIndexes::Keep,
            build_limit: None,
            lease: Duration::from_secs(30),
            max_wait: Duration::from_secs(600),
            commit_quorum: None,
            progress: None,
        }
    }
}

impl Settings {
    /// Allows rebuilding indexes that MongoDB cannot change in place. Default false.
    ///
    /// Where both indexes can coexist, the new one is built before the old one is dropped: without a declared name it gets the next free
    /// name (`email_1_2`), and is recognised by its definition later. Where they cannot (a declared name, or the same key), an index over
    /// the same fields and the `_id` is built first, serves queries meanwhile, and is dropped at the end; it is not unique. Where the
    /// server admits none (text, places, hashes, wildcards), queries have no index during the build, as the plan says. If the build
    /// fails, the old index is built again. After a rebuild that was broken off, the next call drops what it left.
    pub fn rebuild(mut self, allowed: bool) -> Self {
        self.rebuild = allowed;
        self
    }

    /// Sets the treatment of indexes that no model declares. Default [`UnmanagedIndexes::Keep`].
    pub fn unmanaged(mut self, unmanaged: UnmanagedIndexes) -> Self {
        self.unmanaged = unmanaged;
        self
    }

    /// Sets the time limit of a build on the server (`maxTimeMS`). When it is exceeded, the server stops and discards the build. Default:
    /// no limit; a build without progress is left to the server after [`max_wait`](Self::max_wait).
    pub fn build_limit(mut self, limit: Duration) -> Self {
        self.build_limit = Some(limit);
        self
    }

    /// Sets the lease time: after a crash of the building process, another one may start after this time. At least 1 s; default 30 s.
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(Duration::from_secs(1));
        self
    }

    /// Sets the maximum wait for others. Default 10 minutes. Applies to another process that builds indexes, and to a build that makes no
    /// visible progress, as while a member of the set is down: then the server continues it, and the report says so. Further builds of the
    /// same call get at most 5 s then, and no rebuild is begun.
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets the members of a replica set that must have built an index before it counts as built. Default: the server's,
    /// [`CommitQuorum::VotingMembers`]. Also changes it for a build under way. No effect on a single server.
    pub fn commit_quorum(mut self, quorum: CommitQuorum) -> Self {
        self.commit_quorum = Some(quorum);
        self
    }

    /// Sets a callback that is called every two seconds during a build. Progress is also logged (`tracing`, level info).
    pub fn on_progress(mut self, callback: impl Fn(&BuildProgress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("rebuild", &self.rebuild)
            .field("unmanaged", &self.unmanaged)
            .field("build_limit", &self.build_limit)
            .field("lease", &self.lease)
            .field("max_wait", &self.max_wait)
            .field("commit_quorum", &self.commit_quorum)
            .finish_non_exhaustive()
    }
}
