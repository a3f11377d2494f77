use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use super::super::deferred_drops;
use super::super::retired::free_garbage;
use super::super::times::{Lifetime, LoadStart};
use super::*;
use crate::key::Scopes;

/// Maps a key to few shards, groups and bytes, so that keys collide in all of them.
fn hash(key: u64) -> u64 {
    ((key % 3) << 28) | ((key % 5) << 21) | ((key % 4) << 1)
}

fn remove<V: Clone + 'static>(index: &EntryIndex<u64, V>, key: u64) -> Option<Retired<u64, V>> {
    index.remove(short_hash(hash(key)), &|node| node.args == key, &|_| ())
}

fn entry<V: Clone + 'static>(value: V, number: u64) -> Entry<V> {
    Entry::new(value, LoadStart { epoch: 0, number }, Lifetime::fresh_until(u64::MAX), &Scopes::new("n:1", &[]))
}

fn insert<V: Clone + 'static>(index: &EntryIndex<u64, V>, key: u64, value: V) -> Inserted<u64, V> {
    index.insert(Hashed { hash: hash(key), args: key }, entry(value, 0), &|_, _| ())
}

fn get<V: Clone + 'static>(index: &EntryIndex<u64, V>, key: u64) -> Option<V> {
    let guard = Guard::new();
    let node = index.find(short_hash(hash(key)), |node| node.args == key, &guard)?;
    assert_eq!((node.hash(), node.args), (short_hash(hash(key)), key));
    let log = crate::log::Log::with_mirror_bytes(0);
    node.entry.hit(0, &log).cloned()
}

#[test]
fn the_index_behaves_like_a_map() {
    let (index, mut map, mut random) = (EntryIndex::new(), HashMap::new(), fastrand::Rng::with_seed(1));
    for round in 0..20_000_u64 {
        // The table grows and shrinks by turns.
        let (key, grows) = (random.u64(..500), round / 4_000 % 2 == 0);
        if random.u8(..10) < if grows { 6 } else { 2 } {
            let new = matches!(insert(&index, key, round), Inserted::New(_));
            assert_eq!(new, map.insert(key, round).is_none());
        } else {
            let removed = remove(&index, key).is_some();
            assert_eq!(removed, map.remove(&key).is_some());
        }
        if round % 1_000 == 0 {
            index.shrink(drop);
            assert!((0..500).all(|key| get(&index, key) == map.get(&key).copied()));
            assert_eq!(index.count(|_| true), map.len());
        }
    }
    for key in map.keys() {
        drop(remove(&index, *key));
    }
    index.shrink(drop);
    assert_eq!(index.tables(), 0, "an empty table takes no memory");
}

#[test]
fn a_table_has_room_for_its_nodes_and_not_for_many_more() {
    let index = EntryIndex::new();
    let groups = || {
        let guard = Guard::new();
        let tables = index.shards.iter().filter_map(|shard| shard.table.load(Acquire, &guard).as_ref());
        tables.map(|table| table.groups.len()).sum::<usize>()
    };
    for key in 0..10_000 {
        insert(&index, key, ());
    }
    let full = groups();
    assert!((10_000 / NODES_PER_GROUP..=2 * 10_000 / NODES_PER_GROUP).contains(&full), "{full}");
    (100..10_000).for_each(|key| drop(remove(&index, key)));
    index.shrink(drop);
    assert!(groups() <= 100, "{}", groups());
    assert!((0..100).all(|key| get(&index, key).is_some()));
}

#[test]
fn a_removal_takes_only_matching_entries_and_an_insert_replaces_no_newer_one() {
    let index = EntryIndex::new();
    let insert = |value, number| index.insert(Hashed { hash: hash(1), args: 1_u64 }, entry(value, number), &|_, _| ());
    assert!(matches!(insert('b', 2), Inserted::New(None | Some(_))));
    assert!(matches!(insert('a', 1), Inserted::Refused(_)));
    assert_eq!(get(&index, 1), Some('b'));
    assert!(matches!(insert('c', 2), Inserted::Replaced(_)));
    assert!(index.remove(short_hash(hash(1)), &|node| node.entry.number() < 2, &|_| ()).is_none());
    assert_eq!(get(&index, 1), Some('c'));
    assert!(index.remove(short_hash(hash(1)), &|node| node.entry.number() == 2, &|_| ()).is_some());
    assert_eq!((get(&index, 1), index.count(|_| true)), (None, 0));
}

/// The table grows and shrinks meanwhile.
#[test]
fn a_reader_finds_every_entry_at_any_moment() {
    let (index, done) = (EntryIndex::new(), AtomicBool::new(false));
    (0..50).for_each(|key| drop(insert(&index, key, key)));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !done.load(SeqCst) {
                    for key in 0..50 {
                        assert_eq!(get(&index, key), Some(key));
                    }
                }
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let index = &index;
                threads.spawn(move || {
                    for round in 0..30 {
                        let own = (1_000..1_400).map(|key| 2 * key + writer);
                        own.clone().for_each(|key| drop(insert(index, key, key)));
                        (0..50).filter(|key| key % 2 == writer).for_each(|key| drop(insert(index, key, key)));
                        own.for_each(|key| {
                            assert!(remove(index, key).is_some(), "{round}");
                        });
                        index.shrink(drop);
                        free_garbage();
                    }
                })
            })
            .collect();
        let ended: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, SeqCst);
        assert!(ended.iter().all(Result::is_ok));
    });
    assert_eq!(index.count(|_| true), 50);
}

#[test]
fn a_removed_node_is_freed_once_it_is_dropped_and_no_sooner() {
    let (mut index, value) = (EntryIndex::new(), Arc::new(()));
    for key in 0..1_000 {
        insert(&index, key, value.clone());
    }
    free();
    assert_eq!(Arc::strong_count(&value), 1_001, "tables that grew hold nothing");
    let mut retired: Vec<_> = (0..500).filter_map(|key| remove(&index, key)).collect();
    free();
    assert_eq!(Arc::strong_count(&value), 1_001);
    retired.truncate(400);
    free();
    assert_eq!(Arc::strong_count(&value), 901);
    drop(retired);
    index.drain(drop);
    free();
    assert_eq!(Arc::strong_count(&value), 1);
}

/// Frees garbage until no reader of another test delays it any more.
fn free() {
    while !free_garbage() {}
}

#[test]
fn the_value_of_a_dropped_entry_is_left_to_its_thread() {
    let value = Arc::new(());
    drop(entry(value.clone(), 0));
    assert_eq!(Arc::strong_count(&value), 2);
    deferred_drops::drop_deferred();
    assert_eq!(Arc::strong_count(&value), 1);
}
