//! Lookup of a stored key by its text, for direct calls.

use scc::Guard;

use super::L1;
use super::index::{Node, long_hash};
use crate::key::{Hashed, KeyText};

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    /// Returns the key with this text, if there is an entry of it, valid or not. `render` renders a key.
    pub(crate) fn key_of(&self, text: KeyText<'_>, render: impl FnOnce(&K) -> String) -> Option<Hashed<K>> {
        if self.is_empty() || !self.is_usable() {
            return None;
        }
        let hash = self.index.make_texts().get(text.hash)?;
        let args = {
            let guard = Guard::new();
            let is = |node: &Node<K, V>| node.hash() == hash && node.entry.meta().text_hash() == text.hash;
            self.index.find(hash, is, &guard)?.args.clone()
        };
        // The index uses these bits only.
        let key = Hashed { hash: long_hash(hash), args };
        (render(&key.args) == text.text).then_some(key)
    }

    /// Returns whether the table of texts exists already.
    pub(crate) fn has_texts(&self) -> bool {
        self.index.texts().is_some()
    }

    /// Creates the table of texts, which is maintained from now on.
    pub(crate) fn make_texts(&self) {
        if self.is_usable() {
            self.index.make_texts();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::key::namespace::NoNamespace;
    use crate::key::{Scopes, scopes};
    use crate::l1::{Entry, EntryBudget, Lifetime, StoreContext};
    use crate::log::{Log, Record};

    type Store = L1<((), u64), u64>;

    fn store(capacity: usize) -> Store {
        let context = StoreContext {
            clock: Clock::manual(),
            log: Arc::new(Log::with_mirror_bytes(1 << 12)),
            budget: Arc::new(EntryBudget::new(usize::MAX, usize::MAX)),
            loads: Arc::default(),
            hasher: foldhash::fast::RandomState::default(),
        };
        L1::new(capacity, context)
    }

    fn put(store: &Store, id: u64) {
        put_as(store, id, &format!("n:{id}"));
    }

    fn put_as(store: &Store, id: u64, text: &str) {
        let scopes = Scopes::new(text, &[]);
        store.insert(
            store.owned_key(&(NoNamespace, id)),
            Entry::new(id, store.start(), Lifetime::fresh_until(u64::MAX), &scopes),
        );
    }

    /// Finds an entry by a text, with the hash of another text.
    fn find(store: &Store, text: &str, hash: &str) -> Option<u64> {
        let text = KeyText { hash: scopes::hash(hash), text };
        store.key_of(text, |((), id)| format!("n:{id}")).map(|key| key.args.1)
    }

    fn texts(store: &Store) -> usize {
        store.index.texts().unwrap().len()
    }

    #[test]
    fn entries_are_found_by_text_whether_they_come_before_it_or_after() {
        let store = store(100);
        put(&store, 1);
        assert!(!store.has_texts(), "no lookup by text yet");
        assert_eq!(find(&store, "n:1", "n:1"), Some(1));
        put(&store, 2);
        assert_eq!((find(&store, "n:2", "n:2"), find(&store, "n:3", "n:3")), (Some(2), None));
        assert_eq!(find(&store, "n:1", "n:2"), None, "a text with the hash of another's");
    }

    /// A decimal type has equal keys with different texts: 1.0 and 1.00.
    #[test]
    fn an_entry_is_found_by_the_latest_of_several_texts_of_its_key() {
        let store = store(100);
        store.make_texts();
        put_as(&store, 1, "n:1.0");
        put_as(&store, 1, "n:1.00");
        assert_eq!((find(&store, "n:1", "n:1.00"), find(&store, "n:1", "n:1.0"), texts(&store)), (Some(1), None, 1));
        store.remove(&store.owned_key(&(NoNamespace, 1_u64)), u64::MAX);
        assert_eq!(texts(&store), 0);
    }

    #[test]
    fn the_index_has_no_more_texts_than_there_are_entries() {
        let store = store(16);
        put(&store, 1_000);
        store.make_texts();
        for id in 0..1_000 {
            put(&store, id);
        }
        assert_eq!((store.room.len(), texts(&store)), (16, 16), "evicted entries have no text");
        assert_eq!((0..1_000).filter(|id| find(&store, &format!("n:{id}"), &format!("n:{id}")).is_some()).count(), 16);
        put(&store, 7);
        put(&store, 7);
        assert_eq!(texts(&store), 16, "a replaced entry keeps its text");
        store.remove(&store.owned_key(&(NoNamespace, 7_u64)), u64::MAX);
        assert_eq!((texts(&store), find(&store, "n:7", "n:7")), (15, None));
        store.context().log.append(&Record::clear());
        // Readers of other tests may delay it.
        while !crate::l1::AnyStore::sweep(&store) {}
        assert_eq!(texts(&store), 0);
    }

    #[test]
    fn the_index_is_complete_when_many_threads_fill_it() {
        for _ in 0..20 {
            let store = store(10_000);
            (0..100).for_each(|id| put(&store, id));
            let all_found = |ids: std::ops::Range<u64>| {
                ids.into_iter().all(|id| find(&store, &format!("n:{id}"), &format!("n:{id}")) == Some(id))
            };
            std::thread::scope(|threads| {
                let own = |from: u64| {
                    (from..from + 100).for_each(|id| put(&store, id));
                    all_found(from..from + 100) && all_found(0..100)
                };
                let all: Vec<_> = (1..4).map(|n| threads.spawn(move || own(n * 1_000))).collect();
                assert!(all.into_iter().all(|thread| thread.join().unwrap()));
            });
            assert_eq!(texts(&store), store.room.len());
        }
    }
}
