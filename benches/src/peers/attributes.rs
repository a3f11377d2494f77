//! Attributes of others.
// Their macros generate undocumented items.
#![allow(missing_docs, clippy::pedantic)]

use std::sync::Arc;

use cached::macros::{cached, concurrent_cached};
use hitbox_backend::format::BincodeFormat;
use hitbox_fn::prelude::{Cache, PolicyConfig};
use hitbox_moka::MokaBackend;

use super::{CAPACITY, TTL};
use crate::measure::Case;
use crate::origin::{self, Missing, User};

#[cached(max_size = 200_000, ttl_secs = 3600)]
pub fn cached_user(id: u64) -> Result<Arc<User>, Missing> {
    origin::find(id)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3600)]
pub fn concurrent_cached_user(id: u64) -> Result<Arc<User>, Missing> {
    origin::find(id)
}

#[cached(max_size = 200_000, ttl_secs = 3600)]
pub async fn cached_user_async(id: u64) -> Result<Arc<User>, Missing> {
    origin::find_async(id).await
}

#[cached(max_size = 200_000, ttl_secs = 3600, sync_writes = "by_key")]
pub async fn cached_by_key_user_async(id: u64) -> Result<Arc<User>, Missing> {
    origin::find_async(id).await
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3600)]
pub async fn concurrent_cached_user_async(id: u64) -> Result<Arc<User>, Missing> {
    origin::find_async(id).await
}

/// A function of hitbox, which stores what serde writes, and so cannot return an `Arc`.
#[hitbox_fn::cached(prefix = "user")]
pub async fn hitbox_user(id: u64) -> Result<User, Missing> {
    origin::find_async(id).await.map(|user| (*user).clone())
}

/// `#[cached]`.
pub fn cached(name: &'static str) -> Case {
    Case::sync(name, cached_user)
}

/// `#[concurrent_cached]`.
pub fn concurrent_cached(name: &'static str) -> Case {
    Case::sync(name, concurrent_cached_user)
}

/// `#[cached]` on an async fn.
pub fn cached_future(name: &'static str) -> Case {
    Case::future(name, cached_user_async)
}

/// `#[cached]` with single flight.
pub fn cached_by_key_future(name: &'static str) -> Case {
    Case::future(name, cached_by_key_user_async)
}

/// `#[concurrent_cached]` on an async fn.
pub fn concurrent_cached_future(name: &'static str) -> Case {
    Case::future(name, concurrent_cached_user_async)
}

/// `hitbox-fn` on its moka backend.
pub fn hitbox(name: &'static str) -> Case {
    let backend = MokaBackend::builder().max_entries(CAPACITY as u64).value_format(BincodeFormat).build();
    let cache = Cache::builder().backend(backend).policy(PolicyConfig::builder().ttl(TTL).build()).build();
    Case::future(name, async move |id| hitbox_user(id).cache(&cache).await)
}
