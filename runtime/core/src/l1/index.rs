//! A hash table with lock-free reads, whose memory is freed when entries go.
//!
//! Sixteen shards, each with a table of its own, which one writer at a time changes. A table is an array of *groups*, each on one cache
//! line: six pointers to nodes; one word with a byte of each node's hash, by which a reader finds its node; and a pointer to a further
//! group if six nodes are not enough. A node is an entry with its key in a heap block of its own. So a writer owns what it removes, and
//! all readers of a key find the same entry, even while a table grows.
//!
//! The index knows 31 bits of a hash, which make nodes and queues smaller. Different keys seldom have the same bits, and are told apart by
//! their arguments.
//!
//! Readers hold a guard (`scc::Guard`): a removed node stays until no reader can hold it. It is then freed by the thread that dropped
//! it, which has to go on using the index for that; so removed nodes are [`Retired`] and passed to a thread that does (see `retired`).
//!
//! Invariants: a key is changed only under the lock of its shard; a node is stored before its byte is set, and its byte is cleared before
//! it is removed; a table that grew holds the nodes of the former one, so that readers of either find them.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use scc::{AtomicShared, Guard, Shared, Tag};

use super::entry::Entry;
use super::texts::Texts;
use crate::key::Hashed;
use crate::sync::atomic::AtomicU64;
use crate::sync::{Mutex, lock};

/// Number of shards. The upper four of the 31 bits select one, the seven bits below are the byte, and the lower bits select a group.
const SHARDS: usize = 16;
/// Number of nodes in a group.
const NODES: usize = 6;
/// A table grows when it has more nodes than this per group, and shrinks when it has less than one node per this many groups.
const NODES_PER_GROUP: usize = 4;

/// Entries by their keys.
pub(super) struct EntryIndex<K, V: 'static> {
    shards: [IndexShard<K, V>; SHARDS],
    /// The entries by text, once a lookup by text has created it. Changed under the lock of the entry's shard, like the entry.
    texts: OnceLock<Texts>,
}

struct IndexShard<K, V: 'static> {
    table: AtomicShared<IndexTable<K, V>>,
    /// The number of nodes, under the lock of the only writer.
    writer: Mutex<usize>,
}

pub(super) struct IndexTable<K, V: 'static> {
    /// The groups, whose number is a power of two.
    groups: Box<[NodeGroup<K, V>]>,
}

#[repr(align(64))]
struct NodeGroup<K, V: 'static> {
    /// A byte of each node's hash; zero for an empty position.
    bytes: AtomicU64,
    nodes: [AtomicShared<Node<K, V>>; NODES],
    more: AtomicShared<NodeGroup<K, V>>,
}

/// An entry and its key.
#[repr(C)]
pub(super) struct Node<K, V: 'static> {
    pub(super) args: K,
    pub(super) entry: Entry<V>,
}

/// A node and its position.
struct Located<'g, K, V: 'static> {
    group: &'g NodeGroup<K, V>,
    at: usize,
    node: &'g Node<K, V>,
}

/// A removed node or table, which readers that hold a guard may still use.
pub(super) enum Retired<K, V: 'static> {
    Node(Shared<Node<K, V>>),
    IndexTable(#[allow(dead_code)] Shared<IndexTable<K, V>>),
}

impl<K, V: 'static> Retired<K, V> {
    /// Returns the bytes that its entry counts for.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Node(node) => node.entry.meta().weight(),
            Self::IndexTable(_) => 0,
        }
    }
}

/// The outcome of an insertion.
pub(super) enum Inserted<K, V: 'static> {
    /// The entry is new. Holds the former table if the table has grown.
    New(Option<Retired<K, V>>),
    /// The entry replaces another one.
    Replaced(Retired<K, V>),
    /// The entry was not stored, because there is a newer one.
    Refused(#[allow(dead_code)] Node<K, V>),
}

