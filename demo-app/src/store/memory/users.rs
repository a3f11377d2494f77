use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::{page, pick};
use crate::domain::{Id, Page, PageRequest, User, UserDraft};
use crate::store::{Result, Users};

#[async_trait]
impl Users for MemoryRepository {
    async fn user(&self, id: Id) -> Result<Option<User>> {
        self.read(|tables| Ok(tables.users.get(&id).cloned())).await
    }

    async fn users(&self, ids: &[Id]) -> Result<Vec<User>> {
        self.read(|tables| Ok(pick(&tables.users, ids))).await
    }

    async fn list_users(&self, request: PageRequest) -> Result<Page<User>> {
        self.read(|tables| Ok(page(request, tables.users.len(), tables.users.values()))).await
    }

    async fn insert_user(&self, user: User) -> Result<()> {
        self.write(|tables| {
            tables.business_exists(user.business)?;
            tables.users.insert(user.id, user);
            Ok(())
        })
        .await
    }

    async fn update_user(&self, id: Id, draft: UserDraft) -> Result<Option<User>> {
        self.write(|tables| {
            let Some(old) = tables.users.get(&id) else {
                return Ok(None);
            };
            tables.business_exists(draft.business)?;
            let (total_votes, last_login_at) = (old.total_votes, old.last_login_at);
            let new = User { total_votes, last_login_at, ..draft.into_user(id, old.created_at) };
            tables.users.insert(id, new.clone());
            Ok(Some(new))
        })
        .await
    }

    async fn delete_user(&self, id: Id) -> Result<bool> {
        self.write(|tables| Ok(tables.users.remove(&id).is_some())).await
    }
}
