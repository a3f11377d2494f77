//! Work beside the queries: indexes are made, the server's profile is read, and the changes that others write are
//! followed.
//!
//! One task looks every half minute and stores its findings for later questions; it ends with the last clone of the store. None of it is on
//! the way of a query, and what the server does not allow is said instead.

use std::sync::{Arc, Weak};
use std::time::Duration;

use fastness::Fastness;
use fastness::mongo::IndexManager;
use fastness::mongo::changes::{ChangeWatcher, Snapshot};
use fastness::mongo::plan;
use fastness::mongo::slow::{self, Profiler};
use fastness::monitor::SlowQuery;
use mongodb::Database;
use serde_json::{Value, json};

use super::MongoRepository;
use super::documents::{Business, Manufacturer, Product, SupplyChainEvent, User, VotingRecord};
use super::last_look::{Seen, Watch, lock};

/// The time between two looks, and between attempts while the database does not answer.
const LOOK: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(5);

impl MongoRepository {
    /// Makes the indexes as soon as the database lets it, follows changes that others write so that `cache` forgets them, and
    /// has the server list what is `slow`, if it is to.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub(super) fn watch_database(&self, cache: &Fastness, slow: Option<Duration>) {
        lock(&self.watch.changes).get_or_insert_with(|| changes(&self.db).start(cache));
        let profiler = slow.map(|slow| (self.client.profiler(&self.db), slow::Settings::default().slow(slow)));
        tokio::spawn(look(Arc::downgrade(&self.watch), self.indexes(), profiler));
    }

    /// No longer follows changes, so that another process takes over at once.
    pub(super) async fn stop_watching(&self) {
        let changes = lock(&self.watch.changes).take();
        if let Some(changes) = changes {
            changes.stop().await;
        }
    }

    /// Queries that took long, by shape. No value of any query is in it.
    pub(super) fn slow(&self) -> Vec<SlowQuery> {
        self.client.slow_queries().shapes.into_iter().map(SlowQuery::from).collect()
    }

    /// The database as of the last look.
    pub(super) fn seen(&self) -> Value {
        let Seen { indexes, profiling } = lock(&self.watch.seen).clone();
        let changes = lock(&self.watch.changes).as_ref().map(|tail| shown(&tail.snapshot()));
        json!({ "kind": "mongodb", "name": self.db.name(), "indexes": indexes, "profiling": profiling, "changes": changes })
    }
}

/// The changes of all models, which invalidate what the models declare.
fn changes(db: &Database) -> ChangeWatcher {
    ChangeWatcher::new(db)
        .model::<Business>()
        .model::<Manufacturer>()
        .model::<User>()
        .model::<Product>()
        .model::<VotingRecord>()
        .model::<SupplyChainEvent>()
}

fn shown(status: &Snapshot) -> Value {
    json!({
        "state": format!("{:?}", status.state).to_lowercase(),
        "why": status.why,
        "changes": status.changes,
        "lagMs": status.lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
        "gaps": status.gaps,
    })
}

/// Looks until the last clone of the store is dropped.
async fn look(watch: Weak<Watch>, indexes: IndexManager, profiler: Option<(Profiler, slow::Settings)>) {
    let mut applied = false;
    loop {
        if !applied {
            applied = apply(&indexes).await;
        }
        let plan = match indexes.plan().await {
            Ok(plan) => json!({ "inSync": plan.is_in_sync(), "plan": plan }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let profiling = profile(profiler.as_ref()).await;
        let Some(watch) = watch.upgrade() else { return };
        *lock(&watch.seen) = Seen { indexes: plan, profiling };
        drop(watch);
        #[expect(clippy::disallowed_methods, reason = "what is waited for is another server")]
        tokio::time::sleep(if applied { LOOK } else { RETRY }).await;
    }
}

/// Brings the indexes in line with what the models declare.
async fn apply(indexes: &IndexManager) -> bool {
    match indexes.apply(&plan::Settings::default()).await {
        Ok(report) => tracing::info!("indexes:\n{report}"),
        Err(error) => {
            tracing::warn!(%error, "the indexes cannot be looked at yet");
            return false;
        }
    }
    true
}

/// Switches the profiler on, which an administrator may have switched off meanwhile, and reads what it listed.
async fn profile(profiler: Option<&(Profiler, slow::Settings)>) -> Value {
    let Some((profiler, profile)) = profiler else {
        return json!({ "on": false });
    };
    let done = async {
        let profiling = profiler.enable(profile).await?;
        let read = profiler.read().await?;
        Ok::<_, fastness::mongo::Error>(json!({ "on": true, "server": profiling, "read": read }))
    };
    done.await.unwrap_or_else(|error| json!({ "on": false, "error": error.to_string() }))
}
