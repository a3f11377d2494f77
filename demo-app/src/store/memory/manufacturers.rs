//! Manufacturers of the embedded store.

use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::{list, pick, still_there, unchanged};
use crate::domain::{Id, Listing, Manufacturer, ManufacturerDraft, Page};
use crate::store::{Manufacturers, Result};

#[async_trait]
impl Manufacturers for MemoryRepository {
    async fn manufacturer(&self, id: Id) -> Result<Option<Manufacturer>> {
        self.read(|tables| Ok(tables.manufacturers.get(&id).cloned())).await
    }

    async fn manufacturers(&self, ids: &[Id]) -> Result<Vec<Manufacturer>> {
        self.read(|tables| Ok(pick(&tables.manufacturers, ids))).await
    }

    async fn list_manufacturers(&self, listing: &Listing) -> Result<Page<Manufacturer>> {
        self.read(|tables| Ok(list(listing, &tables.manufacturers))).await
    }

    async fn insert_manufacturer(&self, manufacturer: Manufacturer) -> Result<()> {
        self.write(|tables| {
            tables.manufacturer_by_email.email_is_free(&manufacturer.email, manufacturer.id)?;
            tables.manufacturer_by_email.take(&manufacturer.email, manufacturer.id);
            tables.manufacturers.insert(manufacturer.id, manufacturer);
            Ok(())
        })
        .await
    }

    async fn update_manufacturer(
        &self,
        id: Id,
        draft: ManufacturerDraft,
        only_if: Option<&Manufacturer>,
    ) -> Result<Option<Manufacturer>> {
        self.write(|tables| {
            let Some(old) = tables.manufacturers.get(&id) else {
                return Ok(None);
            };
            unchanged(old, only_if)?;
            tables.manufacturer_by_email.email_is_free(&draft.email, id)?;
            let new = Manufacturer { last_login_at: old.last_login_at, ..draft.into_manufacturer(id) };
            tables.manufacturer_by_email.release(&old.email);
            tables.manufacturer_by_email.take(&new.email, id);
            tables.manufacturers.insert(id, new.clone());
            Ok(Some(new))
        })
        .await
    }

    async fn delete_manufacturer(&self, id: Id, only_if: Option<&Manufacturer>) -> Result<bool> {
        self.write(|tables| {
            still_there(tables.manufacturers.get(&id), only_if)?;
            let old = tables.manufacturers.remove(&id);
            if let Some(old) = &old {
                tables.manufacturer_by_email.release(&old.email);
            }
            Ok(old.is_some())
        })
        .await
    }
}