/// Returns the bits of a hash by which the index and the queue know a key: those of the lower half except the lowest. The uppermost of the
/// result is zero, so that the largest number is left to the queue.
#[inline]
pub(super) fn short_hash(hash: u64) -> u32 {
    // The lower half, as intended.
    #[allow(clippy::cast_possible_truncation)]
    let hash = hash as u32;
    hash >> 1
}

/// Returns a hash with these bits.
pub(super) fn long_hash(short: u32) -> u64 {
    u64::from(short) << 1
}

impl<K, V: 'static> Node<K, V> {
    #[inline]
    pub(super) fn hash(&self) -> u32 {
        self.entry.meta().hash()
    }
}

/// Called with the node that an insert replaces, if there is one, and the new one.
pub(super) type OnStored<'a, K, V> = dyn Fn(Option<&Node<K, V>>, &Node<K, V>) + 'a;

impl<K: 'static, V: 'static> EntryIndex<K, V> {
    pub(super) fn new() -> Self {
        let shard = |_| IndexShard { table: AtomicShared::null(), writer: Mutex::new(0) };
        Self { shards: std::array::from_fn(shard), texts: OnceLock::new() }
    }

    /// Returns the entries by text, if a lookup by text has created the table.
    pub(super) fn texts(&self) -> Option<&Texts> {
        self.texts.get()
    }

    /// Returns the entries by text, and creates the table if there is none.
    pub(super) fn make_texts(&self) -> &Texts {
        let texts = self.texts.get_or_init(Texts::default);
        // An insert after the line above adds its text itself; an earlier one had its shard locked before the loop locks it.
        texts.fill(|| {
            for shard in &self.shards {
                let writer = lock(&shard.writer);
                let guard = Guard::new();
                shard.each(&guard, &mut |place| {
                    if let Some(node) = place.load(Acquire, &guard).as_ref() {
                        texts.insert(node.entry.meta().text_hash(), node.hash());
                    }
                });
                drop(writer);
            }
        });
        texts
    }

    #[inline]
    fn shard(&self, hash: u32) -> &IndexShard<K, V> {
        &self.shards[(hash >> 27) as usize % SHARDS]
    }

