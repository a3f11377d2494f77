//! The embedded store: the whole database in ordered maps, behind one lock.
//!
//! It holds to every rule of the seam, so that a fresh clone serves the whole API. What it lacks is distance: a
//! read from a map takes less time than any cache could save. So each query first waits for a configurable `latency`,
//! about that of a database across a network, outside the lock. Nothing is written to disk.

mod tables;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;

use self::tables::{Holds, Tables, page};
use super::{Collection, Repository, Result};
use crate::domain::{
    Business, Count, Id, Listing, Model, Near, NearEvent, Page, Product, ProductQuery, SupplyChainEvent, Tally, Vote,
};

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

    async fn read<T>(&self, find: impl FnOnce(&Tables) -> T) -> T {
        self.travel().await;
        // Every change of the tables is checked before it begins, so a panic elsewhere leaves nothing half done.
        find(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
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
impl<M: Model> Collection<M> for MemoryRepository
where
    Tables: Holds<M>,
{
    async fn next_id(&self) -> Result<Id> {
        // Without the latency: a client of a real database makes its ids itself.
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Holds::<M>::table_mut(&mut *tables).next_id())
    }

    async fn find(&self, id: &M::Id) -> Result<Option<M>> {
        self.read(|tables| Ok(Holds::<M>::table(tables).get(id).cloned())).await
    }

    async fn find_many(&self, ids: &[M::Id]) -> Result<Vec<M>> {
        self.read(|tables| Ok(Holds::<M>::table(tables).get_many(ids))).await
    }

    async fn list(&self, listing: &Listing) -> Result<Page<M>> {
        self.read(|tables| Ok(Holds::<M>::table(tables).list(listing))).await
    }

    async fn insert(&self, document: M) -> Result<()> {
        self.write(|tables| {
            tables.check_references(&document)?;
            tables.table_mut().insert(document)
        })
        .await
    }

    async fn update(&self, id: &M::Id, draft: M, only_if: Option<&M>) -> Result<Option<M>> {
        self.write(|tables| {
            tables.check_references(&draft)?;
            tables.table_mut().update(id, draft, only_if)
        })
        .await
    }

    async fn delete(&self, id: &M::Id, only_if: Option<&M>) -> Result<bool> {
        self.write(|tables| tables.table_mut().delete(id, only_if)).await
    }
}

#[async_trait]
impl Repository for MemoryRepository {
    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        self.write(|tables| {
            let was_there = tables.businesses.delete(&id, only_if)?;
            tables.users.retain(|user| user.business != id);
            tables.products.retain(|product| product.business != id);
            tables.votes.retain(|vote| vote.business != id);
            Ok(was_there)
        })
        .await
    }

    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>> {
        self.read(|tables| {
            let matches: Vec<_> = tables.products.rows().filter(|product| query.matches(product)).collect();
            Ok(page(query.page, &matches))
        })
        .await
    }

    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>> {
        self.read(|tables| {
            let away = |event: &SupplyChainEvent| near.distance(event.location.coordinates);
            let mut found: Vec<_> = tables.events.rows().map(|event| (away(event), event)).collect();
            found.retain(|(metres, _)| *metres <= f64::from(near.within));
            found.sort_by(|one, other| one.0.total_cmp(&other.0));
            found.truncate(usize::try_from(near.limit).unwrap_or(usize::MAX));
            Ok(found.into_iter().map(|(metres, event)| NearEvent::new(event.clone(), metres)).collect())
        })
        .await
    }

    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally> {
        self.read(|tables| {
            let mut counts: BTreeMap<Id, u64> = BTreeMap::new();
            let votes = tables.votes.rows().filter(|vote| vote.business == business && vote.proposal_id == proposal);
            votes.for_each(|vote| *counts.entry(vote.selected_product_id).or_default() += 1);
            let counts = counts.into_iter().map(|(product, votes)| Count { product, votes });
            Ok(Tally::new(business, proposal, counts.collect()))
        })
        .await
    }

    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>> {
        self.read(|tables| {
            let users = tables.users.rows().filter(|user| user.business == business && user.email == address);
            Ok(users.map(|user| user.id).collect())
        })
        .await
    }

    async fn recount_votes(&self, user: Id) -> Result<()> {
        self.write(|tables| {
            if let Some(user) = tables.users.get_mut(&user) {
                let cast = |vote: &&Vote| vote.business == user.business && vote.voter_address == user.email;
                user.total_votes = user.total_votes.max(tables.votes.rows().filter(cast).count() as u64);
            }
            Ok(())
        })
        .await
    }

    async fn ping(&self) -> Result<()> {
        self.read(|_| Ok(())).await
    }
}

#[cfg(test)]
mod tests;
