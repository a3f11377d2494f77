//! A hash table that is read without a lock, and whose memory is given back.
//!
//! Sixteen shards, each with a table of its own that one writer at a time changes. A table is an array of *groups* of a cache line:
//! six pointers to nodes, a byte of each node's hash in one word, by which a reader finds the node that it looks for, and a pointer
//! to more groups where six do not suffice. A node is an entry with its key, in a block of memory of its own, so that a writer has
//! in its hands what it removes, and an entry that a reader has found is the one that others find, also while a table grows.
//!
//! Readers are guarded (`scc::Guard`): what a writer removes stays until nobody can be reading it. What is removed is [`Retired`],
//! and freed by the thread that drops it: so it is handed to one that will not be idle (see `retired`).
//!
//! Invariants: a key is changed under the lock of its shard only; a node is in its place before its byte says so, and its byte is
//! gone before it is; a table that grew holds the nodes of the one before, so that a reader of either finds them.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use scc::{AtomicShared, Equivalent, Guard, Shared, Tag};

use super::entry::Entry;
use super::texts::Texts;
use crate::key::Hashed;
use crate::sync::atomic::AtomicU64;
use crate::sync::{Mutex, lock};

/// The shard is the upper four bits of a hash.
const SHARDS: usize = 16;
/// Nodes of one group.
const NODES: usize = 6;
/// A table grows when it has more nodes than this for each group, and shrinks when it has not one for this many.
const NODES_PER_GROUP: usize = 4;

/// Entries by their keys.
pub(super) struct Index<K, V> {
    shards: [Shard<K, V>; SHARDS],
    /// The same by text, where anybody has asked. Changed under the lock of the entry's shard, as the entry is.
    texts: OnceLock<Texts>,
}

struct Shard<K, V> {
    table: AtomicShared<Table<K, V>>,
    /// The number of nodes, of which there is one writer.
    writer: Mutex<usize>,
}

pub(super) struct Table<K, V> {
    /// A power of two.
    groups: Box<[Group<K, V>]>,
}

#[repr(align(64))]
struct Group<K, V> {
    /// Bytes of the nodes' hashes; zero where there is none.
    bytes: AtomicU64,
    nodes: [AtomicShared<Node<K, V>>; NODES],
    more: AtomicShared<Group<K, V>>,
}

/// An entry and its key.
#[repr(C)]
pub(super) struct Node<K, V> {
    pub(super) key: Hashed<K>,
    pub(super) entry: Entry<V>,
}

