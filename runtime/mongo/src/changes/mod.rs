//! MongoDB's change streams as a source of invalidations: whatever another program writes, a person at a shell, or a process
//! that died between its commit and its invalidation, is invalidated too.
//!
//! May use: `error`, `lease`, `model`.
//!
//! A model declares its [scopes](crate::model::Scope): what a change of a document invalidates, as patterns over its fields.
//! One task follows the changes of the database (`stream`), makes scopes of each (`event`), announces them as any other
//! invalidation (`batch`), and remembers how far it got (`place`).
//!
//! | the cache | who follows | where it goes on |
//! |---|---|---|
//! | has a shared tier | one process of the fleet; another takes over when it dies | after the last change that all were told of, kept in `fastness_changes` |
//! | is in this process | each process | after the last change, while it lives; a new process has an empty cache |
//!
//! Invariants:
//! - a position is remembered after everything before it was announced to all, never before: what is not known to have been
//!   announced is announced again;
//! - where there is no position, or one that the server no longer knows, everything that the models concern is invalidated,
//!   *after* a new stream was opened, so that nothing lies between the two;
//! - a value that is not known of a change makes a scope wider, never narrower.

mod batch;
mod event;
mod followed;
mod place;
mod snapshot;
mod stream;
mod tail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::model::Indexed;
use fastness_core::Fastness;

use followed::{Followed, POSITIONS, Watched};
use snapshot::Board;
pub use snapshot::{Phase, Snapshot};
use tail::Tailer;

/// The models whose changes invalidate what is cached. Needs a replica set or a sharded cluster.
///
/// ```no_run
/// use fastness::mongo::changes::Changes;
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
/// let changes = Changes::new(&db).model::<Product>().start(&Fastness::current());
/// // .. `changes` lives as long as the server runs
/// println!("{:?}", changes.snapshot());
/// changes.stop().await;
/// # }
/// ```
///
/// # What a change invalidates
///
/// Each scope of the model, with the values that the document had before and those that it has now. A placeholder is a field by
/// its Rust name; its value is read by the field's type and written as a `#[cacheable]` function has it in its key whose
/// parameter is of that type. Where a value is not known, the scope ends before it: `business:{business}:products:*` becomes
/// `business:*`. That concerns
///
/// - a deletion, of which MongoDB tells the `_id` alone,
/// - an update of the very field, or a replacement of the document, as the old value is not told,
/// - a value that is missing, or that the field's type cannot read, and all of `drop` and `rename`.
///
/// Old values are known where the collection keeps images (`changeStreamPreAndPostImages`, MongoDB 6.0): those are asked for
/// and used. So a scope by `_id` is always exact, and one by a field that never changes is exact but for deletions.
///
/// A key that a [`KeyScope`](fastness_core::KeyScope) leads is not reached, as the receiver that it is of is not known, nor is a tag.
///
/// # Privileges
///
/// `read` on the database, and with a shared tier `readWrite` on its collection `fastness_changes`.
#[derive(Clone)]
#[must_use = "nothing is followed until `start` is called"]
pub struct Changes(Followed);

impl Changes {
    /// The collection of positions, in the database that is followed; written only with a shared tier.
    pub const COLLECTION: &str = POSITIONS;

    /// Of no model yet.
    pub fn new(db: &Database) -> Self {
        let takeover = Duration::from_secs(10);
        Self(Followed { db: db.clone(), name: String::new(), takeover, models: Vec::new() })
    }

    /// With those of one more model.
    pub fn model<M: Indexed>(mut self) -> Self {
        self.0.models.push(Watched { collection: M::COLLECTION, scopes: M::SCOPES });
        self
    }

    /// Tells fleets apart; empty by default.
    ///
    /// Processes are of one fleet, in which one follows for all, if they follow the same database, declare the same
    /// scopes and share a tier at the same address under the same prefix. Name them apart where the same address means different servers
    /// (a Redis of its own on each machine, at `localhost`).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// How long after the last sign of life of the process that follows another takes over; 10 s by default, and at least
    /// 500 ms. Of no effect without a shared tier.
    pub fn takeover(mut self, after: Duration) -> Self {
        self.0.takeover = after.max(Duration::from_millis(500));
        self
    }

    /// Follows the changes from now on, in a task of its own.
    ///
    /// It never fails: while the server cannot be reached it tries again, and [`Tail::snapshot`] tells. On a server that is no member of a
    /// replica set it ends at once, and logs so.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start(self, fastness: &Fastness) -> Tail {
        let (board, stop) = (Arc::new(Board::default()), Arc::new(Notify::new()));
        let tailer = Tailer::new(self.0, fastness.clone(), board.clone());
        let task = tokio::spawn(tailer.run(stop.clone()));
        Tail { board, stop, task: Some(task) }
    }
}

/// Databases and collections; no address.
impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collections: Vec<_> = self.0.models.iter().map(|model| model.collection).collect();
        f.debug_struct("Changes")
            .field("database", &self.0.db.name())
            .field("collections", &collections)
            .finish_non_exhaustive()
    }
}

/// Changes that are being followed. Dropping it ends that, as [`stop`](Self::stop) does, but without a word to the rest of the
/// fleet: another process takes over when this one's time is up.
#[derive(Debug)]
#[must_use = "changes are followed only while this lives"]
pub struct Tail {
    board: Arc<Board>,
    stop: Arc<Notify>,
    task: Option<JoinHandle<()>>,
}

impl Tail {
    /// How it goes, as of now.
    pub fn snapshot(&self) -> Snapshot {
        self.board.snapshot()
    }

    /// Ends it: what was read is announced, the position is remembered, and another process may take over at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is as if the [`Tail`] had been dropped.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        if let Some(task) = &mut self.task {
            // It neither panics nor is it aborted before this is dropped.
            let _ = task.await;
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            self.board.ended();
        }
    }
}
