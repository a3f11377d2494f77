//! Work beside the queries: indexes are made, the server's profile is read, and the changes that others write are
//! followed.
//!
//! One task checks every half minute and stores its findings for later questions; it ends with the last clone of the store. None of it is on
//! the way of a query, and what the server does not allow is reported instead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fastness::Fastness;
use fastness::mongo::changes::{ChangeWatcher, WatcherTask};
use fastness::mongo::slow::{self, Profiler};
use fastness::mongo::{Client, Error, IndexManager, plan};
use mongodb::Database;
use serde_json::{Value, json};

use crate::domain::{Business, Manufacturer, Product, SupplyChainEvent, User, Vote};

/// The time between two checks, and between attempts while the database does not answer.
const PERIOD: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(5);

/// The reports that were read last, and the changes that are followed.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The indexes and the profiling of the database; null before the first check. Plain locks: they are held to put, take or copy a value,
    /// never across an `.await`.
    seen: Mutex<(Value, Value)>,
    changes: Mutex<Option<WatcherTask>>,
}

impl Watch {
    /// Makes the indexes as soon as the database lets it, follows changes that others write so that `cache` forgets them, and
    /// has the server list what is `slow`, if it is to.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub(super) fn start(
        self: &Arc<Self>,
        client: &Client,
        db: &Database,
        indexes: IndexManager,
        cache: &Fastness,
        slow: Option<Duration>,
    ) {
        lock(&self.changes).get_or_insert_with(|| changes(db).start(cache));
        let profiler = slow.map(|slow| (client.profiler(db), slow::Settings::default().slow(slow)));
        tokio::spawn(check(Arc::downgrade(self), indexes, profiler));
    }

    /// No longer follows changes, so that another process takes over at once.
    pub(super) async fn end(&self) {
        let changes = lock(&self.changes).take();
        if let Some(changes) = changes {
            changes.stop().await;
        }
    }

    /// The database of this name as of the last check. No value of any query is in it.
    pub(super) fn report(&self, name: &str) -> Value {
        let (indexes, profiling) = lock(&self.seen).clone();
        let changes = lock(&self.changes).as_ref().map(|task| {
            let seen = task.snapshot();
            json!({
                "state": format!("{:?}", seen.state).to_lowercase(),
                "why": seen.why,
                "changes": seen.changes,
                "lagMs": seen.lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
                "gaps": seen.gaps,
            })
        });
        json!({ "kind": "mongodb", "name": name, "indexes": indexes, "profiling": profiling, "changes": changes })
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The changes of all models, which invalidate what the models declare.
fn changes(db: &Database) -> ChangeWatcher {
    ChangeWatcher::new(db)
        .model::<Business>()
        .model::<Manufacturer>()
        .model::<User>()
        .model::<Product>()
        .model::<Vote>()
        .model::<SupplyChainEvent>()
}

/// Checks the database until the last clone of the store is dropped.
async fn check(watch: Weak<Watch>, indexes: IndexManager, profiler: Option<(Profiler, slow::Settings)>) {
    let mut applied = false;
    loop {
        applied = applied || apply(&indexes).await;
        let plan = match indexes.plan().await {
            Ok(plan) => json!({ "inSync": plan.is_in_sync(), "plan": plan }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let profiling = profile(profiler.as_ref()).await;
        let Some(watch) = watch.upgrade() else { return };
        *lock(&watch.seen) = (plan, profiling);
        drop(watch);
        #[expect(clippy::disallowed_methods, reason = "what is waited for is another server")]
        tokio::time::sleep(if applied { PERIOD } else { RETRY }).await;
    }
}

/// Brings the indexes in line with what the models declare.
async fn apply(indexes: &IndexManager) -> bool {
    let applied = indexes.apply(&plan::Settings::default()).await;
    match &applied {
        Ok(report) => tracing::info!("indexes:\n{report}"),
        Err(error) => tracing::warn!(%error, "the indexes cannot be read yet"),
    }
    applied.is_ok()
}

/// Switches the profiler on, which an administrator may have switched off meanwhile, and reads what it listed.
async fn profile(profiler: Option<&(Profiler, slow::Settings)>) -> Value {
    let Some((profiler, settings)) = profiler else {
        return json!({ "on": false });
    };
    let done = async {
        let profiling = profiler.enable(settings).await?;
        Ok::<_, Error>(json!({ "on": true, "server": profiling, "read": profiler.read().await? }))
    };
    done.await.unwrap_or_else(|error| json!({ "on": false, "error": error.to_string() }))
}