    /// Returns the first node for which `is` returns true, among those that may have this hash.
    #[inline]
    pub(super) fn find<'g>(
        &self,
        hash: u32,
        is: impl Fn(&Node<K, V>) -> bool,
        guard: &'g Guard,
    ) -> Option<&'g Node<K, V>> {
        let table = self.shard(hash).table.load(Acquire, guard).as_ref()?;
        table.find(hash, is, guard).map(|found| found.node)
    }

    /// Inserts an entry, unless that of its key is of a later load. `stored` gets the node that it replaces and its own, under the lock
    /// that orders the changes of the key.
    pub(super) fn insert(&self, key: Hashed<K>, mut entry: Entry<V>, stored: &OnStored<'_, K, V>) -> Inserted<K, V>
    where
        K: Eq,
    {
        let (hash, text) = (short_hash(key.hash), entry.meta().text_hash());
        entry.meta_mut().set_hash(hash);
        let node = Node { args: key.args, entry };
        let shard = self.shard(hash);
        let mut nodes = lock(&shard.writer);
        let guard = Guard::new();
        let table = shard.table.load(Acquire, &guard).as_ref();
        if let Some(Located { group, at, node: old }) =
            table.and_then(|table| table.find(hash, |old| old.args == node.args, &guard))
        {
            if old.entry.number() > node.entry.number() {
                return Inserted::Refused(node);
            }
            // Equal keys may have different texts, such as 1.0 and 1.00.
            let old_text = Some(old.entry.meta().text_hash()).filter(|old| *old != text);
            stored(Some(old), &node);
            let (old, _) = group.nodes[at].swap((Some(Shared::new(node)), Tag::None), AcqRel);
            if let (Some(texts), Some(old_text)) = (self.texts(), old_text) {
                texts.remove(old_text, hash);
                texts.insert(text, hash);
            }
            return old.map_or(Inserted::New(None), |old| Inserted::Replaced(Retired::Node(old)));
        }
        stored(None, &node);
        *nodes += 1;
        let groups = table.map_or(0, |table| table.groups.len());
        let grown = (*nodes > groups * NODES_PER_GROUP).then(|| shard.rebuild((groups * 2).max(1), &guard)).flatten();
        if let Some(table) = shard.table.load(Acquire, &guard).as_ref() {
            table.add(Shared::new(node), hash, &guard);
        }
        if let Some(texts) = self.texts() {
            texts.insert(text, hash);
        }
        Inserted::New(grown)
    }

    /// Removes the first node with this hash for which `goes` returns true, and which `removed` gets, under the lock that orders the
    /// changes of the key.
    pub(super) fn remove(
        &self,
        hash: u32,
        goes: &dyn Fn(&Node<K, V>) -> bool,
        removed: &dyn Fn(&Node<K, V>),
    ) -> Option<Retired<K, V>> {
        let shard = self.shard(hash);
        let mut nodes = lock(&shard.writer);
        let guard = Guard::new();
        let table = shard.table.load(Acquire, &guard).as_ref()?;
        let Located { group, at, node } = table.find(hash, |node| node.hash() == hash && goes(node), &guard)?;
        removed(node);
        if let Some(texts) = self.texts() {
            texts.remove(node.entry.meta().text_hash(), hash);
        }
        group.set_byte(at, 0);
        *nodes -= 1;
        group.nodes[at].swap((None, Tag::None), AcqRel).0.map(Retired::Node)
    }

    /// Shrinks the tables that are too large for their nodes.
    pub(super) fn shrink(&self, mut retire: impl FnMut(Retired<K, V>)) {
        for shard in &self.shards {
            if let Some(table) = shard.shrink() {
                retire(table);
            }
        }
    }

    /// Counts the entries for which `is` returns true.
    pub(super) fn count(&self, is: impl Fn(&Entry<V>) -> bool) -> usize {
        let mut count = 0;
        self.visit(&mut |node| count += usize::from(is(&node.entry)));
        count
    }

    /// Visits all nodes without a lock. Nodes that come or go meanwhile may be left out.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&Node<K, V>)) {
        for shard in &self.shards {
            // A guard for each shard, because removed nodes of all stores wait for it.
            let guard = Guard::new();
            shard.each(&guard, &mut |place| {
                if let Some(node) = place.load(Acquire, &guard).as_ref() {
                    visit(node);
                }
            });
        }
    }

    /// Returns the number of shards that have a table.
    #[cfg(test)]
    pub(super) fn tables(&self) -> usize {
        self.shards.iter().filter(|shard| !shard.table.is_null(Acquire)).count()
    }
}

impl<K, V: 'static> EntryIndex<K, V> {
    /// Removes all tables. No other thread uses the index any more.
    pub(super) fn drain(&mut self, mut retire: impl FnMut(Retired<K, V>)) {
        for shard in &self.shards {
            if let Some(table) = shard.table.swap((None, Tag::None), AcqRel).0 {
                retire(Retired::IndexTable(table));
            }
        }
    }
}

impl<K: 'static, V: 'static> IndexShard<K, V> {
    /// Moves the nodes into a new table of this many groups, and returns the former table. The caller is the writer; readers find the
    /// nodes in either table.
    fn rebuild(&self, groups: usize, guard: &Guard) -> Option<Retired<K, V>> {
        let table = IndexTable { groups: (0..groups).map(|_| NodeGroup::new()).collect() };
        self.each(guard, &mut |place| {
            if let Some(node) = place.get_shared(Acquire, guard) {
                let hash = node.hash();
                table.add(node, hash, guard);
            }
        });
        self.table.swap((Some(Shared::new(table)), Tag::None), AcqRel).0.map(Retired::IndexTable)
    }

