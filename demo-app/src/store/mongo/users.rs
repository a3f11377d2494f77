use async_trait::async_trait;
use bson::doc;

use super::MongoRepository;
use super::documents::{self, signed};
use crate::domain::{Id, Page, PageRequest, User, UserDraft};
use crate::store::{Result, Users};

#[async_trait]
impl Users for MongoRepository {
    async fn user(&self, id: Id) -> Result<Option<User>> {
        self.find::<documents::User, _>(id).await
    }

    async fn users(&self, ids: &[Id]) -> Result<Vec<User>> {
        self.pick::<documents::User, _>(ids).await
    }

    async fn list_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.page::<documents::User, _>(doc! {}, page).await
    }

    async fn insert_user(&self, user: User) -> Result<()> {
        self.business_exists(user.business).await?;
        self.insert(documents::User::from(user)).await
    }

    async fn update_user(&self, id: Id, draft: UserDraft) -> Result<Option<User>> {
        self.business_exists(draft.business).await?;
        let fields = doc! {
            "business": signed(draft.business),
            "name": draft.name,
            "email": draft.email,
            "isActive": draft.is_active,
        };
        self.change::<documents::User, _>(doc! { "_id": signed(id) }, fields).await
    }

    async fn delete_user(&self, id: Id) -> Result<bool> {
        self.delete::<documents::User>(id).await
    }
}
