//! Values of dropped entries, until their `Drop` may run.
//!
//! Entries are dropped by readers, writers and tables, under locks and within the guard of an index. The `Drop` of a value is user code,
//! which may block, panic, or call the cache. So an entry that is dropped puts its value on a list of the thread, and the operation drops
//! the values on the list at its end, when it holds no lock and no guard.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind};

struct DeferredDrops {
    waiting: RefCell<Vec<Box<dyn Any>>>,
    dropping: Cell<bool>,
}

thread_local! {
    static DEFERRED: DeferredDrops = const { DeferredDrops { waiting: RefCell::new(Vec::new()), dropping: Cell::new(false) } };
}

/// Puts a value on this thread's list.
pub(super) fn defer_drop<V: 'static>(value: V) {
    if !needs_drop::<V>() {
        return;
    }
    let mut value = Some(value);
    // Drops the value here if the thread has dropped its list already.
    let _ = DEFERRED.try_with(|values| {
        if let (Ok(mut waiting), Some(value)) = (values.waiting.try_borrow_mut(), value.take()) {
            waiting.push(Box::new(value));
        }
    });
}

/// Drops the values on this thread's list. A panic affects only its own value. A call from within the `Drop` of such a value does nothing:
/// the outer call drops the values that were added meanwhile.
pub(super) fn drop_deferred() {
    let next = || DEFERRED.try_with(|values| values.waiting.borrow_mut().pop()).ok().flatten();
    if DEFERRED.try_with(|values| values.dropping.replace(true)).unwrap_or(true) {
        return;
    }
    while let Some(value) = next() {
        // The panic hook has reported it.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
    let _ = DEFERRED.try_with(|values| {
        values.dropping.set(false);
        values.waiting.borrow_mut().shrink_to(64);
    });
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    struct OnDrop(Rc<dyn Fn()>);

    impl Drop for OnDrop {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    #[test]
    fn a_value_that_panics_does_not_keep_others_from_being_dropped() {
        let dropped = Rc::new(Cell::new(0));
        for id in 0..10 {
            let dropped = dropped.clone();
            defer_drop(OnDrop(Rc::new(move || {
                dropped.set(dropped.get() + 1);
                assert!(id % 2 == 0, "a value's own panic");
            })));
        }
        drop_deferred();
        assert_eq!(dropped.get(), 10);
    }

    #[test]
    fn values_that_drop_others_do_not_nest() {
        thread_local! {
            static DEPTH: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
        }
        for _ in 0..10_000 {
            defer_drop(OnDrop(Rc::new(|| {
                let (depth, all) = DEPTH.get();
                assert_eq!(depth, 0);
                DEPTH.set((depth + 1, all + 1));
                defer_drop(String::from("a value of its own"));
                drop_deferred();
                DEPTH.set((depth, all + 1));
            })));
        }
        drop_deferred();
        assert_eq!(DEPTH.get(), (0, 10_000));
        assert!(DEFERRED.with(|values| values.waiting.borrow().is_empty()));
    }

    #[test]
    fn a_value_that_needs_no_drop_is_not_left() {
        defer_drop(7_u64);
        assert!(DEFERRED.with(|values| values.waiting.borrow().is_empty()));
    }
}
