//! A runtime on a thread of its own: for callers that block, and for programs that have no runtime.
//!
//! A caller that blocks may stand on the very runtime that drives the connections of the tier, and would then wait for itself. So such calls
//! have connections of their own, which this runtime drives. The caller polls its future itself, within the context of this runtime
//! ([`BlockingContext`]), so the future may borrow and need not be `Send`.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::thread;

use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

thread_local! {
    /// True on the thread of such a runtime.
    static DRIVES: Cell<bool> = const { Cell::new(false) };
    /// True while a caller blocks on this thread.
    static BLOCKS: Cell<bool> = const { Cell::new(false) };
}

/// A runtime on a thread of its own, which ends when this is dropped.
pub(super) struct RuntimeThread {
    handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl RuntimeThread {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Fails if the system refuses it.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, (stop, stopped)) = (runtime.handle().clone(), oneshot::channel());
        thread::Builder::new().name("fastness-shared".into()).spawn(move || {
            DRIVES.set(true);
            let _ = runtime.block_on(stopped);
            // A lookup of a name may still be under way, and nothing waits for it.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _stop: stop })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// The context in which a thread may block on futures of the tier.
pub(crate) struct BlockingContext<'a> {
    _guard: EnterGuard<'a>,
    before: bool,
    /// The context is that of one thread.
    _here: PhantomData<*const ()>,
}

impl<'a> BlockingContext<'a> {
    /// Enters the context of this runtime. `None` on the thread of such a runtime, which would wait for itself.
    pub(super) fn new(runtime: &'a Handle) -> Option<Self> {
        if DRIVES.get() {
            return None;
        }
        Some(Self { _guard: runtime.enter(), before: BLOCKS.replace(true), _here: PhantomData })
    }

    /// Returns whether this thread works for callers that block: such a caller is on it, or it drives their connections.
    pub(super) fn is_here() -> bool {
        BLOCKS.get() || DRIVES.get()
    }
}

impl Drop for BlockingContext<'_> {
    fn drop(&mut self) {
        BLOCKS.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::block_on;

    #[test]
    fn the_thread_ends_with_its_owner_and_never_waits_for_itself() {
        let runtime = RuntimeThread::start().unwrap();
        let (asked, answer) = std::sync::mpsc::channel();
        let handle = runtime.handle().clone();
        runtime.handle().spawn(async move {
            asked.send((BlockingContext::new(&handle).is_none(), BlockingContext::is_here())).unwrap();
        });
        assert_eq!(answer.recv(), Ok((true, true)));
        {
            let _entered = BlockingContext::new(runtime.handle()).unwrap();
            assert!(BlockingContext::is_here());
            block_on(crate::clock::pause(std::time::Duration::from_millis(1)));
            drop(BlockingContext::new(runtime.handle()));
            assert!(BlockingContext::is_here());
        }
        assert!(!BlockingContext::is_here());
        let task = runtime.handle().spawn(std::future::pending::<()>());
        drop(runtime);
        assert!(block_on(task).unwrap_err().is_cancelled());
    }
}
