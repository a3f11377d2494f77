//! Locks and atomics of std, or of loom under `--cfg fastness_loom`, the end of a thread, and waits that block one.
//!
//! loom runs a test in every order of memory accesses that the memory model allows.
//!
//! May use: nothing of this crate.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::Arc;
pub(crate) use std::sync::PoisonError;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

#[cfg(fastness_loom)]
pub use loom::sync::Mutex;
#[cfg(fastness_loom)]
pub(crate) use loom::sync::{Condvar, MutexGuard, atomic};
#[cfg(not(fastness_loom))]
pub use std::sync::Mutex;
#[cfg(not(fastness_loom))]
pub(crate) use std::sync::{Condvar, MutexGuard, atomic};

/// Locks a mutex. Poison is ignored: no user code runs under our locks, so no panic leaves a change half-made.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks a mutex that is always one of std, because it is static, which loom's cannot be, or in a static.
pub(crate) fn lock_std<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks this thread until a future has ended. Unlike the `block_on` of a runtime, it may be called from within one; the future must not
/// need that runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // A tokio task whose budget is used up would be told to yield at each poll, which this thread cannot.
    let mut future = std::pin::pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static ENDING: Cell<bool> = const { Cell::new(false) };
    static WATCH: ThreadEndWatch = const { ThreadEndWatch };
}

/// Thread-local whose drop marks the end of its thread.
struct ThreadEndWatch;

impl Drop for ThreadEndWatch {
    fn drop(&mut self) {
        ENDING.set(true);
    }
}

/// Returns whether this thread is dropping its thread-locals. The index (`scc`) must not be used then: it would panic, which aborts
/// the process at this point. Costs one load.
#[inline]
pub(crate) fn thread_is_ending() -> bool {
    ENDING.get()
}

/// Begins to watch for the end of this thread. Call it after the thread's first use of the index: thread-locals are dropped in the
/// reverse order of their first uses, so the end is noticed before the index's own thread-locals go.
pub(crate) fn watch_thread() {
    let _ = WATCH.try_with(|_| ());
}

/// A stack for a thread-local. Never dropped, so that code which a thread runs while it ends can still use it; an empty one owns no
/// heap block, so nothing leaks.
pub(crate) struct ThreadStack<T>(ManuallyDrop<RefCell<StackItems<T>>>);

struct StackItems<T> {
    first: Option<T>,
    more: Vec<T>,
}

impl<T: Clone> ThreadStack<T> {
    pub(crate) const fn new() -> Self {
        Self(ManuallyDrop::new(RefCell::new(StackItems { first: None, more: Vec::new() })))
    }

    pub(crate) fn push(&self, item: T) {
        let mut stack = self.0.borrow_mut();
        match stack.first {
            None => stack.first = Some(item),
            Some(_) => stack.more.push(item),
        }
    }

    /// Removes the last item and returns it: its `Drop` runs in the caller and may use the stack.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut stack = self.0.borrow_mut();
        let item = stack.more.pop().or_else(|| stack.first.take());
        if stack.more.is_empty() {
            stack.more = Vec::new();
        }
        item
    }

    pub(crate) fn last(&self) -> Option<T> {
        let stack = self.0.borrow();
        stack.more.last().or(stack.first.as_ref()).cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().first.is_none()
    }

    /// Returns all items, in the order in which they were pushed.
    pub(crate) fn all(&self) -> Vec<T> {
        let stack = self.0.borrow();
        stack.first.iter().chain(&stack.more).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_gives_back_what_was_pushed_last() {
        let stack = ThreadStack::new();
        assert_eq!((stack.last(), stack.pop()), (None, None));
        for item in 1..=3 {
            stack.push(item);
            assert_eq!(stack.last(), Some(item));
        }
        assert_eq!(stack.all(), [1, 2, 3]);
        assert_eq!([(); 4].map(|()| stack.pop()), [Some(3), Some(2), Some(1), None]);
        assert_eq!(stack.0.borrow().more.capacity(), 0);
    }

    #[test]
    fn the_end_of_a_thread_is_noticed_before_earlier_thread_locals_are_dropped() {
        thread_local! {
            static EARLIER: RefCell<Option<OnDrop>> = const { RefCell::new(None) };
        }
        struct OnDrop(std::sync::mpsc::Sender<bool>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                let _ = self.0.send(thread_is_ending());
            }
        }
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            EARLIER.set(Some(OnDrop(tell)));
            watch_thread();
            assert!(!thread_is_ending());
        });
        thread.join().unwrap();
        assert_eq!(told.recv(), Ok(true));
    }
}
