//! Events in MongoDB; a search by place goes by a `2dsphere` index.

use async_trait::async_trait;
use bson::{Document, doc};
use serde::Deserialize;

use super::{MongoRepository, all, documents};
use crate::domain::{Id, Listing, Near, NearEvent, Page, SupplyChainEvent};
use crate::store::{Collection, Events, Result, StoreError};

#[async_trait]
impl Events for MongoRepository {
    async fn event(&self, id: Id) -> Result<Option<SupplyChainEvent>> {
        self.find::<documents::SupplyChainEvent, _>(id).await
    }

    async fn list_events(&self, listing: &Listing) -> Result<Page<SupplyChainEvent>> {
        self.list::<documents::SupplyChainEvent, _>(Collection::Events, listing).await
    }

    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>> {
        #[derive(Deserialize)]
        struct Found {
            distance: f64,
            event: documents::SupplyChainEvent,
        }
        let events = self.collection::<documents::SupplyChainEvent>();
        let mut found = all(events.aggregate::<Found>(nearest(near), None)).await?;
        // What is equally far away comes in any order.
        found.sort_by(|one, other| one.distance.total_cmp(&other.distance).then(one.event.id.cmp(&other.event.id)));
        let near = |found: Found| NearEvent::new(found.event.into(), found.distance);
        Ok(found.into_iter().map(near).collect())
    }

    async fn insert_event(&self, event: SupplyChainEvent) -> Result<()> {
        let maker = self.find::<documents::Manufacturer, crate::domain::Manufacturer>(event.manufacturer).await?;
        maker.ok_or(StoreError::Dangling("manufacturer"))?;
        let product = self.find::<documents::Product, crate::domain::Product>(event.product_id).await?;
        product.ok_or(StoreError::Dangling("productId"))?;
        self.insert(documents::SupplyChainEvent::from(event)).await
    }
}

/// The nearest come first: that is the order in which the index finds them.
fn nearest(near: Near) -> [Document; 3] {
    let place = doc! { "type": "Point", "coordinates": near.coordinates().to_vec() };
    [
        doc! { "$geoNear": {
            "near": place,
            "key": "location.coordinates",
            "distanceField": "distance",
            "maxDistance": f64::from(near.within),
            "spherical": true,
        } },
        doc! { "$limit": i64::from(near.limit) },
        doc! { "$project": { "_id": 0, "distance": 1, "event": "$$ROOT" } },
    ]
}
