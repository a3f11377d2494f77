//! Typed handles: what `handle = USERS` expands into.
//!
//! May use: `handle`, `key`, `log`, `policy`, `put`, `shape`, `site`.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use crate::handle::Fastness;
use crate::key::Pattern;
use crate::key::args::Args;
use crate::log::{Reach, Record};
use crate::policy::Policy;
use crate::put::store;
use crate::shape::{CacheValue, Shape};
use crate::site::{Here, Site};

/// The cached answer, if there is one, in either tier.
#[allow(clippy::too_many_arguments)]
pub async fn handle_get<A, S>(
    on: Option<&Fastness>,
    site: &'static Site,
    here: Here,
    shape: S,
    args: &A,
    tags: &[String],
    policy: Policy<S>,
) -> Option<S::Out>
where
    A: Args,
    S: Shape<Item: CacheValue> + 'static,
{
    if let Some(hit) = site.hit(on, shape, here, args) {
        return Some(hit);
    }
    let pending = site.pending(on, here, args, tags, policy);
    if let Some(found) = pending.look() {
        return Some(found);
    }
    pending.fetch().await
}

/// Stores a value as if the function had just returned it.
#[allow(clippy::too_many_arguments)]
pub async fn handle_put<A, S>(
    on: Option<&Fastness>,
    site: &'static Site,
    here: Here,
    shape: S,
    args: &A,
    tags: &[String],
    policy: Policy<S>,
    value: S::Out,
) where
    A: Args,
    S: Shape<Item: CacheValue> + 'static,
{
    store(site.put(on, shape, here, args, tags, policy), std::future::ready(value)).await;
}

/// Invalidates one key.
pub async fn handle_invalidate<A: Args>(on: Option<&Fastness>, site: &'static Site, here: Here, args: &A) -> Reach {
    on.cloned().unwrap_or_else(Fastness::current).announce(record(site, here, args)).await
}

/// Expires one key: the next call loads, and until that load lands others get the old value where `stale` allows it.
pub async fn handle_refresh<A: Args>(on: Option<&Fastness>, site: &'static Site, here: Here, args: &A) -> Reach {
    on.cloned().unwrap_or_else(Fastness::current).announce(record(site, here, args).into_refresh()).await
}

fn record<A: Args>(site: &'static Site, here: Here, args: &A) -> Record {
    Record::from_pattern(Pattern::exact(&handle_key(site, here, args)))
}

/// The key's text, in full: what [`Cache::invalidate`](crate::Cache::invalidate) takes.
pub fn handle_key<A: Args>(site: &'static Site, here: Here, args: &A) -> String {
    site.meta().template.render(&here.dotted(), args)
}
