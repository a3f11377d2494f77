//! Manufacturers in MongoDB.

use async_trait::async_trait;
use bson::{doc, serialize_to_bson};

use super::{MongoRepository, documents};
use crate::domain::{Id, Listing, Manufacturer, ManufacturerDraft, Page};
use crate::store::{Collection, Manufacturers, Result, StoreError};

#[async_trait]
impl Manufacturers for MongoRepository {
    async fn manufacturer(&self, id: Id) -> Result<Option<Manufacturer>> {
        self.find::<documents::Manufacturer, _>(id).await
    }

    async fn manufacturers(&self, ids: &[Id]) -> Result<Vec<Manufacturer>> {
        self.pick::<documents::Manufacturer, _>(ids).await
    }

    async fn list_manufacturers(&self, listing: &Listing) -> Result<Page<Manufacturer>> {
        self.list::<documents::Manufacturer, _>(Collection::Manufacturers, listing).await
    }

    async fn insert_manufacturer(&self, manufacturer: Manufacturer) -> Result<()> {
        self.insert(documents::Manufacturer::from(manufacturer)).await
    }

    async fn update_manufacturer(
        &self,
        id: Id,
        draft: ManufacturerDraft,
        only_if: Option<&Manufacturer>,
    ) -> Result<Option<Manufacturer>> {
        let location = serialize_to_bson(&draft.location).map_err(|_| StoreError::Unavailable)?;
        let fields = doc! {
            "email": draft.email,
            "name": draft.name,
            "industry": draft.industry,
            "isVerified": draft.is_verified,
            "isActive": draft.is_active,
            "location": location,
        };
        self.change(id, fields, only_if.cloned().map(documents::Manufacturer::from)).await
    }

    async fn delete_manufacturer(&self, id: Id, only_if: Option<&Manufacturer>) -> Result<bool> {
        self.delete(id, only_if.cloned().map(documents::Manufacturer::from)).await
    }
}
