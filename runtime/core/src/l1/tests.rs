use std::sync::Arc;
use std::time::Duration;

use super::room::{ENTRIES_PER_SHARD, MAX_SHARDS, level};
use super::*;
use crate::clock::Clock;
use crate::events::Eviction;
use crate::key::namespace::NoNamespace;
use crate::key::{KeyText, Pattern, Scopes};
use crate::log::{Log, Record};

type Store = L1<((), u64), u64>;

fn store(capacity: usize) -> (Store, Clock) {
    let clock = Clock::manual();
    let context = StoreContext {
        clock: clock.clone(),
        log: Arc::new(Log::with_mirror_bytes(1 << 12)),
        budget: Arc::new(EntryBudget::new(usize::MAX, usize::MAX)),
        loads: Arc::default(),
        hasher: foldhash::fast::RandomState::default(),
    };
    (L1::new(capacity, context), clock)
}

fn scopes(id: u64) -> Scopes {
    Scopes::new(&format!("n:{id}"), &[])
}

fn put(store: &Store, id: u64, value: u64, ttl: Duration) {
    let expires = store.context().clock.now() + crate::clock::nanos(ttl);
    store.insert(
        store.owned_key(&(NoNamespace, id)),
        Entry::new(value, store.start(), Lifetime::fresh_until(expires), &scopes(id)),
    );
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_value_is_served_until_it_expires_and_then_found_only_as_stale() {
    let (store, clock) = store(10);
    put(&store, 1, 11, MINUTE);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), Some(11));
    assert_eq!(store.hit(&(NoNamespace, 2_u64)), None);
    clock.advance(MINUTE);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), None);
    let found = store.get(&store.owned_key(&(NoNamespace, 1_u64))).unwrap();
    assert!(found.value == 11 && !found.is_fresh(clock.now()));
}

#[test]
fn an_invalidated_value_is_not_found_even_as_stale() {
    let (store, _) = store(10);
    put(&store, 1, 11, MINUTE);
    put(&store, 2, 22, MINUTE);
    let pattern = Pattern::exact("n:1");
    let mut record = Record::default();
    record.push(pattern.scope, pattern.root);
    store.context().log.append(&record);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), None);
    assert!(store.get(&store.owned_key(&(NoNamespace, 1_u64))).is_none());
    assert_eq!(store.hit(&(NoNamespace, 2_u64)), Some(22), "its neighbour is checked again and found valid");
    put(&store, 1, 12, MINUTE);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), Some(12));
}

#[test]
fn the_value_of_an_overtaken_load_is_not_served() {
    let (store, _) = store(10);
    let start = store.start();
    store.context().log.append(&Record::clear());
    let life = Lifetime::fresh_until(u64::MAX);
    store.insert(store.owned_key(&(NoNamespace, 1_u64)), Entry::new(11, start, life, &scopes(1)));
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), None);
}

#[cfg(feature = "settings")]
#[test]
fn a_store_of_many_shards_that_settings_made_small_holds_its_capacity_exactly() {
    let (store, _) = store(10_000);
    for id in 0..1_000 {
        put(&store, id, id, MINUTE);
    }
    store.set_bounds(1, StoreBounds { capacity: Some(5), max_bytes: None });
    store.evict_excess();
    assert_eq!(store.len(), 5);
    for id in 1_000..2_000 {
        put(&store, id, id, MINUTE);
        assert_eq!(store.hit(&(NoNamespace, id)), Some(id));
        assert_eq!(store.len(), 5);
    }
    store.set_bounds(1, StoreBounds::default());
    for id in 0..1_000 {
        put(&store, id, id, MINUTE);
    }
    assert!(store.len() >= 1_000);
}

#[test]
fn capacity_holds_exactly_in_small_stores_and_closely_in_sharded_ones() {
    for capacity in [1, 10, 100, 1_000, 10_000] {
        let (store, _) = store(capacity);
        for id in 0..3 * capacity as u64 {
            put(&store, id, id, MINUTE);
        }
        assert!(store.len() <= capacity + MAX_SHARDS, "{} of {capacity}", store.len());
        assert!(store.len() * 10 >= capacity * 9, "{} of {capacity}", store.len());
        assert!(store.len() == capacity || capacity >= 2 * ENTRIES_PER_SHARD, "{} of {capacity}", store.len());
        assert_eq!(store.evictions(), 3 * capacity as u64 - store.len() as u64);
        assert_eq!(store.context().budget.used(), store.len());
    }
}

