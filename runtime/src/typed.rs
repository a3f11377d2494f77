//! Typed handles: what `handle = USERS` expands into.
//!
//! May use: `handle`, `key`, `l1`, `log`, `policy`, `put`, `shape`, `site`.
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
    if let Some(found) = site.cell::<A, S>(on, here).peek(args) {
        return Some(found);
    }
    site.pending(on, here, args, tags, policy).fetch().await
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
    let key = Pattern::exact(&site.meta().template.render(&here.dotted(), args));
    on.cloned().unwrap_or_else(Fastness::current).announce(Record::of(key)).await
}

/// Makes the next call load; until that load lands, others get the old value where `stale` allows it.
#[allow(clippy::too_many_arguments)]
pub async fn handle_refresh<A, S>(
    on: Option<&Fastness>,
    site: &'static Site,
    here: Here,
    shape: S,
    args: &A,
    tags: &[String],
    policy: Policy<S>,
) where
    A: Args,
    S: Shape<Item: CacheValue> + 'static,
{
    // Where only the shared tier has it, it is fetched first: what is marked is the entry in this process.
    drop(handle_get(on, site, here, shape, args, tags, policy).await);
    let cell = site.cell::<A, S>(on, here);
    cell.front.store.mark(&cell.front.store.own(args), crate::l1::Entry::expire);
}

/// The key's text, in full: what [`Cache::invalidate`](crate::Cache::invalidate) takes.
pub fn handle_key<A: Args>(site: &'static Site, here: Here, args: &A) -> String {
    site.meta().template.render(&here.dotted(), args)
}
