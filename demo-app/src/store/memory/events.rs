//! Events of the embedded store.

use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::list;
use crate::domain::{Id, Listing, Near, NearEvent, Page, SupplyChainEvent};
use crate::store::{Events, Result, StoreError};

#[async_trait]
impl Events for MemoryRepository {
    async fn event(&self, id: Id) -> Result<Option<SupplyChainEvent>> {
        self.read(|tables| Ok(tables.events.get(&id).cloned())).await
    }

    async fn list_events(&self, listing: &Listing) -> Result<Page<SupplyChainEvent>> {
        self.read(|tables| Ok(list(listing, &tables.events))).await
    }

    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>> {
        self.read(|tables| {
            let away = |event: &SupplyChainEvent| near.distance(event.location.coordinates);
            let mut found: Vec<_> = tables.events.values().map(|event| (away(event), event)).collect();
            found.retain(|(metres, _)| *metres <= f64::from(near.within));
            found.sort_by(|one, other| one.0.total_cmp(&other.0));
            found.truncate(usize::try_from(near.limit).unwrap_or(usize::MAX));
            Ok(found.into_iter().map(|(metres, event)| NearEvent::new(event.clone(), metres)).collect())
        })
        .await
    }

    async fn insert_event(&self, event: SupplyChainEvent) -> Result<()> {
        self.write(|tables| {
            let missing = |field| Err(StoreError::Dangling(field));
            if !tables.manufacturers.contains_key(&event.manufacturer) {
                return missing("manufacturer");
            }
            if !tables.products.contains_key(&event.product_id) {
                return missing("productId");
            }
            tables.events.insert(event.id, event);
            Ok(())
        })
        .await
    }
}