#[test]
fn replacing_a_value_takes_no_room() {
    let (store, _) = store(2);
    put(&store, 1, 1, MINUTE);
    for n in 0..100 {
        put(&store, 2, n, MINUTE);
    }
    assert_eq!((store.len(), store.evictions()), (2, 0));
    assert_eq!((store.hit(&(NoNamespace, 1_u64)), store.hit(&(NoNamespace, 2_u64))), (Some(1), Some(99)));
}

#[test]
fn a_capacity_of_zero_stores_nothing() {
    let (store, _) = store(0);
    put(&store, 1, 1, MINUTE);
    assert_eq!((store.len(), store.hit(&(NoNamespace, 1_u64))), (0, None));
    assert_eq!(store.evictions(), 0, "not even for a moment");
}

#[test]
fn entries_in_use_stay_and_unused_ones_are_evicted() {
    let (store, _) = store(10);
    put(&store, 0, 0, MINUTE);
    for id in 1..100 {
        assert_eq!(store.hit(&(NoNamespace, 0_u64)), Some(0), "after {id}");
        put(&store, id, id, MINUTE);
    }
    // The entries in use now evict it, after a round for each of its three hits.
    for id in 100..200 {
        put(&store, id, id, MINUTE);
        store.hit(&(NoNamespace, id));
    }
    assert_eq!(store.hit(&(NoNamespace, 0_u64)), None);
}

/// The queue knows hashes only, and evicts one after the other.
#[test]
fn keys_with_equal_hashes_are_distinguished_by_their_arguments() {
    let (store, clock) = store(2);
    let key = |id: u64| Hashed { hash: 7 << 1, args: ((), id) };
    let put = |id, ttl| {
        let life = Lifetime::fresh_until(crate::clock::nanos(ttl));
        store.insert(key(id), Entry::new(id, store.start(), life, &scopes(id)));
    };
    let found = || [1, 2, 3].map(|id| store.get(&key(id)).map(|found| found.value));
    put(1, MINUTE * 2);
    put(2, MINUTE);
    assert_eq!(found(), [Some(1), Some(2), None]);
    assert_eq!(
        [1, 2].map(|id| store
            .key_of(KeyText { hash: scopes(id).hashes()[0], text: "" }, |_| String::new())
            .unwrap()
            .args
            .1),
        [1, 2]
    );
    clock.advance(MINUTE);
    sweep(&store);
    assert_eq!(found(), [Some(1), None, None], "the dead one is found behind the living one");
    put(2, MINUTE * 2);
    store.remove(&key(2), u64::MAX);
    assert_eq!(found(), [Some(1), None, None]);
    (2..10).for_each(|id| put(id, MINUTE * 2));
    // The position of the removed one takes the room of a living one.
    assert_eq!((store.len(), store.context().budget.used()), (1, 1));
}

#[test]
fn a_store_over_the_total_evicts_as_many_entries_as_it_gains() {
    let (store, _) = store(1_000);
    store.context().budget.set_limit(50);
    for id in 0..500 {
        put(&store, id, id, MINUTE);
    }
    assert_eq!(store.len(), 50);
    store.shrink_to(10, Eviction::Capacity);
    assert!(store.len() <= 10);
}

#[test]
fn the_value_of_a_later_load_is_neither_replaced_nor_removed_by_an_earlier_one() {
    let (store, _) = store(10);
    let key = store.owned_key(&(NoNamespace, 1_u64));
    let life = Lifetime::fresh_until(u64::MAX);
    let (earlier, later) = (store.start(), store.start());
    let insert = |value, start| store.insert(key.clone(), Entry::new(value, start, life, &scopes(1)));
    insert(2, later);
    assert!(store.has_newer(&key, earlier.number) && !store.has_newer(&key, later.number));
    insert(1, earlier);
    store.remove(&key, earlier.number);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), Some(2));
    insert(3, later);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), Some(3), "one that is as new replaces it");
    store.remove(&key, later.number);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), None);
    insert(1, earlier);
    assert_eq!(store.hit(&(NoNamespace, 1_u64)), Some(1), "nothing newer is there");
}

