//! Users in MongoDB.

use async_trait::async_trait;
use bson::doc;

use super::convert::{signed, unsigned};
use super::{MongoRepository, all, documents, unavailable};
use crate::domain::{Id, Listing, Page, User, UserDraft};
use crate::store::{Collection, Result, Users};

#[async_trait]
impl Users for MongoRepository {
    async fn user(&self, id: Id) -> Result<Option<User>> {
        self.find::<documents::User, _>(id).await
    }

    async fn users(&self, ids: &[Id]) -> Result<Vec<User>> {
        self.pick::<documents::User, _>(ids).await
    }

    async fn list_users(&self, listing: &Listing) -> Result<Page<User>> {
        self.list::<documents::User, _>(Collection::Users, listing).await
    }

    async fn insert_user(&self, user: User) -> Result<()> {
        self.business_exists(user.business).await?;
        self.insert(documents::User::from(user)).await
    }

    async fn update_user(&self, id: Id, draft: UserDraft, only_if: Option<&User>) -> Result<Option<User>> {
        self.business_exists(draft.business).await?;
        let fields = doc! {
            "business": signed(draft.business),
            "name": draft.name,
            "email": draft.email,
            "isActive": draft.is_active,
        };
        self.change(id, fields, only_if.cloned().map(documents::User::from)).await
    }

    async fn delete_user(&self, id: Id, only_if: Option<&User>) -> Result<bool> {
        self.delete(id, only_if.cloned().map(documents::User::from)).await
    }

    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>> {
        let users = self.collection::<documents::User>();
        let filter = doc! { "business": signed(business), "email": address };
        let found = all(users.find(filter, None)).await?;
        Ok(found.into_iter().map(|user| unsigned(user.id)).collect())
    }

    async fn recount_votes(&self, id: Id) -> Result<()> {
        let Some(user) = self.user(id).await? else {
            return Ok(());
        };
        let (votes, users) = (self.collection::<documents::VotingRecord>(), self.collection::<documents::User>());
        let filter = doc! { "voterAddress": user.email, "business": signed(user.business) };
        let counted = votes.count(filter, None).await.map_err(|error| unavailable(&error))?;
        let update = doc! { "$max": { "totalVotes": signed(counted) } };
        let updated = users.update_one(doc! { "_id": signed(id) }, update, None).await;
        updated.map(drop).map_err(|error| unavailable(&error))
    }
}
