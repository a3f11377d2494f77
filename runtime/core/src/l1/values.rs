//! Values whose entries are gone, until their `Drop` may run.
//!
//! Entries are dropped where a reader, a writer or a table lets go of them: under locks, and within the guard of an index. The `Drop`
//! of a value is the user's, and may block, panic, or call the cache. So an entry leaves its value here, in a list of the thread, and
//! who began the operation drops what is on the list at its end, when it holds nothing.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind};

struct Values {
    waiting: RefCell<Vec<Box<dyn Any>>>,
    dropping: Cell<bool>,
}

thread_local! {
    static VALUES: Values = const { Values { waiting: RefCell::new(Vec::new()), dropping: Cell::new(false) } };
}

/// Puts a value on the list of this thread.
pub(super) fn leave<V: 'static>(value: V) {
    if !needs_drop::<V>() {
        return;
    }
    let mut value = Some(value);
    // A thread that has dropped its list drops the value here.
    let _ = VALUES.try_with(|values| {
        if let (Ok(mut waiting), Some(value)) = (values.waiting.try_borrow_mut(), value.take()) {
            waiting.push(Box::new(value));
        }
    });
}

/// Drops the values on the list of this thread. A panic ends the `Drop` of its own value only. Within the `Drop` of one of them, those
/// that are left there are dropped after it, however many do the same.
pub(super) fn drop_left() {
    let next = || VALUES.try_with(|values| values.waiting.borrow_mut().pop()).ok().flatten();
    if VALUES.try_with(|values| values.dropping.replace(true)).unwrap_or(true) {
        return;
    }
    while let Some(value) = next() {
        // The panic was reported when it began.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
    let _ = VALUES.try_with(|values| {
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
    fn a_value_that_panics_holds_up_no_other() {
        let dropped = Rc::new(Cell::new(0));
        for id in 0..10 {
            let dropped = dropped.clone();
            leave(OnDrop(Rc::new(move || {
                dropped.set(dropped.get() + 1);
                assert!(id % 2 == 0, "a value's own panic");
            })));
        }
        drop_left();
        assert_eq!(dropped.get(), 10);
    }

    #[test]
    fn values_that_have_others_dropped_do_not_nest() {
        thread_local! {
            static DEPTH: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
        }
        for _ in 0..10_000 {
            leave(OnDrop(Rc::new(|| {
                let (depth, all) = DEPTH.get();
                assert_eq!(depth, 0);
                DEPTH.set((depth + 1, all + 1));
                leave(String::from("a value of its own"));
                drop_left();
                DEPTH.set((depth, all + 1));
            })));
        }
        drop_left();
        assert_eq!(DEPTH.get(), (0, 10_000));
        assert!(VALUES.with(|values| values.waiting.borrow().is_empty()));
    }

    #[test]
    fn a_value_that_needs_no_drop_is_not_left() {
        leave(7_u64);
        assert!(VALUES.with(|values| values.waiting.borrow().is_empty()));
    }
}