#[test]
fn a_removal_frees_the_place_of_its_entry() {
    let (store, _) = store(10);
    assert!(store.is_empty());
    put(&store, 1, 1, MINUTE);
    assert!(!store.is_empty());
    store.remove(&store.owned_key(&(NoNamespace, 1_u64)), u64::MAX);
    store.remove(&store.owned_key(&(NoNamespace, 1_u64)), u64::MAX);
    assert_eq!((store.len(), store.context().budget.used()), (0, 0));
}

#[test]
fn many_threads_insert_and_hit_without_losing_count() {
    let (store, _) = store(1_000);
    std::thread::scope(|threads| {
        for seed in 0..4 {
            let store = &store;
            threads.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..20_000 {
                    let id = random.u64(..3_000);
                    match store.hit(&(NoNamespace, id)) {
                        Some(value) => assert_eq!(value, id),
                        None => put(store, id, id, MINUTE),
                    }
                }
            });
        }
    });
    assert!(store.len() <= 1_000 + MAX_SHARDS);
    assert_eq!(store.context().budget.used(), store.len());
    let queued: usize = store.room.queues.iter().map(|queue| crate::sync::lock(queue).len()).sum();
    assert!(queued >= store.len());
}

#[test]
fn stores_of_many_shards_shrink_to_the_number() {
    let (store, _) = store(10_000);
    for id in 0..5_000 {
        put(&store, id, id, MINUTE);
    }
    for entries in [4_999, 100, 5, 0] {
        store.shrink_to(entries, Eviction::Capacity);
        assert_eq!((store.len(), store.context().budget.used()), (entries, entries));
    }
    assert_eq!(store.evictions(), 5_000);
}

#[test]
fn capacity_that_short_queues_do_not_use_goes_to_the_others() {
    assert_eq!(level(vec![5, 1, 3], 9), usize::MAX, "all have room");
    assert_eq!(level(vec![5, 1, 3], 8), 4);
    assert_eq!(level(vec![5, 1, 3], 7), 3);
    assert_eq!(level(vec![5, 1, 3], 6), 3, "one too many, which the longest gives up");
    assert_eq!(level(vec![5, 1, 3], 3), 1);
    assert_eq!(level(vec![5, 1, 3], 1), 1);
    assert_eq!((level(vec![5, 1, 3], 0), level(vec![0, 0], 0)), (0, usize::MAX));
}

/// Once the stores are equally large, the new entry itself is evicted.
#[test]
fn the_largest_store_evicts_an_entry_when_the_total_is_exceeded() {
    let (first, _) = store(1_000);
    let context = first.context().clone();
    let stores: [Arc<Store>; 2] = std::array::from_fn(|_| Arc::new(L1::new(1_000, context.clone())));
    for store in &stores {
        let weak: std::sync::Weak<Store> = Arc::downgrade(store);
        context.budget.add_store(weak);
    }
    context.budget.set_limit(20);
    assert_eq!(context.budget.limit(), 20);
    let [large, small] = &stores;
    for id in 0..20 {
        put(large, id, id, MINUTE);
    }
    assert_eq!((large.len(), context.budget.used()), (20, 20), "as many as there may be");
    for id in 0..50 {
        put(small, id, id, MINUTE);
        assert_eq!((large.len() + small.len(), context.budget.used()), (20, 20));
    }
    assert_eq!((large.len(), small.len()), (11, 9));
}

#[test]
fn the_next_load_is_delayed_for_the_key_that_failed() {
    let (store, _) = store(10);
    put(&store, 1, 11, MINUTE);
    put(&store, 2, 22, MINUTE);
    store.delay_next_load(&store.owned_key(&(NoNamespace, 1_u64)), 0, 5);
    store.delay_next_load(&store.owned_key(&(NoNamespace, 3_u64)), 0, 5);
    let noted = |key: u64| store.get(&store.owned_key(&(NoNamespace, key))).expect("the key has an entry").retry_at;
    assert_eq!((noted(1), noted(2)), (5, 0));
    put(&store, 1, 12, MINUTE);
    put(&store, 3, 33, MINUTE);
    assert_eq!((noted(1), noted(3)), (0, 0), "a new value, and a key that had none");
}

fn at(epoch: u64) -> LoadStart {
    LoadStart { epoch, number: 0 }
}

fn entry(expires: u64, early_from: u64, local_until: u64) -> Entry<u8> {
    Entry::new(7, at(0), Lifetime { early_from, local_until, ..Lifetime::fresh_until(expires) }, &scopes(1))
}

