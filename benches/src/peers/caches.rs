//! Caches used by hand.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};

use tokio::runtime::Runtime;

use super::{CAPACITY, TTL};
use crate::measure::Case;
use crate::origin::{self, Missing, User};

/// The bare call: the floor under all of them.
pub fn bare(name: &'static str) -> Case {
    Case::sync(name, origin::find)
}

/// The bare async call.
pub fn bare_future(name: &'static str) -> Case {
    Case::future(name, origin::find_async)
}

/// No cache: one counter that all threads raise. On 2 threads it tells what a contended cache line costs at the moment:
/// some 10 ns and more where the threads run on cores of their own, little where a host runs both on one core.
pub fn shared_counter(name: &'static str) -> Case {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    Case::sync(name, |id| COUNTER.fetch_add(id, Relaxed))
}

/// moka, single flight and shared errors.
pub fn moka(name: &'static str) -> Case {
    let cache = moka::sync::Cache::<u64, Arc<User>>::builder().max_capacity(CAPACITY as u64).time_to_live(TTL).build();
    Case::sync(name, move |id| cache.try_get_with(id, || origin::find(id)))
}

/// moka's async cache, single flight and shared errors.
pub fn moka_future(name: &'static str) -> Case {
    let cache =
        moka::future::Cache::<u64, Arc<User>>::builder().max_capacity(CAPACITY as u64).time_to_live(TTL).build();
    Case::future(name, async move |id| cache.try_get_with(id, origin::find_async(id)).await)
}

/// `quick_cache` as a map: no ttl, no single flight, and the key is the number itself.
pub fn quick_raw(name: &'static str) -> Case {
    let cache = quick_cache::sync::Cache::<u64, Arc<User>>::new(CAPACITY);
    Case::sync(name, move |id| match cache.get(&id) {
        Some(user) => Ok(user),
        None => origin::find(id).inspect(|user| cache.insert(id, user.clone())),
    })
}

/// `quick_cache` with single flight; no ttl.
pub fn quick(name: &'static str) -> Case {
    let cache = quick_cache::sync::Cache::<u64, Arc<User>>::new(CAPACITY);
    Case::sync(name, move |id| cache.get_or_insert_with(&id, || origin::find(id)))
}

/// `quick_cache` with async single flight; no ttl.
pub fn quick_future(name: &'static str) -> Case {
    let cache = quick_cache::sync::Cache::<u64, Arc<User>>::new(CAPACITY);
    Case::future(name, async move |id| cache.get_or_insert_async(&id, origin::find_async(id)).await)
}

/// cachet.
pub fn cachet(name: &'static str) -> Case {
    cachet_case(name, false)
}

/// cachet with stampede protection.
pub fn cachet_protected(name: &'static str) -> Case {
    cachet_case(name, true)
}

fn cachet_case(name: &'static str, protected: bool) -> Case {
    // Its clock wants to be made within a runtime.
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime starts")
    });
    let _entered = RUNTIME.enter();
    let builder = cachet::Cache::builder::<u64, Arc<User>>(tick::Clock::new_tokio())
        .memory_with(|memory| memory.max_capacity(CAPACITY as u64))
        .ttl(TTL);
    let cache = if protected { builder.stampede_protection().build() } else { builder.build() };
    Case::future(name, async move |id| {
        let entry = cache.try_get_or_insert(&id, || origin::find_async(id)).await;
        entry.map(cachet::CacheEntry::into_value).map_err(|_| Missing)
    })
}
