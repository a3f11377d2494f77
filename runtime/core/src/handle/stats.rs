//! What a handle's call sites did, in sum and each.

use crate::stats::Stats;

/// What all call sites of one handle did.
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
    /// Each call site that was called, in the order of first calls.
    pub sites: Vec<SiteStats>,
    /// Invalidations and refreshes so far, by whatever means.
    pub invalidations: u64,
    /// Entries in the in-process tier that can still be served, be it stale. Of a store of more than 4096, as of the last sweep, a second or
    /// so ago.
    pub entries: usize,
    /// Entries that had to go for lack of room.
    pub evictions: u64,
    /// How often an entry was judged by a floor because the table of invalidations had no room for its scope: each may
    /// have spoiled a hit. If it grows with your hits, give the table more memory ([`Builder::invalidation_memory`](crate::Builder::invalidation_memory)).
    pub floor_verdicts: u64,
}

/// What one call site did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteStats {
    /// The function's path.
    pub name: String,
    /// Its key template.
    pub key: String,
    /// Its counters.
    pub stats: Stats,
}