/// A node or a table that nobody finds any more, but that somebody may still be reading.
pub(super) enum Retired<K, V> {
    Node(#[allow(dead_code)] Shared<Node<K, V>>),
    Table(#[allow(dead_code)] Shared<Table<K, V>>),
}

/// The outcome of an insertion.
pub(super) enum Inserted<K, V> {
    /// It is there, and a table may have grown.
    New(Option<Retired<K, V>>),
    /// It is there in place of another.
    Replaced(Retired<K, V>),
    /// There is a newer one.
    Refused(#[allow(dead_code)] Node<K, V>),
}

impl<K: 'static, V: 'static> Index<K, V> {
    pub(super) fn new() -> Self {
        let shard = |_| Shard { table: AtomicShared::null(), writer: Mutex::new(0) };
        Self { shards: std::array::from_fn(shard), texts: OnceLock::new() }
    }

    /// The entries by text, if anybody has asked for them.
    pub(super) fn texts(&self) -> Option<&Texts> {
        self.texts.get()
    }

    /// The entries by text, from now on.
    pub(super) fn make_texts(&self) -> &Texts {
        let texts = self.texts.get_or_init(Texts::default);
        // Who inserts sees to it since the line before, or had its shard locked before this does.
        texts.fill(|| {
            for shard in &self.shards {
                let writer = lock(&shard.writer);
                let guard = Guard::new();
                shard.each(&guard, |place| {
                    if let Some(node) = place.load(Acquire, &guard).as_ref() {
                        texts.insert(node.entry.text_hash(), node.key.hash);
                    }
                });
                drop(writer);
            }
        });
        texts
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard<K, V> {
        // Four bits are below sixteen.
        #[allow(clippy::cast_possible_truncation)]
        let shard = (hash >> 60) as usize;
        &self.shards[shard]
    }

    /// The node of a key with this hash.
    #[inline]
    pub(super) fn peek<'g, Q>(&self, hash: u64, key: &Q, guard: &'g Guard) -> Option<&'g Node<K, V>>
    where
        Q: Equivalent<Hashed<K>>,
    {
        let table = self.shard(hash).table.load(Acquire, guard).as_ref()?;
        let mut group = table.group(hash)?;
        loop {
            let mut found = matches(group.bytes.load(Acquire), hash);
            while found != 0 {
                let node = group.nodes.get(found.trailing_zeros() as usize / 8);
                if let Some(node) = node.and_then(|node| node.load(Acquire, guard).as_ref())
                    && key.equivalent(&node.key)
                {
                    return Some(node);
                }
                found &= found - 1;
            }
            group = group.more.load(Acquire, guard).as_ref()?;
        }
    }

    /// Inserts an entry, unless that of its key is of a later load.
    pub(super) fn insert(&self, key: Hashed<K>, entry: Entry<V>) -> Inserted<K, V>
    where
        Hashed<K>: Eq,
    {
        let (hash, shard) = (key.hash, self.shard(key.hash));
        let mut nodes = lock(&shard.writer);
        let guard = Guard::new();
        let table = shard.table.load(Acquire, &guard).as_ref();
        let text = entry.text_hash();
        if let Some((group, at)) = table.and_then(|table| table.find(hash, &|own| *own == key, &guard)) {
            let place = &group.nodes[at];
            let old = place.load(Acquire, &guard).as_ref();
            if old.is_some_and(|old| old.entry.number() > entry.number()) {
                return Inserted::Refused(Node { key, entry });
            }
            // Keys that are equal may have different texts, as 1.0 and 1.00 do.
            let old_text = old.map(|old| old.entry.text_hash()).filter(|old| *old != text);
            let new = Shared::new(Node { key, entry });
            let (old, _) = place.swap((Some(new), Tag::None), AcqRel);
            if let (Some(texts), Some(old_text)) = (self.texts(), old_text) {
                texts.remove(old_text, hash);
                texts.insert(text, hash);
            }
            return old.map_or(Inserted::New(None), |old| Inserted::Replaced(Retired::Node(old)));
        }
        *nodes += 1;
        let groups = table.map_or(0, |table| table.groups.len());
        let grown = (*nodes > groups * NODES_PER_GROUP).then(|| shard.rebuild((groups * 2).max(1), &guard)).flatten();
        if let Some(table) = shard.table.load(Acquire, &guard).as_ref() {
            table.add(Shared::new(Node { key, entry }), hash, &guard);
        }
        if let Some(texts) = self.texts() {
            texts.insert(text, hash);
        }
        Inserted::New(grown)
    }

    /// Removes the node of a key with this hash, if it is one that is to go.
    pub(super) fn remove<Q>(&self, hash: u64, key: &Q, goes: &mut dyn FnMut(&Entry<V>) -> bool) -> Option<Retired<K, V>>
    where
        Q: Equivalent<Hashed<K>>,
    {
        let shard = self.shard(hash);
        let mut nodes = lock(&shard.writer);
        let guard = Guard::new();
        let table = shard.table.load(Acquire, &guard).as_ref()?;
        let (group, at) = table.find(hash, &|own| key.equivalent(own), &guard)?;
        let place = &group.nodes[at];
        let node = place.load(Acquire, &guard).as_ref().filter(|node| goes(&node.entry))?;
        if let Some(texts) = self.texts() {
            texts.remove(node.entry.text_hash(), node.key.hash);
        }
        group.set_byte(at, 0);
        *nodes -= 1;
        place.swap((None, Tag::None), AcqRel).0.map(Retired::Node)
    }

    /// Gives back the room of nodes that are gone: the tables that are too large for those that are left.
    pub(super) fn shrink(&self, mut retire: impl FnMut(Retired<K, V>)) {
        for shard in &self.shards {
            if let Some(table) = shard.shrink() {
                retire(table);
            }
        }
    }

    /// How many entries are of a kind.
    pub(super) fn count(&self, is: impl Fn(&Entry<V>) -> bool) -> usize {
        let (guard, mut count) = (Guard::new(), 0);
        for shard in &self.shards {
            shard.each(&guard, |place| {
                if let Some(node) = place.load(Acquire, &guard).as_ref() {
                    count += usize::from(is(&node.entry));
                }
            });
        }
        count
    }

    /// How many shards have a table.
    #[cfg(test)]
    pub(super) fn tables(&self) -> usize {
        self.shards.iter().filter(|shard| !shard.table.is_null(Acquire)).count()
    }
}

impl<K, V> Index<K, V> {
    /// Takes all that is in it. Nobody else has it any more.
    pub(super) fn take(&mut self, mut retire: impl FnMut(Retired<K, V>)) {
        for shard in &self.shards {
            if let Some(table) = shard.table.swap((None, Tag::None), AcqRel).0 {
                retire(Retired::Table(table));
            }
        }
    }
}

impl<K: 'static, V: 'static> Shard<K, V> {
    /// Puts the nodes into a table of so many groups. By its writer; readers find them in either. The former table.
    fn rebuild(&self, groups: usize, guard: &Guard) -> Option<Retired<K, V>> {
        let table = Table { groups: (0..groups).map(|_| Group::new()).collect() };
        self.each(guard, |place| {
            if let Some(node) = place.get_shared(Acquire, guard) {
                let hash = node.key.hash;
                table.add(node, hash, guard);
            }
        });
        self.table.swap((Some(Shared::new(table)), Tag::None), AcqRel).0.map(Retired::Table)
    }

    /// Gives back the room of nodes that are gone. The former table.
    fn shrink(&self) -> Option<Retired<K, V>> {
        let nodes = lock(&self.writer);
        let guard = Guard::new();
        let groups = self.table.load(Acquire, &guard).as_ref()?.groups.len();
        match *nodes {
            0 => self.table.swap((None, Tag::None), AcqRel).0.map(Retired::Table),
            nodes if nodes * NODES_PER_GROUP < groups => {
                self.rebuild(nodes.div_ceil(NODES_PER_GROUP / 2).next_power_of_two(), &guard)
            }
            _ => None,
        }
    }

    /// Visits the places of all nodes, with a plain loop: one of iterators is several times the code for each type of entries.
    fn each<'g>(&self, guard: &'g Guard, mut visit: impl FnMut(&'g AtomicShared<Node<K, V>>)) {
        let Some(table) = self.table.load(Acquire, guard).as_ref() else { return };
        for group in &table.groups {
            let mut next = Some(group);
            while let Some(group) = next {
                for place in &group.nodes {
                    visit(place);
                }
                next = group.more.load(Acquire, guard).as_ref();
            }
        }
    }
}

impl<K: 'static, V: 'static> Table<K, V> {
    #[inline]
    fn group(&self, hash: u64) -> Option<&Group<K, V>> {
        // The lower bits are those that are asked for.
        #[allow(clippy::cast_possible_truncation)]
        let group = hash as usize & (self.groups.len().wrapping_sub(1));
        self.groups.get(group)
    }

    /// Where a node is. By the writer.
    fn find<'g>(
        &'g self,
        hash: u64,
        is: &dyn Fn(&Hashed<K>) -> bool,
        guard: &'g Guard,
    ) -> Option<(&'g Group<K, V>, usize)> {
        let mut next = self.group(hash);
        while let Some(group) = next {
            for (at, node) in group.nodes.iter().enumerate() {
                if node.load(Acquire, guard).as_ref().is_some_and(|node| is(&node.key)) {
                    return Some((group, at));
                }
            }
            next = group.more.load(Acquire, guard).as_ref();
        }
        None
    }

    /// Adds a node. By the writer.
    fn add(&self, node: Shared<Node<K, V>>, hash: u64, guard: &Guard) {
        let Some(mut group) = self.group(hash) else { return };
        loop {
            for (at, place) in group.nodes.iter().enumerate() {
                if place.is_null(Acquire) {
                    return group.put(at, node, hash);
                }
            }
            let Some(more) = group.more.load(Acquire, guard).as_ref() else { break };
            group = more;
        }
        let more = Group::new();
        more.put(0, node, hash);
        group.more.swap((Some(Shared::new(more)), Tag::None), Release);
    }
}

impl<K, V> Drop for Table<K, V> {
    /// Lets go of all groups and nodes together, where each group would let go of the next one only as it is freed itself.
    fn drop(&mut self) {
        for group in &self.groups {
            let mut next = group.let_go();
            while let Some(group) = next {
                next = group.let_go();
            }
        }
    }
}

impl<K, V> Group<K, V> {
    /// Lets go of its nodes. The next group, which it has no more.
    fn let_go(&self) -> Option<Shared<Self>> {
        for node in &self.nodes {
            drop(node.swap((None, Tag::None), AcqRel));
        }
        self.more.swap((None, Tag::None), AcqRel).0
    }
}

impl<K: 'static, V: 'static> Group<K, V> {
    fn new() -> Self {
        Self {
            bytes: AtomicU64::new(0),
            nodes: std::array::from_fn(|_| AtomicShared::null()),
            more: AtomicShared::null(),
        }
    }

    fn put(&self, at: usize, node: Shared<Node<K, V>>, hash: u64) {
        self.nodes[at].swap((Some(node), Tag::None), Release);
        self.set_byte(at, byte(hash));
    }

    /// By the writer.
    fn set_byte(&self, at: usize, byte: u64) {
        let others = self.bytes.load(Acquire) & !(0xFF << (8 * at));
        self.bytes.store(others | byte << (8 * at), Release);
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// The byte of a node with this hash; not zero.
#[inline]
fn byte(hash: u64) -> u64 {
    hash >> 48 & 0xFF | 0x80
}

/// The upper bits of the bytes that are those of this hash, and at times of one that is not, above one that is.
#[inline]
fn matches(bytes: u64, hash: u64) -> u64 {
    let differing = bytes ^ (byte(hash) * ONES);
    differing.wrapping_sub(ONES) & !differing & (ONES << 7)
}

#[cfg(test)]
mod tests;
