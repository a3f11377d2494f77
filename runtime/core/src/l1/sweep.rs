//! The sweep: a thread that removes dead entries from all stores of the process, and frees removed ones.
//!
//! A process has one such thread. It is not the clock's thread, because it runs the `Drop` of values, which may block. It starts with the
//! first entry and ends when no store has any entry. A pass skips stores in which no entry can have died since the last pass: the log has
//! not moved, and no entry has expired by the store's own clock. A pass that took long is followed by a longer pause, which bounds the
//! cost.
//!
//! A value whose `Drop` blocks delays only the sweep: entries are judged when they are read, dead entries are evicted before living ones,
//! and a thread that removes more than a thousand entries frees them itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock, TryLockError, Weak};
use std::time::Duration;

use super::any_store::AnyStore;
use super::retired::free_garbage;
use crate::clock::{Clock, Pause, ProcessId, nanos};
use crate::sync::atomic::Ordering::SeqCst;
use crate::sync::atomic::{AtomicBool, fence};
use crate::sync::{Mutex, lock};

/// Pause after a pass that freed everything that it removed.
const PERIOD: Duration = Duration::from_millis(250);

/// Shortest pause after a pass, in multiples of its duration: passes of up to half a second take at most a twentieth of a processor.
const REST: u64 = 19;

/// Longest pause between two passes, however long the last pass took.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Pause before the next attempt to free entries that readers held.
const RETRY: Duration = Duration::from_millis(10);

type SweptStores = Vec<Weak<dyn AnyStore>>;

/// The sweep of one process.
struct Sweep {
    process: ProcessId,
    stores: Mutex<SweptStores>,
    run: SweepThread,
    pause: Pause,
    warned: AtomicBool,
    /// The sweep of a forked child. It is another one, because a thread that does not exist in the child may hold a lock of this one.
    child: OnceLock<Box<Sweep>>,
}

/// Sweeps a store from now on, while it lives.
pub(crate) fn watch(store: Weak<dyn AnyStore>) {
    let mut stores = lock(&current().stores);
    stores.retain(|store| store.strong_count() > 0);
    stores.push(store);
}

/// Starts the sweep if it does not run. Call it after an entry was stored.
pub(super) fn begin() {
    let sweep = current();
    if sweep.run.begin() {
        sweep.start();
    }
}

/// Wakes the sweep, so that removed entries are freed before the next pass.
pub(crate) fn call() {
    current().pause.end();
}

/// Returns the sweep of this process. A forked child gets a new one once the fork was noticed.
fn current() -> &'static Sweep {
    static FIRST: LazyLock<Sweep> = LazyLock::new(|| Sweep::new(ProcessId::current(), SweptStores::new()));
    let (mut sweep, process) = (&*FIRST, ProcessId::current());
    while sweep.process != process {
        sweep = sweep.child.get_or_init(|| Box::new(Sweep::new(process, sweep.inherited())));
    }
    sweep
}

impl Sweep {
    fn new(process: ProcessId, stores: SweptStores) -> Self {
        Self {
            process,
            stores: Mutex::new(stores),
            run: SweepThread::new(),
            pause: Pause::new(),
            warned: AtomicBool::new(false),
            child: OnceLock::new(),
        }
    }

    /// Returns the stores that a forked child inherits from its parent.
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
                tracing::warn!(%error, "fastness cannot start its sweep thread, so expired entries stay in memory until their room is needed");
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
                // A pass during which the machine slept, or a value's `Drop` blocked, did not use the processor all that time.
                let rest = now.saturating_sub(began).saturating_mul(REST).min(nanos(LONGEST_REST));
                due = now.saturating_add(rest.max(nanos(if freed { PERIOD } else { RETRY })));
                if freed && self.run.end(|| self.is_done()) {
                    return;
                }
            }
        }
    }

    /// Calls `ask` for each store and returns whether all calls returned true. It holds no lock, because this may drop the stores of a
    /// handle that is gone.
    fn visit(&self, ask: impl Fn(&dyn AnyStore) -> bool) -> bool {
        let stores: Vec<Arc<dyn AnyStore>> = lock(&self.stores).iter().filter_map(Weak::upgrade).collect();
        // The code of keys may panic, too.
        let asked = |store: &Arc<dyn AnyStore>| {
            store.set_sweeper(self.process.number());
            let asked = catch_unwind(AssertUnwindSafe(|| ask(&**store)));
            store.set_sweeper(0);
            asked.unwrap_or(true)
        };
        // `count` visits every store; `all` would stop at the first false.
        stores.into_iter().filter(|store| !asked(store)).count() == 0
    }

    fn is_done(&self) -> bool {
        self.visit(|store| store.is_swept())
    }
}

/// State of the sweep's thread, true while it runs. An insert starts it, it ends by itself, and it always runs while there is an entry.
#[derive(Debug)]
pub(crate) struct SweepThread(AtomicBool);

impl SweepThread {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Notes that an entry was stored. Returns true if the caller has to start the thread.
    pub(crate) fn begin(&self) -> bool {
        // Orders the store of the entry before the load of the state; pairs with the fence in `end`.
        fence(SeqCst);
        !self.0.load(SeqCst) && !self.0.swap(true, SeqCst)
    }

    /// Notes that the thread could not be started.
    fn refused(&self) {
        self.0.store(false, SeqCst);
    }

    /// Returns whether the thread may end, because no entry is left. An insert that comes meanwhile is either seen here, or it sees that
    /// the thread ends and starts another one.
    pub(crate) fn end(&self, is_done: impl Fn() -> bool) -> bool {
        if !is_done() {
            return false;
        }
        self.0.store(false, SeqCst);
        fence(SeqCst);
        is_done() || self.0.swap(true, SeqCst)
    }
}
