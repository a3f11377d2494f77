//! The thread that wakes subscribers, and drops the events that they missed.
//!
//! Events are sent under locks, and some on the clock's thread, where no code of users may run: neither a waker nor the `Drop` of the
//! arguments in an event. So both are left to this thread. It starts with the first subscription of the process and ends with the last.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::clock::ProcessId;
use crate::sync::lock_std as lock;

/// A subscription whose task may sleep.
pub(super) trait Sleeper: Send + Sync {
    /// Wakes the task. Runs code of its runtime.
    fn wake(&self);
}

struct WakeWork {
    due: Vec<Arc<dyn Sleeper>>,
    dropped: Vec<Box<dyn Any + Send>>,
    subscriptions: usize,
    /// The process that the work belongs to; `None` before the first subscription.
    process: Option<ProcessId>,
    /// True while the thread runs.
    is_running: bool,
}

impl WakeWork {
    const NONE: Self =
        Self { due: Vec::new(), dropped: Vec::new(), subscriptions: 0, process: None, is_running: false };
}

static WORK: Mutex<WakeWork> = Mutex::new(WakeWork::NONE);
static NEWS: Condvar = Condvar::new();

/// Notes a new subscription, and starts the thread if it does not run.
pub(super) fn begin() {
    let process = Some(ProcessId::default());
    let mut work = lock(&WORK);
    if work.process != process {
        // A forked child has none of its parent's subscriptions and threads, and neither wakes nor drops what they left.
        std::mem::forget(std::mem::replace(&mut *work, WakeWork { process, ..WakeWork::NONE }));
    }
    work.subscriptions += 1;
    let started = start(&mut work);
    drop(work);
    if let Err(error) = started {
        tracing::warn!(%error, "fastness cannot start its events thread, so subscribers to events are not woken");
    }
}

/// Notes that a subscription is gone.
pub(super) fn finish() {
    lock(&WORK).subscriptions -= 1;
    NEWS.notify_one();
}

/// Has a subscriber woken.
pub(super) fn later(sleeper: Arc<dyn Sleeper>) {
    add(|work| work.due.push(sleeper));
}

/// Has something dropped.
pub(super) fn drop_later(gone: Box<dyn Any + Send>) {
    add(|work| work.dropped.push(gone));
}

fn add(add: impl FnOnce(&mut WakeWork)) {
    let mut work = lock(&WORK);
    add(&mut work);
    // The system may have refused the thread before. Not logged here: locks may be held.
    let _ = start(&mut work);
    drop(work);
    NEWS.notify_one();
}

fn start(work: &mut MutexGuard<'_, WakeWork>) -> io::Result<()> {
    if !work.is_running {
        std::thread::Builder::new().name("fastness-events".into()).spawn(run)?;
        work.is_running = true;
    }
    Ok(())
}

fn run() {
    while let Some((due, dropped)) = next() {
        for sleeper in due {
            // The panic hook has reported a panic.
            let _ = catch_unwind(AssertUnwindSafe(|| sleeper.wake()));
        }
        for gone in dropped {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(gone)));
        }
    }
}

type DueWork = (Vec<Arc<dyn Sleeper>>, Vec<Box<dyn Any + Send>>);

/// Waits for work; `None` once there is none and no subscription is left.
fn next() -> Option<DueWork> {
    let mut work = lock(&WORK);
    loop {
        if !work.due.is_empty() || !work.dropped.is_empty() {
            return Some((std::mem::take(&mut work.due), std::mem::take(&mut work.dropped)));
        }
        if work.subscriptions == 0 {
            work.is_running = false;
            return None;
        }
        work = NEWS.wait(work).unwrap_or_else(PoisonError::into_inner);
    }
}