#[test]
fn an_entry_is_served_at_once_until_the_first_of_its_ends() {
    let log = Log::with_mirror_bytes(0);
    for (expires, early_from, local_until) in [(10, 20, 20), (20, 10, 20), (20, 20, 10)] {
        let entry = entry(expires, early_from, local_until);
        assert_eq!((entry.hit(9, &log), entry.hit(10, &log)), (Some(&7), None));
        let found = entry.get(&log).unwrap();
        assert!(found.is_fresh(9));
        assert_eq!(found.is_fresh(10), early_from == 10, "a refresh before its time does not make it stale");
        assert!(!found.is_fresh(20));
    }
}

/// The times of an entry are numbers in few bits, and exact all the same where it matters.
#[test]
fn an_entry_returns_the_times_that_it_was_given() {
    const DAY: u64 = 24 * 3_600 * 1_000_000_000;
    let log = Log::with_mirror_bytes(0);
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..100_000 {
        let expires = random.u64(1..=DAY);
        let early_from = if random.bool() { expires } else { random.u64(1..=expires) };
        let local_until = if random.bool() { u64::MAX } else { random.u64(1..2 * DAY) };
        let served_until = expires + if random.bool() { 0 } else { random.u64(0..DAY) };
        let life = Lifetime {
            load_time: random.u64(0..DAY / 24),
            expires,
            early_from,
            local_until,
            served_until,
            age: 0,
            idle: u64::MAX,
        };
        let entry = Entry::new(7, LoadStart { epoch: round, number: round * 3 }, life, &scopes(1));
        let found = entry.get(&log).unwrap();
        assert_eq!((found.life.expires, found.life.served_until), (expires, served_until), "{life:?}");
        assert_eq!(found.life.local_until.min(expires), local_until.min(expires), "{life:?}");
        assert_eq!((found.start.epoch, found.start.number), (round, round * 3));
        let first = early_from.min(local_until);
        assert!(found.fresh_until >= first && found.fresh_until - first <= expires / 1_000, "{life:?}");
        assert!(found.fresh_until <= expires.min(local_until), "{life:?}");
        assert!(found.life.load_time.abs_diff(life.load_time) <= life.load_time / 8 + 1_024, "{life:?}");
    }
}

/// A read is noted by one write, and only once a sixteenth of the time has passed.
#[test]
fn an_entry_ends_when_it_is_idle() {
    let (store, clock) = store(10);
    let key = store.owned_key(&(NoNamespace, 1_u64));
    let insert = |life| store.insert(key.clone(), Entry::new(11, store.start(), life, &scopes(1)));
    let hit = || store.hit(&(NoNamespace, 1_u64));
    let life = Lifetime { idle: 16, ..Lifetime::fresh_until(100) };
    insert(life);
    for _ in 0..6 {
        clock.advance(Duration::from_nanos(15));
        assert_eq!(hit(), Some(11));
    }
    clock.advance(Duration::from_nanos(8)); // it began at 1
    assert_eq!(hit(), Some(11));
    clock.advance(Duration::from_nanos(1));
    assert!(hit().is_none() && store.get(&key).is_some(), "its ttl is over");
    insert(Lifetime { expires: 1_000, early_from: 1_000, served_until: 2_000, ..life });
    clock.advance(Duration::from_nanos(15));
    assert_eq!((hit(), store.get(&key).unwrap().fresh_until), (Some(11), 1_000));
    clock.advance(Duration::from_nanos(16));
    assert!(hit().is_none() && store.get(&key).is_none() && store.living() == 0);
    sweep(&store);
    assert!(store.is_swept());
}

/// No hit serves an entry that is to be refreshed early, or that is stale or refreshed, so its reads are noted apart from hits.
#[test]
fn reads_that_are_no_hits_prolong_the_idle_time() {
    let (store, clock) = store(10);
    let key = store.owned_key(&(NoNamespace, 1_u64));
    let insert = |expires, early_from| {
        let life = Lifetime { early_from, served_until: 20_000, idle: 160, ..Lifetime::fresh_until(expires) };
        store.insert(key.clone(), Entry::new(11, store.start(), life, &scopes(1)));
    };
    let reads = |is: &dyn Fn(&FoundEntry<u64>) -> bool| {
        for n in 0..20 {
            clock.advance(Duration::from_nanos(150));
            assert!(
                store.hit(&(NoNamespace, 1_u64)).is_none() && store.get(&key).is_some_and(|found| is(&found)),
                "{n}"
            );
            assert_eq!(store.living(), 1, "{n}");
        }
    };
    let ends = || {
        clock.advance(Duration::from_nanos(160));
        assert!(store.get(&key).is_none() && store.living() == 0, "it was not read");
    };
    insert(10_000, 10);
    reads(&|found| found.is_fresh(clock.now()));
    ends();
    insert(3_200, 3_200);
    reads(&|found| !found.is_fresh(clock.now()));
    ends();
    insert(20_000, 20_000);
    store.context().log.append(&refresh("n:1"));
    reads(&FoundEntry::is_refreshed);
    ends();
}

