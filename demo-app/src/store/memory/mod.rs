//! The embedded store: the whole database in ordered maps, behind one lock.
//!
//! It keeps every rule that the seam asks for, so that a fresh clone serves the whole API. What it lacks is distance: a
//! read from a map takes less time than any cache could save. So each query first waits for a configurable `latency`,
//! about that of a database across a network, outside the lock. Nothing is written to disk.

mod businesses;
mod events;
mod manufacturers;
mod products;
mod records;
mod tables;
mod users;
mod votes;

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use fastness::monitor::Pool;

use self::tables::Tables;
use super::{Collection, Repository, Result};
use crate::domain::Id;

/// See the module's documentation.
#[derive(Debug)]
pub struct MemoryRepository {
    /// A plain lock: it is held for the look-up alone, never across an `.await`.
    tables: RwLock<Tables>,
    latency: Duration,
}

impl MemoryRepository {
    /// An empty database whose queries each take `latency` longer than they need.
    pub fn new(latency: Duration) -> Self {
        Self { tables: RwLock::default(), latency }
    }

    /// The same database, at another distance.
    #[must_use]
    pub fn with_latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    async fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        self.travel().await;
        // Every change of the tables is checked before it begins, so a panic elsewhere leaves nothing half done.
        look(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn write<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        self.travel().await;
        change(&mut self.tables.write().unwrap_or_else(PoisonError::into_inner))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place whose purpose is to take time; tests set it to zero")]
    async fn travel(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }
}

#[async_trait]
impl Repository for MemoryRepository {
    async fn next_id(&self, collection: Collection) -> Result<Id> {
        // Without the latency: a client of a real database makes its ids itself.
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        Ok(tables.next_id(collection))
    }

    async fn ping(&self) -> Result<()> {
        self.read(|_| Ok(())).await
    }

    fn pool(&self) -> Pool {
        Pool::default()
    }
}

#[cfg(test)]
mod tests;
