//! The attributes on every kind of function that they promise to work on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fastness::{Fastness, cache_invalidate, cache_put, cacheable, scope};

async fn fresh() -> Fastness {
    Fastness::builder().build().await.unwrap()
}

#[derive(Default)]
struct Users {
    loads: AtomicU32,
}

impl Users {
    #[cacheable(ttl = 300, key = "user:{id}")]
    async fn get_user(&self, id: u64) -> Result<Arc<String>, String> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(format!("user {id}")))
    }

    #[cache_invalidate("user:{id}")]
    async fn touch(&self, id: u64) -> Result<(), String> {
        let _ = id;
        Ok(())
    }

    #[cache_put(key = "user:{id}", ttl = 300)]
    async fn rename(&self, id: u64, name: &str) -> Result<Arc<String>, String> {
        let _ = id;
        Ok(Arc::new(name.to_owned()))
    }
}

#[tokio::test]
async fn a_method_hits_is_invalidated_and_put() {
    let users = Users::default();
    scope(&fresh().await, async {
        assert_eq!(*users.get_user(1).await.unwrap(), "user 1");
        assert_eq!(*users.get_user(1).await.unwrap(), "user 1");
        assert_eq!(users.loads.load(Ordering::Relaxed), 1);
        users.touch(1).await.unwrap();
        users.get_user(1).await.unwrap();
        assert_eq!(users.loads.load(Ordering::Relaxed), 2);
        users.rename(1, "Ada").await.unwrap();
        assert_eq!(*users.get_user(1).await.unwrap(), "Ada");
        assert_eq!(users.loads.load(Ordering::Relaxed), 2);
    })
    .await;
}
