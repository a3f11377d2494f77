//! Users of the embedded store.

use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::{list, pick, still_there, unchanged};
use crate::domain::{Id, Listing, Page, User, UserDraft, Vote};
use crate::store::{Result, Users};

#[async_trait]
impl Users for MemoryRepository {
    async fn user(&self, id: Id) -> Result<Option<User>> {
        self.read(|tables| Ok(tables.users.get(&id).cloned())).await
    }

    async fn users(&self, ids: &[Id]) -> Result<Vec<User>> {
        self.read(|tables| Ok(pick(&tables.users, ids))).await
    }

    async fn list_users(&self, listing: &Listing) -> Result<Page<User>> {
        self.read(|tables| Ok(list(listing, &tables.users))).await
    }

    async fn insert_user(&self, user: User) -> Result<()> {
        self.write(|tables| {
            tables.business_exists(user.business)?;
            tables.users.insert(user.id, user);
            Ok(())
        })
        .await
    }

    async fn update_user(&self, id: Id, draft: UserDraft, only_if: Option<&User>) -> Result<Option<User>> {
        self.write(|tables| {
            let Some(old) = tables.users.get(&id) else {
                return Ok(None);
            };
            unchanged(old, only_if)?;
            tables.business_exists(draft.business)?;
            let (total_votes, last_login_at) = (old.total_votes, old.last_login_at);
            let new = User { total_votes, last_login_at, ..draft.into_user(id, old.created_at) };
            tables.users.insert(id, new.clone());
            Ok(Some(new))
        })
        .await
    }

    async fn delete_user(&self, id: Id, only_if: Option<&User>) -> Result<bool> {
        self.write(|tables| {
            still_there(tables.users.get(&id), only_if)?;
            Ok(tables.users.remove(&id).is_some())
        })
        .await
    }

    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>> {
        self.read(|tables| {
            let users = tables.users.values().filter(|user| user.business == business && user.email == address);
            Ok(users.map(|user| user.id).collect())
        })
        .await
    }

    async fn recount_votes(&self, id: Id) -> Result<()> {
        self.write(|tables| {
            if let Some(user) = tables.users.get_mut(&id) {
                let cast = |vote: &&Vote| vote.business == user.business && vote.voter_address == user.email;
                let counted = tables.votes.values().filter(cast).count();
                user.total_votes = user.total_votes.max(u64::try_from(counted).unwrap_or(u64::MAX));
            }
            Ok(())
        })
        .await
    }
}
