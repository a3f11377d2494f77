use async_trait::async_trait;
use bson::{doc, serialize_to_bson};

use super::MongoRepository;
use super::documents::{self, signed};
use crate::domain::{Business, BusinessDraft, Id, Page, PageRequest};
use crate::store::{Businesses, Result, StoreError};

#[async_trait]
impl Businesses for MongoRepository {
    async fn business(&self, id: Id) -> Result<Option<Business>> {
        self.find::<documents::Business, _>(id).await
    }

    async fn businesses(&self, ids: &[Id]) -> Result<Vec<Business>> {
        self.pick::<documents::Business, _>(ids).await
    }

    async fn list_businesses(&self, page: PageRequest) -> Result<Page<Business>> {
        self.page::<documents::Business, _>(doc! {}, page).await
    }

    async fn insert_business(&self, business: Business) -> Result<()> {
        self.insert(documents::Business::from(business)).await
    }

    async fn update_business(&self, id: Id, draft: BusinessDraft) -> Result<Option<Business>> {
        let subscription = serialize_to_bson(&draft.subscription).map_err(|_| StoreError::Unavailable)?;
        let fields = doc! {
            "email": draft.email,
            "businessName": draft.business_name,
            "isActive": draft.is_active,
            "subscription": subscription,
        };
        self.change::<documents::Business, _>(doc! { "_id": signed(id) }, fields).await
    }

    async fn delete_business(&self, id: Id) -> Result<bool> {
        if !self.delete::<documents::Business>(id).await? {
            return Ok(false);
        }
        let (users, products) = (self.collection::<documents::User>(), self.collection::<documents::Product>());
        self.run("delete its users", async { users.delete_many(doc! { "business": signed(id) }).await }).await?;
        self.run("delete its products", async { products.delete_many(doc! { "business": signed(id) }).await }).await?;
        Ok(true)
    }
}
