//! The bytes that an entry takes: of its value, as a function's `weigh` or the type of the value says, and of the entry itself.

use std::any::Any;
use std::mem::{needs_drop, size_of_val};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::Relaxed;

/// The bytes that an entry takes beside its node: its place in the index and the queue, and what an allocator adds to a block.
const PLACE: usize = 40;

/// The function by which a store weighs its values.
pub(super) struct Weigher<V> {
    given: OnceLock<fn(&V) -> usize>,
    /// True once the log tells of a panic, and of a value that is too large.
    reported_panic: AtomicBool,
    reported_too_large: AtomicBool,
}

impl<V> Default for Weigher<V> {
    fn default() -> Self {
        Self {
            given: OnceLock::new(),
            reported_panic: AtomicBool::new(false),
            reported_too_large: AtomicBool::new(false),
        }
    }
}

impl<V: 'static> Weigher<V> {
    /// Sets the function, unless there is one. Entries that are stored already keep their weight.
    pub(super) fn set(&self, weigh: fn(&V) -> usize) {
        self.given.get_or_init(|| weigh);
    }

    /// Returns whether the weight of this value is only that of its type: it may have more on the heap, and neither a function nor its type
    /// tells how much.
    pub(super) fn is_guess(&self, value: &V) -> bool {
        needs_drop::<V>() && self.given.get().is_none() && heap_bytes(value).is_none()
    }

    /// Returns the bytes of an entry whose node takes `node` bytes; `None` if the user's function panics. No lock may be held.
    pub(super) fn weigh(&self, value: &V, node: usize) -> Option<usize> {
        let entry = node.saturating_add(PLACE);
        let Some(weigh) = self.given.get() else { return Some(entry.saturating_add(heap_bytes(value).unwrap_or(0))) };
        if let Ok(bytes) = catch_unwind(AssertUnwindSafe(|| weigh(value))) {
            return Some(entry.saturating_add(bytes));
        }
        if !self.reported_panic.swap(true, Relaxed) {
            let value = std::any::type_name::<V>();
            tracing::warn!(
                value,
                "the function of `weigh` panicked, so nothing is stored: return a number for every value"
            );
        }
        None
    }

    /// Logs, once, that a value weighs more than the bound.
    pub(super) fn too_large(&self) {
        if !self.reported_too_large.swap(true, Relaxed) {
            let value = std::any::type_name::<V>();
            tracing::warn!(value, "a value weighs more than `max_bytes`, so it is not stored: raise the bound");
        }
    }
}

/// Returns the bytes that a value takes on the heap, if its type says it: text, bytes, and pointers to them.
fn heap_bytes(value: &dyn Any) -> Option<usize> {
    let text = value.downcast_ref::<String>().map(String::capacity);
    text.or_else(|| value.downcast_ref::<Vec<u8>>().map(Vec::capacity))
        .or_else(|| value.downcast_ref::<Arc<str>>().map(|text| text.len()))
        .or_else(|| value.downcast_ref::<Arc<[u8]>>().map(|bytes| bytes.len()))
        .or_else(|| value.downcast_ref::<Box<str>>().map(|text| text.len()))
        .or_else(|| value.downcast_ref::<Box<[u8]>>().map(|bytes| bytes.len()))
        .or_else(|| value.downcast_ref::<Arc<String>>().map(|text| size_of_val(text) + text.capacity()))
        .or_else(|| value.downcast_ref::<Arc<Vec<u8>>>().map(|bytes| size_of_val(bytes) + bytes.capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_with_one_block_of_bytes_tell_its_size() {
        let mut text = String::with_capacity(100);
        text.push('x');
        assert_eq!(heap_bytes(&text), Some(text.capacity()));
        assert_eq!(heap_bytes(&vec![7_u8; 100]), Some(100));
        let (text, bytes): (Arc<str>, Arc<[u8]>) = ("x".repeat(100).into(), vec![7; 100].into());
        assert_eq!((heap_bytes(&text), heap_bytes(&bytes)), (Some(100), Some(100)));
        let (text, bytes): (Box<str>, Box<[u8]>) = ("x".repeat(100).into(), vec![7; 100].into());
        assert_eq!((heap_bytes(&text), heap_bytes(&bytes)), (Some(100), Some(100)));
        assert!(
            heap_bytes(&Arc::new("x".repeat(100))) >= Some(100) && heap_bytes(&Arc::new(vec![7_u8; 100])) >= Some(100)
        );
        assert_eq!((heap_bytes(&7_u64), heap_bytes(&vec![7_u64; 100])), (None, None), "other types do not tell");
    }

    #[test]
    fn a_weight_is_a_guess_where_neither_a_function_nor_the_type_tells() {
        assert!(Weigher::default().is_guess(&vec![7_u64; 100]));
        assert!(!Weigher::default().is_guess(&7_u64), "a value without a heap block has the size of its type");
        assert!(!Weigher::default().is_guess(&String::from("text")));
        let weigher = Weigher::default();
        weigher.set(|numbers: &Vec<u64>| numbers.capacity() * 8);
        assert!(!weigher.is_guess(&vec![7_u64; 100]));
    }

    #[test]
    fn a_weight_has_a_bound() {
        let weigher = Weigher::default();
        weigher.set(|bytes: &usize| *bytes);
        weigher.set(|_| 0);
        assert_eq!(weigher.weigh(&usize::MAX, 88), Some(usize::MAX));
        assert_eq!(weigher.weigh(&1_000, 88), Some(1_000 + 88 + PLACE), "the first function counts");
    }
}
