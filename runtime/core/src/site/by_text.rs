//! Where direct calls and functions meet: entries of one type of values by the text of their keys, whichever store has them.
//!
//! A function's store knows arguments, and a direct call knows a text. So a handle has a list, for each type of values, of the stores
//! of all call sites whose values are the same to the shared tier: a call that finds nothing in its own store looks into the others,
//! and a load that ends removes from them what is older. A function takes what a direct call has stored into its own store; a direct
//! call reads what a function has stored where it is. So an entry of both is stored once, and the hits of a function are its own.
//!
//! Before the first direct call for a type of values nothing is looked for, and a store is made to be found by text when the first
//! direct call comes for which it could have an entry.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::key::args::Args;
use crate::key::template::{Piece, Template, render_owned};
use crate::key::{Hashed, KeyText, OwnedKey};
use crate::l1::{FoundEntry, L1};
use crate::shape::CacheValue;
use crate::sync::{Mutex, lock};

/// The stores of one type of values.
pub(crate) struct ByText<V> {
    /// Whether there was a direct call.
    is_used: AtomicBool,
    stores: Mutex<Arc<Vec<Member<V>>>>,
}

struct Member<V> {
    /// The store's address.
    id: usize,
    template: Template,
    has_namespace: bool,
    store: Arc<dyn TextStore<V>>,
}

/// A store that is asked by text. Its keys may be of any type.
trait TextStore<V>: Send + Sync {
    fn has_texts(&self) -> bool;
    fn make_texts(&self);
    fn get(&self, text: KeyText<'_>) -> Option<FoundEntry<V>>;
    fn remove(&self, text: KeyText<'_>, number: u64);
    fn has_newer(&self, text: KeyText<'_>, number: u64) -> bool;
}

struct Keyed<K, V> {
    store: Arc<L1<K, V>>,
    pieces: &'static [Piece],
    path: String,
    render: fn(&[Piece], &str, &K) -> String,
}

/// One call site's part in it.
pub(crate) struct Membership<V> {
    all: Arc<ByText<V>>,
    own: usize,
    is_direct: bool,
}

/// An entry of another store.
pub(super) struct Elsewhere<V> {
    pub(super) found: FoundEntry<V>,
    store: Arc<dyn TextStore<V>>,
    is_direct: bool,
}

impl<V: CacheValue> Membership<V> {
    /// Adds a store, if it is not there yet.
    pub(super) fn join<A: Args>(
        all: Arc<ByText<V>>,
        store: &Arc<L1<A::Owned, V>>,
        template: Template,
        path: &str,
    ) -> Self {
        let own = Arc::as_ptr(store).addr();
        let is_direct = template.is_whole_key();
        let membership = Self { all, own, is_direct };
        membership.add(template, A::HAS_NAMESPACE, || {
            let (pieces, path) = (template.pieces, path.to_owned());
            Arc::new(Keyed { store: store.clone(), pieces, path, render: render_owned::<A> })
        });
        membership
    }

    fn add(&self, template: Template, has_namespace: bool, store: impl FnOnce() -> Arc<dyn TextStore<V>>) {
        let mut stores = lock(&self.all.stores);
        if stores.iter().all(|member| member.id != self.own) {
            let store = store();
            let mut more = stores.to_vec();
            more.push(Member { id: self.own, template, has_namespace, store });
            *stores = Arc::new(more);
        }
        // Each time, since a store that is added on an ending thread cannot be made to be found by text there.
        if self.is_direct
            && let Some(own) = stores.iter().find(|member| member.id == self.own)
        {
            own.store.make_texts();
        }
        drop(stores);
        if self.is_direct {
            self.all.is_used.store(true, SeqCst);
        }
    }

    /// Returns whether there may be anything in another store.
    #[inline]
    pub(super) fn is_used(&self) -> bool {
        self.all.is_used.load(Relaxed)
    }

    pub(super) fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// The entry of this key in another store whose load began last, if it is valid.
    pub(super) fn newest(&self, text: KeyText<'_>) -> Option<Elsewhere<V>> {
        let found = |(store, is_direct): (Arc<dyn TextStore<V>>, bool)| {
            store.get(text).map(|found| Elsewhere { found, store, is_direct })
        };
        self.others(text).into_iter().filter_map(found).max_by_key(|elsewhere| elsewhere.found.start.number)
    }

    /// Removes from other stores what is older than the load with this number. True if there is something newer.
    pub(super) fn supersede(&self, text: KeyText<'_>, number: u64) -> bool {
        let mut is_newer = false;
        for (store, _) in self.others(text) {
            if let Some(older) = number.checked_sub(1) {
                store.remove(text, older);
            }
            is_newer |= store.has_newer(text, number);
        }
        is_newer
    }

    /// Returns whether another store has something newer than the load with this number.
    pub(super) fn has_newer(&self, text: KeyText<'_>, number: u64) -> bool {
        self.others(text).iter().any(|(store, _)| store.has_newer(text, number))
    }

    /// Removes from other stores what is no newer than the load with this number.
    pub(super) fn remove(&self, text: KeyText<'_>, number: u64) {
        for (store, _) in self.others(text) {
            store.remove(text, number);
        }
    }

    /// The other stores that may have this key. A direct call makes them be found by text; before that, a function has no part in them.
    fn others(&self, text: KeyText<'_>) -> Vec<(Arc<dyn TextStore<V>>, bool)> {
        // Not under the lock: looking for a key runs code of the user's.
        let stores = lock(&self.all.stores).clone();
        let may_have = |member: &&Member<V>| {
            member.id != self.own
                && (self.is_direct || member.store.has_texts())
                && member.template.may_make(text.text, member.has_namespace)
        };
        let others = stores.iter().filter(may_have);
        others.map(|member| (member.store.clone(), member.template.is_whole_key())).collect()
    }
}

impl<V> Elsewhere<V> {
    /// Removes the entry from its store, if direct calls have put it there.
    pub(super) fn take(&self, text: KeyText<'_>) {
        if self.is_direct {
            self.store.remove(text, self.found.start.number);
        }
    }
}

impl<K: OwnedKey, V: CacheValue> Keyed<K, V> {
    fn key(&self, text: KeyText<'_>) -> Option<Hashed<K>> {
        self.store.key_of(text, |key| (self.render)(self.pieces, &self.path, key))
    }
}

impl<K: OwnedKey, V: CacheValue> TextStore<V> for Keyed<K, V> {
    fn has_texts(&self) -> bool {
        self.store.has_texts()
    }

    fn make_texts(&self) {
        self.store.make_texts();
    }

    fn get(&self, text: KeyText<'_>) -> Option<FoundEntry<V>> {
        self.store.get(&self.key(text)?)
    }

    fn remove(&self, text: KeyText<'_>, number: u64) {
        if let Some(key) = self.key(text) {
            self.store.remove(&key, number);
        }
    }

    fn has_newer(&self, text: KeyText<'_>, number: u64) -> bool {
        self.key(text).is_some_and(|key| self.store.has_newer(&key, number))
    }
}

impl<V> Default for ByText<V> {
    fn default() -> Self {
        Self { is_used: AtomicBool::new(false), stores: Mutex::default() }
    }
}

impl<V> Clone for Member<V> {
    fn clone(&self) -> Self {
        let Self { id, template, has_namespace, store } = self;
        Self { id: *id, template: *template, has_namespace: *has_namespace, store: store.clone() }
    }
}
