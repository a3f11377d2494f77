//! Invalidations that wait for the end of a transaction.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::collector::{Collector, Sending, SentAgain};
use super::mode::CallMode;
use crate::log::Reach;

/// The cache's part in a transaction of a database: what the transaction invalidates is collected, and sent when it has committed.
///
/// An invalidation that is sent before the commit does harm: a reader in between loads the old state, and stores it after the invalidation.
/// And a cached call inside of the transaction may read what is not committed yet. So, while [`run`](Self::run) polls a future:
///
/// - each invalidation and refresh is collected: of `#[cache_invalidate]`, `#[cache_refresh]`, `#[cache_put]`, handles,
///   [`Cache`](crate::Cache) and [`Fastness::clear`](crate::Fastness::clear), of whichever [`Fastness`](crate::Fastness);
/// - each cached call bypasses the cache, as inside of [`bypass`](crate::bypass): it takes nothing from it, stores nothing, and no call
///   waits for it.
///
/// When the database has answered, say how it ended: [`commit`](Self::commit), [`rollback`](Self::rollback), or
/// [`unknown`](Self::unknown). A value that is dropped, because of a `?`, a panic or a cancelled future, counts as unknown: invalidated in
/// the background, and logged. That is always safe, and costs some loads.
///
/// ```
/// # struct Tx; impl Tx { async fn commit(self) -> Result<(), std::io::Error> { Ok(()) } }
/// # async fn begin() -> Result<Tx, std::io::Error> { Ok(Tx) }
/// use fastness::{CacheTransaction, cache_invalidate};
///
/// #[cache_invalidate("user:{id}")]
/// async fn rename(tx: &mut Tx, id: u64, name: &str) -> Result<(), std::io::Error> {
///     Ok(()) // UPDATE ..
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), std::io::Error> {
/// let mut tx = begin().await?;
/// let cached = CacheTransaction::new();
/// cached.run(rename(&mut tx, 7, "Grace")).await?;
/// tx.commit().await?;
/// cached.commit().await;
/// # Ok(()) }
/// ```
///
/// Tasks that the future spawns are no part of it; pass it to them with a `run` of their own, as `tokio::spawn(cached.run(work()))`.
#[must_use = "what it collects is invalidated when it is dropped: say how the transaction ended"]
pub struct CacheTransaction {
    collector: Arc<Collector>,
}

impl CacheTransaction {
    /// Creates a transaction that has collected nothing. It is independent of one around this call: for a part that may be rolled back
    /// alone, use a [`savepoint`](Self::savepoint).
    pub fn new() -> Self {
        Self { collector: Collector::new(None) }
    }

    /// Creates a part of this transaction that may be rolled back alone, as a savepoint of the database can. Its
    /// [`commit`](Self::commit) hands what it has collected to this transaction, and so do [`unknown`](Self::unknown) and a drop.
    ///
    /// ```
    /// use fastness::{CacheTransaction, Fastness, Key, Reach};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let (fast, outer) = (Fastness::builder().build()?, CacheTransaction::new());
    /// let cache = fast.cache();
    /// let (kept, undone) = (outer.savepoint(), outer.savepoint());
    /// kept.run(cache.invalidate(Key::from_static("user:1"))).await;
    /// undone.run(cache.invalidate(Key::from_static("user:2"))).await;
    /// undone.rollback();
    /// assert_eq!(kept.commit().await, Reach::Deferred);
    /// outer.commit().await;
    /// assert_eq!(fast.stats().invalidations, 1);
    /// # Ok(()) }
    /// ```
    pub fn savepoint(&self) -> Self {
        Self { collector: Collector::new(Some(self.collector.clone())) }
    }

    /// Runs a future inside of the transaction. There may be several, one after another or at once.
    ///
    /// Invalidations of the future after the end of the transaction are sent at once.
    ///
    /// # Cancel safety
    ///
    /// The same as that of `future`. Invalidations that a dropped future leaves are collected too.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        InTransaction { collector: self.collector.clone(), future: Some(future) }
    }

    /// Runs a closure inside of the transaction: [`run`](Self::run) for code that is not async.
    ///
    /// ```
    /// use fastness::{CacheTransaction, cache_invalidate};
    ///
    /// #[cache_invalidate("user:{id}")]
    /// fn rename(id: u64, name: &str) {} // UPDATE ..
    ///
    /// let cached = CacheTransaction::new();
    /// cached.run_sync(|| rename(7, "Grace"));
    /// // COMMIT
    /// cached.commit_sync();
    /// ```
    pub fn run_sync<T>(&self, run: impl FnOnce() -> T) -> T {
        let _entered = (CallMode::Bypass.enter(), self.collector.enter());
        run()
    }

    /// Sends what was collected, because the transaction has committed. Returns the least reach of it, as
    /// [`Cache::invalidate`](crate::Cache::invalidate) does; of a [`savepoint`](Self::savepoint), [`Reach::Deferred`].
    ///
    /// A record that cannot be announced counts in this process and is sent again until it is accepted, as for every invalidation.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, everything is invalidated in this process all the same, and announced to others in the background.
    pub async fn commit(self) -> Reach {
        match self.end() {
            Some(sending) => sending.send().await,
            None => Reach::Deferred,
        }
    }

    /// Does what [`commit`](Self::commit) does without waiting for other processes, which are told in the background.
    pub fn commit_sync(self) {
        drop(self.end());
    }

    /// Drops what was collected, because the transaction was rolled back and has changed nothing.
    pub fn rollback(self) {
        drop(self.collector.end());
    }

    /// Sends what was collected, because the transaction may have committed: the connection was lost during the commit, for example. It is
    /// sent once more in a minute, so that a commit that takes effect until then is covered too.
    ///
    /// # Cancel safety
    ///
    /// The same holds as for [`commit`](Self::commit).
    pub async fn unknown(self) -> Reach {
        match self.end_unknown() {
            Some(sending) => sending.send().await,
            None => Reach::Deferred,
        }
    }

    /// Ends the transaction. Returns its records to be sent; `None` if the transaction around this savepoint has them now.
    fn end(&self) -> Option<Sending> {
        let mut records = self.collector.end();
        if let Some(outer) = self.collector.outer() {
            // Only a transaction that has ended leaves records.
            records.retain(|(destination, record)| !outer.add(destination.clone(), record));
            if records.is_empty() {
                return None;
            }
        }
        Some(Sending::new(records))
    }

    fn end_unknown(&self) -> Option<Sending> {
        if self.collector.outer().is_some() {
            return self.end();
        }
        let records = self.collector.end();
        SentAgain::arm(records.clone());
        Some(Sending::new(records))
    }
}

impl Default for CacheTransaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for CacheTransaction {
    fn drop(&mut self) {
        // After an explicit end there is nothing left.
        if let Some(sending) = self.end_unknown().filter(|sending| !sending.is_empty()) {
            tracing::debug!("a transaction was dropped before its outcome was known: what it collected is invalidated");
            drop(sending);
        }
    }
}

impl std::fmt::Debug for CacheTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheTransaction")
            .field("is_savepoint", &self.collector.outer().is_some())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// Future that is polled, and dropped, inside of a transaction.
    struct InTransaction<F> {
        collector: Arc<Collector>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InTransaction<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = (CallMode::Bypass.enter(), this.collector.enter());
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for InTransaction<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _entered = (CallMode::Bypass.enter(), this.collector.enter());
        let polled = this.future.as_mut().as_pin_mut().expect("polled after its end").poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}
