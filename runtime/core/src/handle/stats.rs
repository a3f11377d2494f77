//! The counters of a handle and of each of its call sites.

use crate::stats::Stats;

/// The counters of a handle.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder().build()?;
/// let key = fastness::Key::from_static("greeting");
/// fast.cache().set(&key, "hello".to_owned(), std::time::Duration::from_secs(60)).await;
/// let stats = fast.stats();
/// assert_eq!((stats.entries, stats.evictions), (1, 0));
/// for site in &stats.sites {
///     println!("{} ({}): {:?} of all calls were hits", site.name, site.key, site.stats.hit_rate());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HandleStats {
    /// All call sites together.
    pub total: Stats,
    /// Each call site that was called, in the order of their first calls.
    pub sites: Vec<SiteStats>,
    /// Invalidations and refreshes so far, from all sources.
    pub invalidations: u64,
    /// Entries in the local tier that can still be served, fresh or stale. For a store of more than 4096 entries, as of the last sweep,
    /// about a second ago.
    pub entries: usize,
    /// Bytes that the entries in the local tier count for, as [`Builder::max_bytes`](crate::Builder::max_bytes) weighs them; dead ones
    /// included that are not swept yet.
    pub bytes: usize,
    /// Entries that were evicted for lack of room.
    pub evictions: u64,
    /// Judgements of entries by a floor, because the table of invalidations had no room for a scope. Each may have cost a hit. If the
    /// number grows with your hits, give the table more memory ([`Builder::invalidation_memory`](crate::Builder::invalidation_memory)).
    pub floor_verdicts: u64,
    /// True while the cache is turned off ([`Fastness::set_enabled`](crate::Fastness::set_enabled)).
    pub disabled: bool,
}

/// The counters of one call site.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteStats {
    /// The path of the function.
    pub name: String,
    /// The key template.
    pub key: String,
    /// True while the function, or the whole cache, is turned off.
    pub disabled: bool,
    /// The counters.
    pub stats: Stats,
}