#[test]
fn a_refresh_ends_an_entry_that_is_read_at_the_same_time() {
    let log = Log::with_mirror_bytes(1 << 10);
    let life = Lifetime { idle: 16, ..Lifetime::fresh_until(100) };
    let mut entry = Entry::new(7, at(0), life, &scopes(1));
    entry.meta_mut().store_at(0);
    log.append(&refresh("n:1"));
    assert!(entry.hit(5, &log).is_none() && entry.hit(6, &log).is_none());
    assert!(entry.get(&log).is_some_and(|found| found.is_refreshed()));
    let brought = Entry::new(7, at(log.position()), Lifetime { early_from: 0, ..life }, &scopes(1));
    assert!(brought.hit(1, &log).is_none(), "it was refreshed in the shared tier");
}

#[test]
fn an_entry_without_expiry_has_none() {
    let log = Log::with_mirror_bytes(0);
    for expires in [u64::MAX, u64::MAX - 1, u64::MAX / 2] {
        let entry = Entry::new(7, at(0), Lifetime::fresh_until(expires), &scopes(1));
        let found = entry.get(&log).unwrap();
        assert_eq!((found.life.expires, found.fresh_until), (u64::MAX, u64::MAX));
        assert_eq!(entry.hit(u64::MAX / 2 - 1, &log), Some(&7));
        assert_eq!(entry.meta().ttl_left(1, &log), None);
    }
}

#[test]
fn an_entry_of_a_number_and_a_pointer_takes_88_bytes() {
    use super::index::Node;
    // Two words more for its place among the index's heap blocks.
    assert_eq!(size_of::<Node<((), u64), Arc<u64>>>() + 16, 88);
}

fn refresh(key: &str) -> Record {
    Record::from_pattern(Pattern::exact(key)).into_refresh()
}

#[test]
fn an_entry_that_was_refreshed_is_found_but_not_fresh() {
    let (log, entry) = (Log::with_mirror_bytes(1 << 10), entry(10, 10, 10));
    log.append(&refresh("n:2"));
    assert_eq!(entry.hit(0, &log), Some(&7), "a refresh of another key does not concern it");
    log.append(&refresh("n:1"));
    // Twice, because the first check notes the refresh in the entry.
    for _ in 0..2 {
        assert_eq!(entry.hit(0, &log), None);
        let found = entry.get(&log).expect("it may still be served as stale");
        assert!(found.is_refreshed() && !found.is_fresh(0));
        assert_eq!((found.value, found.life.expires), (7, 10));
    }
    log.append(&Record::from_pattern(Pattern::exact("n:1")));
    assert!(entry.get(&log).is_none(), "an invalidation counts, too");
}

#[test]
fn only_a_refresh_after_the_beginning_of_its_load_expires_an_entry() {
    let log = Log::with_mirror_bytes(1 << 10);
    let began = log.position();
    log.append(&refresh("n:1"));
    let life = Lifetime { local_until: 10, ..Lifetime::fresh_until(10) };
    let [before, after] = [began, log.position()].map(|epoch| Entry::new(7, at(epoch), life, &scopes(1)));
    assert_eq!((before.hit(0, &log), after.hit(0, &log)), (None, Some(&7)));
    let brought = Entry::new(7, at(log.position()), Lifetime { early_from: 0, ..life }, &scopes(1));
    assert!(brought.get(&log).unwrap().is_refreshed(), "it was refreshed in the shared tier");
}

