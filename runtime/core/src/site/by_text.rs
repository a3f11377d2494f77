//! Lookup of entries by key text, by which direct calls and functions find each other's entries, whichever store has them.
//!
//! A function's store knows arguments, and a direct call knows a text. So a handle has, for each type of values, a list of the stores of
//! all call sites whose values are the same to the shared tier. A call that finds nothing in its own store searches the others, and a load
//! that ends removes older entries from them. A function copies an entry of a direct call into its own store; a direct call reads an entry
//! of a function where it is. So each entry is stored once, and a hit of a function reads one store only.
//!
//! The list knows no type of keys or values, so it is compiled here and not where the call sites are.
//!
//! The text index of a store is built on the first direct call that it could answer; before that, calls do not use it.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::key::args::Args;
use crate::key::template::{Piece, Template, bounded, render_owned};
use crate::key::{Hashed, KeyText, OwnedKey};
use crate::l1::{EntryRank, FoundEntry, KeyList, L1, ListedEntry};
use crate::shape::CacheValue;
use crate::sync::{Mutex, lock};

/// The stores of one type of values.
#[derive(Default)]
pub(crate) struct TextStores {
    /// True once there was a direct call.
    is_used: AtomicBool,
    members: Mutex<Arc<Vec<Member>>>,
}

#[derive(Clone)]
struct Member {
    /// The store's address.
    id: usize,
    template: Template,
    has_namespace: bool,
    store: Arc<dyn TextStore>,
}

