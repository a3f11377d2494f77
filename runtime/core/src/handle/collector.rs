//! The invalidations of one transaction, until it ends.

use std::sync::Arc;
use std::time::Duration;

use super::destination::{Destination, OwnedDestination, span_of};
use super::plain;
use crate::clock::{Alarm, Armed, nanos};
use crate::log::{Reach, Record};
use crate::shared::SharedApi as _;
use crate::sync::{Mutex, ThreadStack, block_on, lock};

/// The time after which the records of a transaction whose outcome is unknown are announced once more: a commit may take effect after its
/// sender has given up. MongoDB ends a transaction after 60 s by default.
const SETTLES: Duration = Duration::from_secs(60);

/// Maximum number of scopes in one record, so that no message to the shared tier is large.
const SCOPES: usize = 4_096;

thread_local! {
    /// The transactions in force, outermost first.
    static CURRENT: ThreadStack<Arc<Collector>> = const { ThreadStack::new() };
}

/// The records of one transaction.
#[derive(Default)]
pub(crate) struct Collector {
    /// The transaction around a savepoint.
    outer: Option<Arc<Self>>,
    /// `None` once the transaction has ended.
    collected: Mutex<Option<Vec<HandleRecords>>>,
}

/// The records of one transaction for one handle.
pub(super) struct HandleRecords {
    destination: OwnedDestination,
    invalidated: Record,
    refreshed: Record,
}

impl Collector {
    pub(super) fn new(outer: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { outer, collected: Mutex::new(Some(Vec::new())) })
    }

    /// Returns the innermost transaction around this call.
    pub(crate) fn current() -> Option<Arc<Self>> {
        plain::has_overrides().then(|| CURRENT.with(ThreadStack::last)).flatten()
    }

    /// Puts the collector in force on this thread, until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> EnteredCollector {
        plain::note_override();
        CURRENT.with(|stack| stack.push(self.clone()));
        EnteredCollector
    }

    /// Adds a record; after the end of a savepoint, to the transaction around it. Returns false if that has ended too: the record belongs to
    /// none, and is to be sent.
    pub(super) fn add(&self, destination: OwnedDestination, record: &Record) -> bool {
        let mut collected = lock(&self.collected);
        let Some(all) = collected.as_mut() else {
            drop(collected);
            return self.outer.as_ref().is_some_and(|outer| outer.add(destination, record));
        };
        let place = all.iter().position(|known| known.destination.is_same(&destination));
        let place = place.unwrap_or_else(|| {
            all.push(HandleRecords { destination, invalidated: Record::default(), refreshed: Record::default() });
            all.len() - 1
        });
        let known = &mut all[place];
        let kind = if record.is_refresh() { &mut known.refreshed } else { &mut known.invalidated };
        kind.absorb(record);
        true
    }

    /// Ends the transaction, and returns its records: those of each handle, invalidations before refreshes.
    pub(super) fn end(&self) -> Vec<(OwnedDestination, Record)> {
        let all = lock(&self.collected).take().unwrap_or_default();
        let each = |HandleRecords { destination, invalidated, refreshed }| {
            let records = [invalidated, refreshed].into_iter().flat_map(|record| record.split(SCOPES));
            records.map(move |record| (destination.clone(), record)).collect::<Vec<_>>()
        };
        all.into_iter().flat_map(each).collect()
    }

    pub(super) fn outer(&self) -> Option<&Arc<Self>> {
        self.outer.as_ref()
    }
}

impl Destination<'_> {
    /// Invalidates the scopes of a record in this process at once, and announces them to other processes in the background. Inside of a
    /// transaction the record is collected instead.
    pub(crate) fn announce_later(self, record: Record) {
        if record.is_empty() {
            return;
        }
        if !self.collects(&record) {
            self.send_later(record);
        }
    }

    /// Invalidates the scopes of a record in this process, and waits until they are announced to others. Inside of a transaction the record
    /// is collected instead.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the scopes are invalidated in this process all the same, and announced to others in the background.
    pub(crate) async fn announce(self, record: Record) -> Reach {
        if record.is_empty() {
            return Reach::Announced;
        }
        if self.collects(&record) { Reach::Deferred } else { self.send(record).await }
    }

    /// Does what [`announce`](Self::announce) does, and blocks the thread. Where it cannot wait, the announcement is sent in the background.
    pub(super) fn announce_sync(self, record: Record) -> Reach {
        if record.is_empty() {
            return Reach::Announced;
        }
        // A record that is collected needs no server, so the tier is not asked for a connection.
        if self.collects(&record) {
            return Reach::Deferred;
        }
        let entered = self.tier.map(|tier| tier.enter());
        if let Some(None) = entered {
            self.send_later(record);
            return Reach::LocalOnly;
        }
        block_on(self.send(record))
    }

    /// Adds a record to the transaction around this call. Returns false if there is none, or if it has ended.
    fn collects(self, record: &Record) -> bool {
        let collects = Collector::current().is_some_and(|collector| collector.add(self.to_owned(), record));
        if collects {
            span_of(record).end("deferred");
        }
        collects
    }
}

/// A collector on this thread's stack; its drop removes it.
pub(super) struct EnteredCollector;

impl Drop for EnteredCollector {
    fn drop(&mut self) {
        drop(CURRENT.with(ThreadStack::pop));
    }
}

/// Records on their way. Those that are left when it is dropped are sent in the background.
pub(super) struct Sending(Vec<(OwnedDestination, Record)>);

impl Sending {
    pub(super) fn new(mut records: Vec<(OwnedDestination, Record)>) -> Self {
        records.reverse();
        Self(records)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends all records, and returns the least reach of them.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, all records count in this process, and are announced in the background.
    pub(super) async fn send(mut self) -> Reach {
        let mut reach = Reach::Announced;
        while let Some((destination, record)) = self.0.pop() {
            if destination.borrow().send(record).await != Reach::Announced {
                reach = Reach::LocalOnly;
            }
        }
        reach
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        for (destination, record) in self.0.drain(..).rev() {
            destination.borrow().send_later(record);
        }
    }
}

/// Records of a transaction whose outcome is unknown, to be sent once more.
pub(super) struct SentAgain {
    records: Mutex<Vec<(OwnedDestination, Record)>>,
    /// Itself, and its alarm, until it has rung: no caller waits for it.
    armed: Mutex<Option<(Arc<Self>, Armed)>>,
}

impl SentAgain {
    pub(super) fn arm(records: Vec<(OwnedDestination, Record)>) {
        let Some(clock) = records.first().map(|(destination, _)| destination.clock().clone()) else { return };
        let again = Arc::new(Self { records: Mutex::new(records), armed: Mutex::new(None) });
        let alarm: Arc<dyn Alarm> = again.clone();
        let armed = clock.set_alarm(clock.now().saturating_add(nanos(SETTLES)), Arc::downgrade(&alarm));
        *lock(&again.armed) = Some((again.clone(), armed));
    }
}

impl Alarm for SentAgain {
    fn ring(&self, _: u64) -> Option<u64> {
        drop(Sending::new(std::mem::take(&mut *lock(&self.records))));
        let armed = lock(&self.armed).take();
        drop(armed);
        None
    }
}
