use std::time::Duration;

use super::*;
use crate::key::scope::NoScope;
use crate::key::{Pattern, Scopes};
use crate::log::Record;

type Store = L1<((), u64), u64>;

fn store(capacity: usize) -> (Store, Clock) {
    let clock = Clock::manual();
    let common = Common {
        clock: clock.clone(),
        log: Arc::new(Log::with_mirror_bytes(1 << 12)),
        budget: Arc::new(Budget::new(usize::MAX)),
        hasher: foldhash::fast::RandomState::default(),
    };
    (L1::new(capacity, common), clock)
}

fn scopes(id: u64) -> Scopes {
    Scopes::of(&format!("n:{id}"), &[])
}

fn put(store: &Store, id: u64, value: u64, ttl: Duration) {
    let expires = store.common.clock.now() + crate::clock::nanos(ttl);
    let life = Lifetime { load_time: 0, expires, early_from: expires, local_until: u64::MAX };
    let epoch = store.common.log.position();
    store.insert(store.own(&(NoScope, id)), Entry::new(value, epoch, life, &scopes(id)));
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_value_is_served_until_it_expires_and_then_only_looked_at() {
    let (store, clock) = store(10);
    put(&store, 1, 11, MINUTE);
    assert_eq!(store.hit(&(NoScope, 1_u64)), Some(11));
    assert_eq!(store.hit(&(NoScope, 2_u64)), None);
    clock.advance(MINUTE);
    assert_eq!(store.hit(&(NoScope, 1_u64)), None);
    let found = store.look(&store.own(&(NoScope, 1_u64))).unwrap();
    assert!(found.value == 11 && !found.is_fresh(clock.now()));
}

#[test]
fn an_invalidated_value_is_not_even_looked_at() {
    let (store, _) = store(10);
    put(&store, 1, 11, MINUTE);
    put(&store, 2, 22, MINUTE);
    let pattern = Pattern::exact("n:1");
    let mut record = Record::default();
    record.push(pattern.scope, pattern.root);
    store.common.log.append(&record);
    assert_eq!(store.hit(&(NoScope, 1_u64)), None);
    assert!(store.look(&store.own(&(NoScope, 1_u64))).is_none());
    assert_eq!(store.hit(&(NoScope, 2_u64)), Some(22), "its neighbour is checked again and found valid");
    put(&store, 1, 12, MINUTE);
    assert_eq!(store.hit(&(NoScope, 1_u64)), Some(12));
}

#[test]
fn a_value_whose_load_was_overtaken_is_inserted_in_vain() {
    let (store, _) = store(10);
    let epoch = store.common.log.position();
    store.common.log.append(&Record::clear());
    let life = Lifetime { load_time: 0, expires: u64::MAX, early_from: u64::MAX, local_until: u64::MAX };
    store.insert(store.own(&(NoScope, 1_u64)), Entry::new(11, epoch, life, &scopes(1)));
    assert_eq!(store.hit(&(NoScope, 1_u64)), None);
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
        assert_eq!(store.evictions(), 3 * capacity as u64 - store.len() as u64);
        assert_eq!(store.common.budget.used(), store.len());
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
    assert_eq!((store.hit(&(NoScope, 1_u64)), store.hit(&(NoScope, 2_u64))), (Some(1), Some(99)));
}

#[test]
fn a_capacity_of_zero_stores_nothing() {
    let (store, _) = store(0);
    put(&store, 1, 1, MINUTE);
    assert_eq!((store.len(), store.hit(&(NoScope, 1_u64))), (0, None));
}

#[test]
fn over_the_total_a_store_gives_up_what_it_gains() {
    let (store, _) = store(1_000);
    store.common.budget.set_limit(50);
    for id in 0..500 {
        put(&store, id, id, MINUTE);
    }
    assert_eq!(store.len(), 50);
    store.shrink_to(10);
    assert!(store.len() <= 10);
}

#[test]
fn removal_frees_its_place() {
    let (store, _) = store(10);
    put(&store, 1, 1, MINUTE);
    store.remove(&store.own(&(NoScope, 1_u64)));
    store.remove(&store.own(&(NoScope, 1_u64)));
    assert_eq!((store.len(), store.common.budget.used()), (0, 0));
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
                    match store.hit(&(NoScope, id)) {
                        Some(value) => assert_eq!(value, id),
                        None => put(store, id, id, MINUTE),
                    }
                }
            });
        }
    });
    assert!(store.len() <= 1_000 + MAX_SHARDS);
    assert_eq!(store.common.budget.used(), store.len());
    let queued: usize = store.queues.iter().map(|queue| lock(queue).len()).sum();
    assert!(queued >= store.len());
}
