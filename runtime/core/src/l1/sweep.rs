//! The thread that gives memory back: it removes what is dead from all stores of the process, and frees what was removed.
//!
//! It is one thread for the process, and not the clock's, because it runs the `Drop` of values, which may block. It begins with the
//! first entry, and ends when no store has any. A store is looked through only if something in it may have died since: the log has
//! moved, or the first of its entries has expired, by the store's own clock. What it costs is bounded by itself: a pass that took long
//! is followed by a longer rest.
//!
//! A value whose `Drop` blocks holds up the sweep, and nothing else: entries are judged when they are read, dead ones give up their
//! room to new ones, and whoever removes more than a thousand frees them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock, TryLockError, Weak};
use std::time::Duration;

use super::any_store::AnyStore;
use super::retired::free_garbage;
use crate::clock::{Clock, Pause, Process, nanos};
use crate::sync::atomic::Ordering::SeqCst;
use crate::sync::atomic::{AtomicBool, fence};
use crate::sync::{Mutex, lock};

/// Between two passes, at least.
const PERIOD: Duration = Duration::from_millis(250);

/// Between two passes, at least, in multiples of the time that the last one took: so the sweep takes a twentieth of a processor.
const REST: u64 = 19;

/// Between two passes, at most, however long the last one took.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Between two tries to free what somebody is reading.
const AGAIN: Duration = Duration::from_millis(10);

type SweptStores = Vec<Weak<dyn AnyStore>>;

/// The sweep of one process.
struct Sweep {
    process: Process,
    stores: Mutex<SweptStores>,
    run: Run,
    pause: Pause,
    warned: AtomicBool,
    /// The sweep of a forked child. A new one, because a thread that the child does not have may have held a lock.
    child: OnceLock<Box<Sweep>>,
}

/// Sweeps a store from now on, while it lives.
pub(crate) fn watch(store: Weak<dyn AnyStore>) {
    let mut stores = lock(&current().stores);
    stores.retain(|store| store.strong_count() > 0);
    stores.push(store);
}

/// An entry was stored: the sweep begins, if it has not.
pub(super) fn begin() {
    let sweep = current();
    if sweep.run.begin() {
        sweep.start();
    }
}

/// Calls the sweep, so that what was removed is freed before the next pass.
pub(crate) fn call() {
    current().pause.end();
}

/// The sweep of this process, as far as a fork was noticed.
fn current() -> &'static Sweep {
    static FIRST: LazyLock<Sweep> = LazyLock::new(|| Sweep::new(Process::current(), SweptStores::new()));
    let (mut sweep, process) = (&*FIRST, Process::current());
    while sweep.process != process {
        sweep = sweep.child.get_or_init(|| Box::new(Sweep::new(process, sweep.inherited())));
    }
    sweep
}

impl Sweep {
    fn new(process: Process, stores: SweptStores) -> Self {
        Self {
            process,
            stores: Mutex::new(stores),
            run: Run::new(),
            pause: Pause::new(),
            warned: AtomicBool::new(false),
            child: OnceLock::new(),
        }
    }

    /// The stores that a forked child has from its parent.
    fn inherited(&self) -> SweptStores {
        match self.stores.try_lock() {
            Ok(stores) => stores.clone(),
            Err(TryLockError::Poisoned(stores)) => stores.into_inner().clone(),
            Err(TryLockError::WouldBlock) => SweptStores::new(),
        }
    }

    fn start(&'static self) {
        let thread = std::thread::Builder::new().name("fastness-sweep".into());
        if let Err(error) = thread.spawn(move || self.sweep()) {
            self.run.refused();
            if !self.warned.swap(true, SeqCst) {
                tracing::warn!(%error, "fastness cannot start its sweep thread, so what expires stays in memory until its room is needed");
            }
        }
    }

    fn sweep(&self) {
        let clock = Clock::system();
        let mut due = clock.now().saturating_add(nanos(PERIOD));
        loop {
            self.pause.wait(Duration::from_nanos(due.saturating_sub(clock.now())));
            let began = clock.now();
            let pass = began >= due;
            let freed = self.visit(|store| if pass { store.sweep() } else { store.free() }) & free_garbage();
            if pass {
                let now = clock.now();
                // A pass in which the machine slept, or a value's `Drop` blocked, took no processor all the while.
                let rest = now.saturating_sub(began).saturating_mul(REST).min(nanos(LONGEST_REST));
                due = now.saturating_add(rest.max(nanos(if freed { PERIOD } else { AGAIN })));
                if freed && self.run.end(|| self.is_done()) {
                    return;
                }
            }
        }
    }

    /// Returns whether all stores say so. None of them is dropped under a lock, as the last handle may be gone meanwhile.
    fn visit(&self, ask: impl Fn(&dyn AnyStore) -> bool) -> bool {
        let stores: Vec<Arc<dyn AnyStore>> = lock(&self.stores).iter().filter_map(Weak::upgrade).collect();
        // A key's code may panic, too.
        let asked = |store: &Arc<dyn AnyStore>| {
            store.set_sweeper(self.process.number());
            let asked = catch_unwind(AssertUnwindSafe(|| ask(&**store)));
            store.set_sweeper(0);
            asked.unwrap_or(true)
        };
        // Each of them, whatever the others say.
        stores.into_iter().filter(|store| !asked(store)).count() == 0
    }

    fn is_done(&self) -> bool {
        self.visit(|store| store.is_swept())
    }
}

/// Whether the thread runs: begun by whoever stores, ended by itself, and never missing while something is stored.
#[derive(Debug)]
pub(crate) struct Run(AtomicBool);

impl Run {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Called after something was stored. True for the one who has to start the thread.
    pub(crate) fn begin(&self) -> bool {
        // Between the store of an entry and the look at the thread; see `end`.
        fence(SeqCst);
        !self.0.load(SeqCst) && !self.0.swap(true, SeqCst)
    }

    /// The thread could not be started.
    fn refused(&self) {
        self.0.store(false, SeqCst);
    }

    /// Called by the thread, which ends if this says so: nothing is left. Who stores meanwhile is seen, or sees that it ends.
    pub(crate) fn end(&self, is_done: impl Fn() -> bool) -> bool {
        if !is_done() {
            return false;
        }
        self.0.store(false, SeqCst);
        fence(SeqCst);
        is_done() || self.0.swap(true, SeqCst)
    }
}