#[test]
fn hits_are_counted_up_to_three() {
    let (log, entry) = (Log::with_mirror_bytes(0), entry(10, 10, 10));
    for expected in [1, 2, 3, 3, 3] {
        entry.hit(0, &log);
        assert_eq!(entry.meta().hits(), expected);
    }
    entry.meta().set_hits(1);
    entry.get(&log);
    assert_eq!(entry.meta().hits(), 2, "`get` counts as a hit, too");
}

#[test]
fn an_entry_that_was_found_valid_is_not_judged_again_until_the_log_moves() {
    // One full bucket: every lookup in the table is a verdict by its floor.
    let log = Log::with_mirror_bytes(0);
    let invalidate = |key: &str| {
        let (pattern, mut record) = (Pattern::exact(key), Record::default());
        record.push(pattern.scope, pattern.root);
        log.append(&record);
    };
    (0..20).for_each(|n| invalidate(&format!("n:1{n}")));
    let life = Lifetime { local_until: 10, ..Lifetime::fresh_until(10) };
    let entry = Entry::new(7, at(log.position()), life, &scopes(1));
    let judged = || {
        let before = log.floor_verdicts();
        assert_eq!(entry.hit(0, &log), Some(&7));
        log.floor_verdicts() > before
    };
    assert!(!judged(), "nothing happened since its load began");
    invalidate("n:2");
    assert!(judged() && !judged() && !judged());
}

#[test]
fn an_entry_of_many_tags_is_judged_by_the_records_since_its_last_check() {
    // One full bucket: every lookup in the table is a verdict by its floor.
    let log = Log::with_mirror_bytes(0);
    let invalidate = |tag: &str| {
        let mut record = Record::default();
        record.push_tag(tag);
        log.append(&record);
    };
    (0..20).for_each(|n| invalidate(&format!("other:1{n}")));
    let tags: Vec<_> = (0..100).map(|n| format!("team:{n}")).collect();
    let entry = Entry::new(7, at(log.position()), Lifetime::fresh_until(10), &Scopes::new("n:1", &tags));
    for _ in 0..50 {
        invalidate("other:2");
        assert_eq!(entry.hit(0, &log), Some(&7));
    }
    assert_eq!(log.floor_verdicts(), 0);
    invalidate("other:2");
    invalidate("team:57");
    assert_eq!(entry.hit(0, &log), None);
}

fn invalidate(store: &Store, key: &str) {
    let (pattern, mut record) = (Pattern::exact(key), Record::default());
    record.push(pattern.scope, pattern.root);
    store.context().log.append(&record);
}

/// Sweeps until no reader of another test delays it any more.
fn sweep<V: Clone + Send + Sync + 'static>(store: &L1<((), u64), V>) {
    while !store.sweep() {}
}

#[test]
fn dead_entries_are_swept_and_living_ones_stay() {
    let (store, clock) = store(1_000);
    (0..100).for_each(|id| put(&store, id, id, MINUTE * if id < 50 { 1 } else { 2 }));
    (90..100).for_each(|id| invalidate(&store, &format!("n:{id}")));
    assert_eq!((store.len(), store.living()), (100, 90));
    sweep(&store);
    assert_eq!((store.len(), store.context().budget.used(), store.evictions()), (90, 90, 0));
    clock.advance(MINUTE);
    assert_eq!((store.len(), store.living()), (90, 40));
    sweep(&store);
    assert_eq!(store.len(), 40);
    assert!((50..90).all(|id| store.hit(&(NoNamespace, id)) == Some(id)));
    clock.advance(MINUTE);
    sweep(&store);
    assert!(store.is_swept() && store.room.queues.iter().all(|queue| crate::sync::lock(queue).len() == 0));
}

#[test]
fn a_store_in_which_nothing_can_have_died_is_not_looked_through() {
    let (store, clock) = store(100);
    assert!(!store.room.may_have_dead());
    put(&store, 1, 1, MINUTE);
    put(&store, 2, 2, MINUTE * 2);
    assert!(!store.room.may_have_dead());
    clock.advance(MINUTE);
    assert!(store.room.may_have_dead());
    sweep(&store);
    assert!(!store.room.may_have_dead(), "the next end is a minute away");
    invalidate(&store, "m:1");
    assert!(store.room.may_have_dead(), "the log moved");
    sweep(&store);
    assert!(!store.room.may_have_dead());
    put(&store, 2, 3, Duration::from_secs(1));
    clock.advance(Duration::from_secs(1));
    assert!(store.room.may_have_dead(), "an entry that is replaced may end sooner");
    sweep(&store);
    assert!(store.is_swept());
}

