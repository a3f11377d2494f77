//! Manufacturers, cached by id and by list.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use crate::domain::{Id, Listing, Manufacturer, ManufacturerDraft, Page};
use crate::store::{Collection, Repository, Result};

/// The makers.
#[derive(Clone)]
pub struct ManufacturerService {
    repository: Arc<dyn Repository>,
}

impl ManufacturerService {
    /// The service over `repository`.
    pub fn new(repository: Arc<dyn Repository>) -> Self {
        Self { repository }
    }

    /// The manufacturer `id`. They change rarely, and one process sees a change of another's soon enough.
    #[cacheable(
        ttl = "10m",
        local_ttl = 60,
        key = "manufacturer:{id}",
        negative_ttl = 30,
        stale_if_error = "1h",
        load_timeout = "2s",
        skip(self)
    )]
    pub async fn get_manufacturer(&self, id: Id) -> Result<Option<Arc<Manufacturer>>> {
        Ok(self.repository.manufacturer(id).await?.map(Arc::new))
    }

    /// The manufacturers of `ids` that exist.
    #[cacheable(ttl = "10m", local_ttl = 60, key = "manufacturer:{ids}", batch(ids), negative_ttl = 30, skip(self))]
    pub async fn get_manufacturers(&self, ids: &[Id]) -> Result<HashMap<Id, Arc<Manufacturer>>> {
        let manufacturers = self.repository.manufacturers(ids).await?;
        Ok(manufacturers.into_iter().map(|manufacturer| (manufacturer.id, Arc::new(manufacturer))).collect())
    }

    /// One page of what `listing` admits. What is far back is rarely asked for twice.
    #[cacheable(ttl = 60, key = "manufacturers:{listing:hash}", skip(self), condition = listing.page.number <= 10)]
    pub async fn list_manufacturers(&self, listing: &Listing) -> Result<Arc<Page<Manufacturer>>> {
        self.repository.list_manufacturers(listing).await.map(Arc::new)
    }

    /// Adds a manufacturer.
    pub async fn create_manufacturer(&self, draft: ManufacturerDraft) -> Result<Arc<Manufacturer>> {
        let id = self.repository.next_id(Collection::Manufacturers).await?;
        self.insert_manufacturer(id, draft).await
    }

    #[cache_invalidate("manufacturers:*", when = always)]
    #[cache_put(key = "manufacturer:{id}", ttl = "10m", local_ttl = 60, skip(self))]
    async fn insert_manufacturer(&self, id: Id, draft: ManufacturerDraft) -> Result<Arc<Manufacturer>> {
        let manufacturer = draft.into_manufacturer(id);
        self.repository.insert_manufacturer(manufacturer.clone()).await?;
        Ok(Arc::new(manufacturer))
    }

    /// The manufacturer `id` as it is stored now, whatever is cached: what a write may depend on.
    pub async fn stored_manufacturer(&self, id: Id) -> Result<Option<Manufacturer>> {
        self.repository.manufacturer(id).await
    }

    /// Writes `draft` over the manufacturer `id`, if there is one, and it is `only_if` where that is given.
    #[cache_invalidate("manufacturers:*", when = always)]
    #[cache_put(key = "manufacturer:{id}", ttl = "10m", local_ttl = 60, skip(self))]
    pub async fn update_manufacturer(
        &self,
        id: Id,
        draft: ManufacturerDraft,
        only_if: Option<&Manufacturer>,
    ) -> Result<Option<Arc<Manufacturer>>> {
        Ok(self.repository.update_manufacturer(id, draft, only_if).await?.map(Arc::new))
    }

    /// Removes the manufacturer `id`; tells whether there was one. What happened to its products stays known.
    #[cache_invalidate("manufacturer:{id}", "manufacturers:*", when = always)]
    pub async fn delete_manufacturer(&self, id: Id, only_if: Option<&Manufacturer>) -> Result<bool> {
        self.repository.delete_manufacturer(id, only_if).await
    }
}

impl fmt::Debug for ManufacturerService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManufacturerService").finish_non_exhaustive()
    }
}
