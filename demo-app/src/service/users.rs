//! Users, cached by id, by batch and by list.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable};

use crate::clock::Clock;
use crate::domain::{Id, Listing, Page, User, UserDraft};
use crate::store::{Collection, Repository, Result};

/// The customers.
#[derive(Clone)]
pub struct UserService {
    repository: Arc<dyn Repository>,
    clock: Clock,
}

impl UserService {
    /// The service over `repository`.
    pub fn new(repository: Arc<dyn Repository>, clock: Clock) -> Self {
        Self { repository, clock }
    }

    /// The user `id`.
    #[cacheable(
        ttl = 300,
        key = "user:{id}",
        negative_ttl = 30,
        stale_if_error = "10m",
        load_timeout = "2s",
        skip(self)
    )]
    pub async fn get_user(&self, id: Id) -> Result<Option<Arc<User>>> {
        Ok(self.repository.user(id).await?.map(Arc::new))
    }

    /// The users of `ids` that exist.
    #[cacheable(ttl = 300, key = "user:{ids}", batch(ids), negative_ttl = 30, skip(self))]
    pub async fn get_users(&self, ids: &[Id]) -> Result<HashMap<Id, Arc<User>>> {
        let users = self.repository.users(ids).await?;
        Ok(users.into_iter().map(|user| (user.id, Arc::new(user))).collect())
    }

    /// One page of what `listing` admits. What is far back is rarely asked for twice.
    #[cacheable(ttl = 60, key = "users:{listing:hash}", skip(self), condition = listing.page.number <= 10)]
    pub async fn list_users(&self, listing: &Listing) -> Result<Arc<Page<User>>> {
        self.repository.list_users(listing).await.map(Arc::new)
    }

    /// Adds a user.
    pub async fn create_user(&self, draft: UserDraft) -> Result<Arc<User>> {
        let id = self.repository.next_id(Collection::Users).await?;
        self.insert_user(id, draft).await
    }

    #[cache_invalidate("users:*", when = always)]
    #[cache_put(key = "user:{id}", ttl = 300, skip(self))]
    async fn insert_user(&self, id: Id, draft: UserDraft) -> Result<Arc<User>> {
        let user = draft.into_user(id, self.clock.now());
        self.repository.insert_user(user.clone()).await?;
        Ok(Arc::new(user))
    }

    /// The user `id` as it is stored now, whatever is cached: what a write may depend on.
    pub async fn stored_user(&self, id: Id) -> Result<Option<User>> {
        self.repository.user(id).await
    }

    /// Writes `draft` over the user `id`, if there is one, and it is `only_if` where that is given.
    #[cache_invalidate("users:*", when = always)]
    #[cache_put(key = "user:{id}", ttl = 300, skip(self))]
    pub async fn update_user(&self, id: Id, draft: UserDraft, only_if: Option<&User>) -> Result<Option<Arc<User>>> {
        Ok(self.repository.update_user(id, draft, only_if).await?.map(Arc::new))
    }

    /// Counts the votes of the user `id` anew, after one was cast.
    #[cache_invalidate("user:{id}", "users:*", when = always)]
    pub async fn recount_votes(&self, id: Id) -> Result<()> {
        self.repository.recount_votes(id).await
    }

    /// Removes the user `id`; tells whether there was one.
    #[cache_invalidate("user:{id}", "users:*", when = always)]
    pub async fn delete_user(&self, id: Id, only_if: Option<&User>) -> Result<bool> {
        self.repository.delete_user(id, only_if).await
    }
}

impl fmt::Debug for UserService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserService").finish_non_exhaustive()
    }
}