    /// Shrinks the table if it is too large, and returns the former one.
    fn shrink(&self) -> Option<Retired<K, V>> {
        let nodes = lock(&self.writer);
        let guard = Guard::new();
        let groups = self.table.load(Acquire, &guard).as_ref()?.groups.len();
        match *nodes {
            0 => self.table.swap((None, Tag::None), AcqRel).0.map(Retired::IndexTable),
            nodes if nodes * NODES_PER_GROUP < groups => {
                self.rebuild(nodes.div_ceil(NODES_PER_GROUP / 2).next_power_of_two(), &guard)
            }
            _ => None,
        }
    }

    /// Visits the positions of all nodes. A plain loop and a `dyn` visitor, because this is compiled for each entry type.
    fn each<'g>(&self, guard: &'g Guard, visit: &mut dyn FnMut(&'g AtomicShared<Node<K, V>>)) {
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

impl<K: 'static, V: 'static> IndexTable<K, V> {
    #[inline]
    fn group(&self, hash: u32) -> Option<&NodeGroup<K, V>> {
        let group = hash as usize & (self.groups.len().wrapping_sub(1));
        self.groups.get(group)
    }

    /// Returns the first node for which `is` returns true, with its group and position, among those that may have this hash: all nodes with
    /// the hash, and some others.
    #[inline]
    fn find<'g>(&'g self, hash: u32, is: impl Fn(&Node<K, V>) -> bool, guard: &'g Guard) -> Option<Located<'g, K, V>> {
        let mut group = self.group(hash)?;
        loop {
            let mut found = matches(group.bytes.load(Acquire), hash);
            while found != 0 {
                let at = found.trailing_zeros() as usize / 8;
                if let Some(node) = group.nodes.get(at).and_then(|node| node.load(Acquire, guard).as_ref())
                    && is(node)
                {
                    return Some(Located { group, at, node });
                }
                found &= found - 1;
            }
            group = group.more.load(Acquire, guard).as_ref()?;
        }
    }

    /// Adds a node. The caller is the writer.
    fn add(&self, node: Shared<Node<K, V>>, hash: u32, guard: &Guard) {
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
        let more = NodeGroup::new();
        more.put(0, node, hash);
        group.more.swap((Some(Shared::new(more)), Tag::None), Release);
    }
}

impl<K, V: 'static> Drop for IndexTable<K, V> {
    /// Releases all groups and nodes at once. Otherwise each group would release the next one only when it is freed itself.
    fn drop(&mut self) {
        for group in &self.groups {
            let mut next = group.detach_all();
            while let Some(group) = next {
                next = group.detach_all();
            }
        }
    }
}

impl<K, V: 'static> NodeGroup<K, V> {
    /// Releases its nodes, and returns the next group, from which it is detached.
    fn detach_all(&self) -> Option<Shared<Self>> {
        for node in &self.nodes {
            drop(node.swap((None, Tag::None), AcqRel));
        }
        self.more.swap((None, Tag::None), AcqRel).0
    }
}

impl<K, V: 'static> NodeGroup<K, V> {
    fn new() -> Self {
        Self { bytes: AtomicU64::new(0), nodes: [const { AtomicShared::null() }; NODES], more: AtomicShared::null() }
    }

    fn put(&self, at: usize, node: Shared<Node<K, V>>, hash: u32) {
        self.nodes[at].swap((Some(node), Tag::None), Release);
        self.set_byte(at, byte(hash));
    }

    /// Sets the hash byte of a position. The caller is the writer.
    fn set_byte(&self, at: usize, byte: u64) {
        let others = self.bytes.load(Acquire) & !(0xFF << (8 * at));
        self.bytes.store(others | byte << (8 * at), Release);
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Returns the byte of a node with this hash, never zero.
#[inline]
fn byte(hash: u32) -> u64 {
    u64::from(hash >> 20 & 0xFF | 0x80)
}

/// Marks the bytes that equal the byte of this hash by their upper bits. May mark a byte above a match by mistake; the keys decide.
#[inline]
fn matches(bytes: u64, hash: u32) -> u64 {
    let differing = bytes ^ (byte(hash) * ONES);
    differing.wrapping_sub(ONES) & !differing & (ONES << 7)
}

#[cfg(test)]
mod tests;
