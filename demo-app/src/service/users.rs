use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{Id, Page, PageRequest, User, UserDraft};
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
    pub async fn get_user(&self, id: Id) -> Result<Option<Arc<User>>> {
        Ok(self.repository.user(id).await?.map(Arc::new))
    }

    /// Those of `ids` that exist.
    pub async fn get_users(&self, ids: &[Id]) -> Result<HashMap<Id, Arc<User>>> {
        let users = self.repository.users(ids).await?;
        Ok(users
            .into_iter()
            .map(|user| (user.id, Arc::new(user)))
            .collect())
    }

    /// One page of all.
    pub async fn list_users(&self, page: PageRequest) -> Result<Arc<Page<User>>> {
        self.repository.list_users(page).await.map(Arc::new)
    }

    /// Adds a user.
    pub async fn create_user(&self, draft: UserDraft) -> Result<Arc<User>> {
        let id = self.repository.next_id(Collection::Users).await?;
        self.insert_user(id, draft).await
    }

    async fn insert_user(&self, id: Id, draft: UserDraft) -> Result<Arc<User>> {
        let user = draft.into_user(id, self.clock.now());
        self.repository.insert_user(user.clone()).await?;
        Ok(Arc::new(user))
    }

    /// Writes `draft` over the user `id`, if there is one.
    pub async fn update_user(&self, id: Id, draft: UserDraft) -> Result<Option<Arc<User>>> {
        Ok(self.repository.update_user(id, draft).await?.map(Arc::new))
    }

    /// Removes the user `id`; tells whether there was one.
    pub async fn delete_user(&self, id: Id) -> Result<bool> {
        self.repository.delete_user(id).await
    }
}

impl fmt::Debug for UserService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserService").finish_non_exhaustive()
    }
}
