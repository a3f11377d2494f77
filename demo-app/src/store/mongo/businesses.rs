//! Businesses in MongoDB.

use async_trait::async_trait;
use bson::{doc, serialize_to_bson};
use fastness::Indexed;

use super::convert::signed;
use super::documents;
use super::{MongoRepository, unavailable};
use crate::domain::{Business, BusinessDraft, Id, Listing, Page};
use crate::store::{Businesses, Collection, Result, StoreError};

#[async_trait]
impl Businesses for MongoRepository {
    async fn business(&self, id: Id) -> Result<Option<Business>> {
        self.find::<documents::Business, _>(id).await
    }

    async fn businesses(&self, ids: &[Id]) -> Result<Vec<Business>> {
        self.pick::<documents::Business, _>(ids).await
    }

    async fn list_businesses(&self, listing: &Listing) -> Result<Page<Business>> {
        self.list::<documents::Business, _>(Collection::Businesses, listing).await
    }

    async fn insert_business(&self, business: Business) -> Result<()> {
        self.insert(documents::Business::from(business)).await
    }

    async fn update_business(
        &self,
        id: Id,
        draft: BusinessDraft,
        only_if: Option<&Business>,
    ) -> Result<Option<Business>> {
        let subscription = serialize_to_bson(&draft.subscription).map_err(|_| StoreError::Unavailable)?;
        let fields = doc! {
            "email": draft.email,
            "businessName": draft.business_name,
            "isActive": draft.is_active,
            "subscription": subscription,
        };
        self.change(id, fields, only_if.cloned().map(documents::Business::from)).await
    }

    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        let there = self.delete(id, only_if.cloned().map(documents::Business::from)).await?;
        // Even if it is gone: an earlier deletion may have got no further.
        self.delete_of::<documents::User>(id).await?;
        self.delete_of::<documents::Product>(id).await?;
        self.delete_of::<documents::VotingRecord>(id).await?;
        Ok(there)
    }
}

impl MongoRepository {
    /// Deletes what belongs to a business.
    async fn delete_of<M: Indexed + Send + Sync>(&self, business: Id) -> Result<()> {
        let deleted = self.collection::<M>().delete_many(doc! { "business": signed(business) }, None).await;
        deleted.map(drop).map_err(|error| unavailable(&error))
    }
}
