//! What `apply` may do, and how long.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What [`IndexManager::apply`](crate::IndexManager::apply) may do. By default, nothing is dropped.
///
/// ```
/// use std::time::Duration;
/// use fastness::mongo::plan::{Settings, Unmanaged};
///
/// let options = Settings::default().rebuild(true).unmanaged(Unmanaged::Hide).patience(Duration::from_secs(60));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Settings {
    pub(crate) rebuild: bool,
    pub(crate) unmanaged: Unmanaged,
    pub(crate) build_limit: Option<Duration>,
    pub(crate) lease: Duration,
    pub(crate) patience: Duration,
    pub(crate) progress: Option<Tell>,
}

/// Is told of progress.
type Tell = Arc<dyn Fn(&Progress) + Send + Sync>;

/// What to do with indexes that nobody declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmanaged {
    /// They stay as they are.
    #[default]
    Keep,
    /// Queries no longer use them, but they are kept up to date: what is missed can be brought back at once. (A unique index goes
    /// on refusing, and one with a time to live deleting.)
    Hide,
    /// Those that are hidden are dropped, the others stay: the step after [`Hide`](Self::Hide), once nobody missed them.
    DropHidden,
    /// They are dropped.
    Drop,
}

/// How far the server is with building indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The name of the collection.
    pub collection: String,
    /// What the server does now, in its own words.
    pub message: String,
    /// Of what it does now: how much is done, such as documents that were read.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rebuild: false,
            unmanaged: Unmanaged::Keep,
            build_limit: None,
            lease: Duration::from_secs(30),
            patience: Duration::from_secs(600),
            progress: None,
        }
    }
}

impl Settings {
    /// Whether indexes that MongoDB cannot change in place may be built anew. Default false.
    ///
    /// The new index is built before the old one is dropped where both can exist: if it has no name of its own, it then gets the
    /// next free one (`email_1_2`), and is recognised under it. Where they cannot (with a name of its own, or the same keys
    /// and, say, other weights), queries go without the index for the time of the build; if the build fails, the old one is built
    /// again.
    pub fn rebuild(mut self, allowed: bool) -> Self {
        self.rebuild = allowed;
        self
    }

    /// What to do with indexes that nobody declares. Default [`Unmanaged::Keep`].
    pub fn unmanaged(mut self, unmanaged: Unmanaged) -> Self {
        self.unmanaged = unmanaged;
        self
    }

    /// How long the server may build (`maxTimeMS`); it then stops, and nothing is left of that build. Default: as long as it takes.
    pub fn build_limit(mut self, limit: Duration) -> Self {
        self.build_limit = Some(limit);
        self
    }

    /// How long after the death of a process that builds another one may begin, at least a second. Default 30 s.
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(Duration::from_secs(1));
        self
    }

    /// How long to wait for another process that builds. Default 10 minutes.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Is told every two seconds how far the server is; the log (`tracing`, level info) is too.
    pub fn on_progress(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(tell));
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
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