/// A store that is searched by text, with keys and values of any type.
trait TextStore: KeyList {
    fn has_texts(&self) -> bool;
    fn make_texts(&self);
    fn get(&self, text: KeyText<'_>) -> Option<ErasedEntry>;
    fn remove(&self, text: KeyText<'_>, number: u64);
    fn has_newer(&self, text: KeyText<'_>, number: u64) -> bool;
}

/// An entry of a store whose values are of any type.
struct ErasedEntry {
    /// The number of the load that found it.
    number: u64,
    /// The [`FoundEntry`] of its value.
    found: Box<dyn Any + Send>,
    /// The scopes of the entry, if there are tags among them.
    tagged_scopes: Vec<u64>,
}

struct KeyedStore<K, V: 'static> {
    store: Arc<L1<K, V>>,
    texts: KeyTexts<K>,
}

/// The texts of the keys of one call site.
pub(super) struct KeyTexts<K> {
    pieces: &'static [Piece],
    path: String,
    render: fn(&[Piece], &str, &K) -> String,
}

/// The place of one call site among the stores of its type of values.
pub(crate) struct Membership {
    all: Arc<TextStores>,
    id: usize,
    is_direct: bool,
    keys: Arc<dyn KeyList>,
}

/// An entry of another store.
pub(super) struct Elsewhere<V> {
    pub(super) found: FoundEntry<V>,
    /// The scopes of the entry, if there are tags among them.
    pub(super) tagged_scopes: Vec<u64>,
    holder: Holder,
}

/// A store that may have a key.
struct Holder {
    store: Arc<dyn TextStore>,
    is_direct: bool,
}

impl Membership {
    /// Adds a store, if it is not there yet.
    pub(super) fn join<A: Args, V: CacheValue>(
        all: Arc<TextStores>,
        store: &Arc<L1<A::Owned, V>>,
        template: Template,
        path: &str,
    ) -> Self {
        let texts = KeyTexts::new::<A>(template, path);
        let store = Arc::new(KeyedStore { store: store.clone(), texts });
        let id = Arc::as_ptr(&store.store).addr();
        Self::with_member(all, Member { id, template, has_namespace: A::HAS_NAMESPACE, store })
    }

    /// Returns the address of the store of this call site, and its keys.
    pub(super) fn keys(&self) -> (usize, Arc<dyn KeyList>) {
        (self.id, self.keys.clone())
    }

    fn with_member(all: Arc<TextStores>, member: Member) -> Self {
        let (id, is_direct, keys) = (member.id, member.template.is_whole_key(), member.store.clone());
        let mut members = lock(&all.members);
        if members.iter().all(|member| member.id != id) {
            let mut more = members.to_vec();
            more.push(member);
            *members = Arc::new(more);
        }
        // Repeated for a known store, because a thread that is ending cannot make the text index.
        if is_direct && let Some(member) = members.iter().find(|member| member.id == id) {
            member.store.make_texts();
        }
        drop(members);
        if is_direct {
            all.is_used.store(true, SeqCst);
        }
        Self { all, id, is_direct, keys }
    }

    /// Returns whether another store may have entries that this one lacks.
    #[inline]
    pub(super) fn is_used(&self) -> bool {
        self.all.is_used.load(Relaxed)
    }

    pub(super) fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// The entry of this key in another store whose load began last, if it is valid.
    pub(super) fn newest<V: CacheValue>(&self, text: KeyText<'_>) -> Option<Elsewhere<V>> {
        let (ErasedEntry { found, tagged_scopes, .. }, holder) = self.newest_of_any_type(text)?;
        let found = *found.downcast().ok()?;
        Some(Elsewhere { found, tagged_scopes, holder })
    }

    fn newest_of_any_type(&self, text: KeyText<'_>) -> Option<(ErasedEntry, Holder)> {
        let found = |holder: Holder| holder.store.get(text).map(|found| (found, holder));
        self.others(text).into_iter().filter_map(found).max_by_key(|(found, _)| found.number)
    }

    /// Removes entries from other stores that are older than the load with this number. Returns whether another store has a newer one.
    pub(super) fn supersede(&self, text: KeyText<'_>, number: u64) -> bool {
        let mut is_newer = false;
        for Holder { store, .. } in self.others(text) {
            if let Some(older) = number.checked_sub(1) {
                store.remove(text, older);
            }
            is_newer |= store.has_newer(text, number);
        }
        is_newer
    }

    /// Returns whether another store has an entry that is newer than the load with this number.
    pub(super) fn has_newer(&self, text: KeyText<'_>, number: u64) -> bool {
        self.others(text).iter().any(|other| other.store.has_newer(text, number))
    }

    /// Removes entries from other stores that are not newer than the load with this number.
    pub(super) fn remove(&self, text: KeyText<'_>, number: u64) {
        for other in self.others(text) {
            other.store.remove(text, number);
        }
    }

    /// The other stores that may have this key. A function skips stores without a text index, which no direct call has used yet; a direct
    /// call has the index made.
    fn others(&self, text: KeyText<'_>) -> Vec<Holder> {
        // Cloned, because the lookup of a key runs the user's code, which must not run under the lock.
        let members = {
            let members = lock(&self.all.members);
            if members.len() == 1 {
                return Vec::new();
            }
            Arc::clone(&members)
        };
        let may_have = |member: &&Member| {
            member.id != self.id
                && (self.is_direct || member.store.has_texts())
                && member.template.may_make(text.text, member.has_namespace)
        };
        let holder =
            |member: &Member| Holder { store: member.store.clone(), is_direct: member.template.is_whole_key() };
        members.iter().filter(may_have).map(holder).collect()
    }
}

impl<V> Elsewhere<V> {
    /// Removes the entry from its store, if that is a store of direct calls.
    pub(super) fn remove_if_direct(&self, text: KeyText<'_>) {
        if self.holder.is_direct {
            self.holder.store.remove(text, self.found.start.number);
        }
    }
}

impl<K> KeyTexts<K> {
    pub(super) fn new<A: Args<Owned = K>>(template: Template, path: &str) -> Self {
        Self { pieces: template.pieces, path: path.to_owned(), render: render_owned::<A> }
    }

    /// Returns the text of a key, in full.
    pub(super) fn text(&self, key: &K) -> String {
        (self.render)(self.pieces, &self.path, key)
    }
}

impl<K: OwnedKey, V: CacheValue> KeyedStore<K, V> {
    fn key(&self, text: KeyText<'_>) -> Option<Hashed<K>> {
        self.store.key_of(text, |key| bounded(self.texts.text(key)))
    }
}

impl<K: OwnedKey, V: CacheValue> KeyList for KeyedStore<K, V> {
    fn rank(&self, visit: &mut dyn FnMut(EntryRank, usize)) {
        self.store.rank(visit);
    }

    fn describe(&self, hash: u64) -> Option<ListedEntry> {
        let (key, figures) = self.store.describe(hash)?;
        Some(ListedEntry { text: self.texts.text(&key), figures, is_negative: false })
    }
}

impl<K: OwnedKey, V: CacheValue> TextStore for KeyedStore<K, V> {
    fn has_texts(&self) -> bool {
        self.store.has_texts()
    }

    fn make_texts(&self) {
        self.store.make_texts();
    }

    fn get(&self, text: KeyText<'_>) -> Option<ErasedEntry> {
        let key = self.key(text)?;
        let found = self.store.get(&key)?;
        let number = found.start.number;
        let tagged_scopes = self.store.tagged_scopes(&key, number)?;
        Some(ErasedEntry { number, found: Box::new(found), tagged_scopes })
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
