//! The ticker: the thread that raises the coarse time, which a forked child has to start again.

use std::sync::{Arc, OnceLock, TryLockError, Weak};

use once_cell::sync::OnceCell;

use super::alarm::Alarms;
use super::process::ProcessId;
use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{Mutex, lock};

/// A listener to ticks: every 10 ms, or when a manual clock is advanced. Runs on the clock's thread, so it must be
/// short.
pub(crate) trait Tick: Send + Sync {
    fn tick(&self, now: u64);
}

type Listeners = Vec<Weak<dyn Tick>>;

/// The ticker of one process.
pub(super) struct Ticker {
    process: ProcessId,
    started: OnceCell<()>,
    warned: AtomicBool,
    listeners: Mutex<Listeners>,
    pub(super) alarms: Alarms,
    /// The ticker of a forked child. It is another ticker, not this one reset, because a thread of the parent may have held a lock.
    child: OnceLock<Box<Ticker>>,
}

impl Ticker {
    pub(super) fn new(process: ProcessId) -> Self {
        Self::with_listeners(process, Vec::new())
    }

    fn with_listeners(process: ProcessId, listeners: Listeners) -> Self {
        Self {
            process,
            started: OnceCell::new(),
            warned: AtomicBool::new(false),
            listeners: Mutex::new(listeners),
            alarms: Alarms::new(),
            child: OnceLock::new(),
        }
    }

    pub(super) fn process(&self) -> ProcessId {
        self.process
    }

    /// Returns the ticker of this process, as far as a fork was noticed.
    pub(super) fn newest(&self) -> &Self {
        let mut ticker = self;
        while let Some(child) = ticker.child.get() {
            ticker = child;
        }
        ticker
    }

    /// Returns whether this process was forked from the one of this ticker; it then gets a ticker of its own.
    pub(super) fn follow(&self, process: ProcessId) -> bool {
        let forked = self.process != process;
        if forked {
            self.child.get_or_init(|| {
                let listeners = match self.listeners.try_lock() {
                    Ok(listeners) => listeners.clone(),
                    Err(TryLockError::Poisoned(listeners)) => listeners.into_inner().clone(),
                    Err(TryLockError::WouldBlock) => Vec::new(),
                };
                Box::new(Self::with_listeners(process, listeners))
            });
        }
        forked
    }

    /// Starts the thread by `spawn`, once. Returns false if the system refuses the thread.
    pub(super) fn start(&self, spawn: impl FnOnce() -> std::io::Result<()>) -> bool {
        let started = self.started.get_or_try_init(spawn);
        if let Err(error) = &started
            && !self.warned.swap(true, Relaxed)
        {
            tracing::warn!(%error, "fastness cannot start its clock thread, so nothing is cached in this process");
        }
        started.is_ok()
    }

    #[cfg(feature = "redis")]
    pub(super) fn listen(&self, listener: Weak<dyn Tick>) {
        lock(&self.listeners).push(listener);
    }

    /// Notifies all listeners, with no lock held, and rings the alarms that are due.
    pub(super) fn notify(&self, now: u64) {
        let mut living: Vec<Arc<dyn Tick>> = Vec::new();
        lock(&self.listeners).retain(|listener| {
            let listener = listener.upgrade();
            living.extend(listener.clone());
            listener.is_some()
        });
        for listener in living {
            listener.tick(now);
        }
        self.alarms.ring(now);
    }
}