#[test]
fn an_entry_lives_for_as_long_as_any_reader_serves_it() {
    let (store, clock) = store(10);
    put(&store, 1, 1, MINUTE);
    clock.advance(MINUTE);
    assert_eq!(store.living(), 0);
    store.extend_grace(crate::clock::nanos(MINUTE));
    store.extend_grace(1);
    assert_eq!(store.living(), 1);
    sweep(&store);
    assert!(store.get(&store.owned_key(&(NoNamespace, 1_u64))).is_some());
    clock.advance(MINUTE);
    sweep(&store);
    assert_eq!(store.len(), 0);
    let own = Lifetime { served_until: u64::MAX, ..Lifetime::fresh_until(1) };
    store.insert(store.owned_key(&(NoNamespace, 2_u64)), Entry::new(2, store.start(), own, &scopes(2)));
    clock.advance(MINUTE * 10);
    sweep(&store);
    assert_eq!(store.len(), 1, "its own window is longer");
}

#[test]
fn the_sweep_spoils_no_hit() {
    let (store, _) = store(100);
    let context = StoreContext { log: Arc::new(Log::with_mirror_bytes(0)), ..store.context().clone() };
    let store: Store = L1::new(100, context);
    put(&store, 100, 100, MINUTE);
    (0..20).for_each(|id| invalidate(&store, &format!("n:{id}")));
    put(&store, 1, 1, MINUTE);
    (0..11).for_each(|id| invalidate(&store, &format!("m:{id}")));
    sweep(&store);
    assert_eq!(store.context().log.floor_verdicts(), 0, "no caller asked");
    assert!(store.len() <= 1);
}

/// An admission without room removes dead entries itself, without a sweep, and keeps all counts right.
#[test]
fn dead_entries_make_room() {
    let (store, _) = store(1_000);
    for id in 0..1_000 {
        put(&store, id, id, MINUTE);
        (0..3).for_each(|_| assert_eq!(store.hit(&(NoNamespace, id)), Some(id)));
    }
    store.context().log.append(&Record::clear());
    for id in 1_000..2_000 {
        put(&store, id, id, MINUTE);
    }
    assert!((1_000..2_000).all(|id| store.hit(&(NoNamespace, id)) == Some(id)));
    assert_eq!((store.len(), store.context().budget.used(), store.evictions()), (1_000, 1_000, 0));
}

#[test]
fn a_million_dead_values_are_dropped_and_their_table_with_them() {
    let (small, clock) = store(1);
    let store = L1::<((), u64), Arc<()>>::new(1_000_000, small.context().clone());
    let value = Arc::new(());
    for id in 0..1_000_000_u64 {
        let entry = Entry::new(value.clone(), store.start(), Lifetime::fresh_until(100), &scopes(1));
        store.insert(store.owned_key(&(NoNamespace, id)), entry);
    }
    clock.advance(MINUTE);
    sweep(&store);
    assert!(store.is_swept());
    while Arc::strong_count(&value) > 1 {
        retired::free_garbage();
    }
    assert_eq!(store.index.tables(), 0);
}

#[test]
fn a_bounded_number_of_entries_waits_for_a_late_sweep() {
    let (small, _) = store(1);
    let store = L1::<((), u64), Arc<()>>::new(10, small.context().clone());
    let value = Arc::new(());
    let mut most = 0;
    for id in 0..20_000_u64 {
        let entry = Entry::new(value.clone(), store.start(), Lifetime::fresh_until(u64::MAX), &scopes(1));
        store.insert(store.owned_key(&(NoNamespace, id)), entry);
        most = most.max(Arc::strong_count(&value));
    }
    // There are more only while another test's thread is reading.
    assert!(most < 10_000, "{most}");
    sweep(&store);
    while Arc::strong_count(&value) > 11 {
        retired::free_garbage();
    }
}

#[test]
fn a_value_that_cannot_be_stored_is_dropped_at_once() {
    let (small, _) = store(1);
    let store = L1::<((), u64), Arc<()>>::new(0, small.context().clone());
    let value = Arc::new(());
    let entry = Entry::new(value.clone(), store.start(), Lifetime::fresh_until(u64::MAX), &scopes(1));
    store.insert(store.owned_key(&(NoNamespace, 1_u64)), entry);
    assert_eq!(Arc::strong_count(&value), 1);
}
