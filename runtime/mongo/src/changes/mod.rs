//! Invalidations by MongoDB's change streams. They cover writes of other programs, of a person in a shell, and of a process that crashed
//! between commit and invalidation.
//!
//! May use: `command`, `error`, `lease`, `model`.
//!
//! A model declares its [scopes](crate::model::ChangeScope): the keys that a change of a document invalidates, as patterns over its
//! fields. One task reads the change stream of the database (`stream`), renders the scopes of each event (`event`), announces them like
//! any other invalidation (`batch`), and stores its position (`position`).
//!
//! | cache | reader of the stream | start position |
//! |---|---|---|
//! | with a shared tier | one process of the fleet; another takes over after a crash | after the last change that was announced to every process, stored in `fastness_changes` |
//! | in this process only | each process | after the last change, as long as the process lives; a new process has an empty cache |
//!
//! Invariants:
//! - a position is stored after everything before it was announced to every process, never earlier: a change that may not have been
//!   announced is announced again;
//! - without a position, or with one that the server no longer knows, all scopes of the models are invalidated *after* a new stream was
//!   opened, so that no change is missed in between;
//! - an unknown value makes a scope wider, never narrower.

mod batch;
mod event;
mod position;
mod snapshot;
mod stream;
mod target;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::model::Indexed;
use fastness_core::Fastness;

use snapshot::StatusBoard;
pub use snapshot::{Snapshot, WatcherState};
use target::{POSITIONS, WatchTarget, WatchedModel};
use worker::WatcherWorker;

/// Invalidates cached values when documents of the declared models change. Requires a replica set or a sharded cluster.
///
/// Collects the settings; [`start`](Self::start) starts the task.
///
/// ```no_run
/// use fastness::mongo::changes::ChangeWatcher;
/// use fastness::{Fastness, Indexed, cacheable};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Indexed)]
/// #[indexed(collection = "products", scopes("product:{id}", "products:*", "business:{business}:products:*"))]
/// struct Product {
///     #[serde(rename = "_id")]
///     id: i64,
///     #[index]
///     business: i64,
/// }
///
/// #[cacheable(ttl = 300, key = "product:{id}")]
/// async fn product_name(id: i64) -> String {
///     format!("product {id}") // a query
/// }
///
/// # async fn start(db: mongodb::Database) {
/// let changes = ChangeWatcher::new(&db).model::<Product>().start(&Fastness::current());
/// // Keep `changes` for as long as the server runs.
/// println!("{:?}", changes.snapshot());
/// changes.stop().await;
/// # }
/// ```
///
/// # Scope of an invalidation
///
/// Each scope of the model is invalidated with the values of the document before and after the change. A placeholder is the Rust name of
/// a field; its value is read as the field's type, and written like an argument of that type in the key of a `#[cacheable]` function. If
/// a value is unknown, the scope is cut before it: `business:{business}:products:*` becomes `business:*`. Values are unknown
///
/// - in a deletion, for which MongoDB reports the `_id` alone,
/// - in an update of the field, or a replacement of the document, which do not report the old value,
/// - if the value is missing or cannot be read as the field's type, and for `drop` and `rename`.
///
/// Old values are known if the collection stores pre-images (`changeStreamPreAndPostImages`, MongoDB 6.0 or newer), which are then
/// requested. So a scope with the `_id` is always exact, and a scope with a field that never changes is exact except for deletions.
///
/// Keys with a [`KeyNamespace`](fastness_core::KeyNamespace) are not reached, because their receiver is unknown; neither are tags.
///
/// # Privileges
///
/// `read` on the database, and with a shared tier `readWrite` on its collection `fastness_changes`.
#[derive(Clone)]
#[must_use = "nothing is watched until `start` is called"]
pub struct ChangeWatcher(WatchTarget);

impl ChangeWatcher {
    /// Collection of positions in the watched database. Written only with a shared tier.
    pub const COLLECTION: &str = POSITIONS;

    /// Creates a watcher without any model.
    pub fn new(db: &Database) -> Self {
        let takeover = Duration::from_secs(10);
        Self(WatchTarget { db: db.clone(), name: String::new(), takeover, models: Vec::new() })
    }

    /// Adds a model.
    pub fn model<M: Indexed>(mut self) -> Self {
        self.0.models.push(WatchedModel { collection: M::COLLECTION, scopes: M::SCOPES });
        self
    }

    /// Sets a name that distinguishes fleets. Default: empty.
    ///
    /// Processes form a fleet, of which one reads the change stream for all, if they watch the same database, declare the same scopes,
    /// and share a tier at the same address with the same prefix. Set different names if the same address means different servers (such
    /// as a Redis on each machine, at `localhost`).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Sets the time after which another process takes over from a process that gives no sign of life. Default 10 s, at least 500 ms.
    /// Without a shared tier it has no effect.
    pub fn takeover(mut self, after: Duration) -> Self {
        self.0.takeover = after.max(Duration::from_millis(500));
        self
    }

    /// Starts a task that reads the change stream from now on.
    ///
    /// Starting never fails: while the server cannot be reached, the task retries, and [`WatcherTask::snapshot`] shows the error. On a
    /// server that is not a member of a replica set, the task logs a warning and ends. Time-series collections and views cannot be
    /// followed: the task logs an error and lists them in [`Snapshot::not_followed`], and ends if there is no other collection.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn start(self, fastness: &Fastness) -> WatcherTask {
        let (status, stop) = (Arc::new(StatusBoard::default()), Arc::new(Notify::new()));
        let worker = WatcherWorker::new(self.0, fastness.clone(), status.clone());
        let task = tokio::spawn(worker.run(stop.clone()));
        WatcherTask { status, stop, task: Some(task) }
    }
}

/// Writes database and collections, without an address.
impl fmt::Debug for ChangeWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collections: Vec<_> = self.0.models.iter().map(|model| model.collection).collect();
        f.debug_struct("ChangeWatcher")
            .field("database", &self.0.db.name())
            .field("collections", &collections)
            .finish_non_exhaustive()
    }
}

/// A running watcher. Dropping it stops the task like [`stop`](Self::stop), but without releasing the lease: another process of the fleet
/// takes over after [`takeover`](ChangeWatcher::takeover).
#[derive(Debug)]
#[must_use = "dropping the task stops watching"]
pub struct WatcherTask {
    status: Arc<StatusBoard>,
    stop: Arc<Notify>,
    task: Option<JoinHandle<()>>,
}

impl WatcherTask {
    /// Returns the current figures.
    pub fn snapshot(&self) -> Snapshot {
        self.status.snapshot()
    }

    /// Stops the task: announces the changes that were read, stores the position, and releases the lease, so that another process can
    /// take over at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is like dropping the [`WatcherTask`].
    pub async fn stop(mut self) {
        self.stop.notify_one();
        if let Some(task) = &mut self.task {
            // The task neither panics nor is aborted before this value is dropped.
            let _ = task.await;
        }
    }
}

impl Drop for WatcherTask {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            self.status.set_stopped();
        }
    }
}
