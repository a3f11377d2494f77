//! The coherence rule under loom: small cases, each run in every order of threads and memory accesses, up to a bound of preemptions.
//!
//! In each case a thread changes the origin and invalidates or refreshes the key. Once that call has returned, no reader may get the old
//! value, or, after a refresh, get it as fresh. A slot under a lock replaces the index, because `scc` and tokio's channels have their own
//! tests. `scripts/test loom` runs these tests.
//!
//! May use: `clock`, `engine`, `flight`, `key`, `l1`, `log`, `sync`.

use std::sync::Arc;
use std::time::Duration;

use loom::sync::Mutex;
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::thread;

use crate::clock::Clock;
use crate::engine::ValueOrigin;
use crate::flight::{Flights, Joined, LoadOutcome, LoadPermit, Terms};
use crate::key::scopes::tag;
use crate::key::{AnyKey, Hashed, Pattern, Scopes};
use crate::l1::{Entry, Lifetime, LoadStart, SweepThread};
use crate::log::{Epoch, Log, Mirror, Record};
use crate::sync::lock;

const KEY: &str = "user:7";
const TAG: &str = "team:1";
const OLD: u64 = 1;
const NEW: u64 = 2;

fn check(case: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(case);
}

/// The origin of the value, and the log of its changes.
struct World {
    log: Arc<Log>,
    origin: AtomicU64,
    scopes: Scopes,
    /// 1 once an invalidation has returned, or a refresh in cases without invalidations.
    changed: AtomicU64,
    /// 1 once a refresh has returned, in cases with both.
    refreshed: AtomicU64,
}

impl World {
    fn new() -> Arc<Self> {
        Self::with_tags(&[])
    }

    fn with_tags(tags: &[String]) -> Arc<Self> {
        let (log, scopes) = (Arc::new(Log::with_mirror_bytes(1)), Scopes::new(KEY, tags));
        let [origin, changed, refreshed] = [OLD, 0, 0].map(AtomicU64::new);
        Arc::new(Self { log, origin, scopes, changed, refreshed })
    }

    fn change(&self) {
        self.origin.store(NEW, Relaxed);
        self.log.append(&Record::from_pattern(Pattern::exact(KEY)));
        self.changed.store(1, Release);
    }

    /// Changes the origin and invalidates a tag, and then others.
    fn change_tags(&self, tag: &str, others: &[&str]) {
        self.origin.store(NEW, Relaxed);
        self.log.append(&of_tag(tag));
        self.changed.store(1, Release);
        for other in others {
            self.log.append(&of_tag(other));
        }
    }

    /// Changes the origin and refreshes the key.
    fn refresh(&self, returned: &AtomicU64) {
        self.origin.store(NEW, Relaxed);
        self.log.append(&Record::from_pattern(Pattern::exact(KEY)).into_refresh());
        returned.store(1, Release);
    }

    /// Returns the oldest value that a read which begins now may get.
    fn oldest(&self) -> u64 {
        if self.changed.load(Acquire) == 1 { NEW } else { OLD }
    }

    fn load(&self) -> Entry<u64> {
        let epoch = self.log.position();
        let value = self.origin.load(Relaxed);
        let life = Lifetime::fresh_until(u64::MAX);
        Entry::new(value, LoadStart { epoch, number: 0 }, life, &self.scopes)
    }
}

#[test]
fn an_entry_whose_load_was_overtaken_is_not_served() {
    check(|| {
        let world = World::new();
        let writer = thread::spawn({
            let world = world.clone();
            move || world.change()
        });
        let entry = world.load();
        // The second hit relies on the position up to which the first one checked.
        for _ in 0..2 {
            let oldest = world.oldest();
            assert!(entry.hit(0, &world.log).is_none_or(|value| *value >= oldest));
        }
        writer.join().unwrap();
        assert_ne!(entry.hit(0, &world.log), Some(&OLD));
    });
}

#[test]
fn a_check_of_the_table_hides_no_record_that_comes_meanwhile() {
    check(|| {
        let world = World::new();
        let entry = world.load();
        // This record concerns another key of the same root, so that the next hit has to check the table.
        let mut record = Record::default();
        record.push(Pattern::exact("user:8").scope, world.scopes.root());
        world.log.append(&record);
        let writer = thread::spawn({
            let world = world.clone();
            move || world.change()
        });
        entry.hit(0, &world.log);
        writer.join().unwrap();
        assert_eq!(entry.hit(0, &world.log), None);
    });
}

fn of_tag(tag: &str) -> Record {
    let mut record = Record::default();
    record.push_tag(tag);
    record
}

/// An entry of many scopes is judged by the latest records, whose slots later records take.
#[test]
fn a_tag_among_many_is_not_overlooked_while_others_are_invalidated() {
    for others in [&[][..], &["other:1"], &["other:1", "other:2"]] {
        check(move || {
            let tags: Vec<_> = (1..=16).map(|number| format!("team:{number}")).collect();
            let world = World::with_tags(&tags);
            let entry = world.load();
            let writer = thread::spawn({
                let world = world.clone();
                move || world.change_tags(TAG, others)
            });
            for _ in 0..2 {
                let oldest = world.oldest();
                assert!(entry.hit(0, &world.log).is_none_or(|value| *value >= oldest));
            }
            writer.join().unwrap();
            assert_eq!(entry.hit(0, &world.log), None);
        });
    }
}

#[test]
fn two_invalidations_do_not_hide_each_other() {
    check(|| {
        let world = World::new();
        let entry = Arc::new(world.load());
        let writers = [(); 2].map(|()| {
            let (world, entry) = (world.clone(), entry.clone());
            thread::spawn(move || {
                world.change();
                assert_eq!(entry.hit(0, &world.log), None);
            })
        });
        entry.hit(0, &world.log);
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(entry.hit(0, &world.log), None);
    });
}

/// The position that one reader stores for the next readers hides nothing from a third reader that is about to check.
#[test]
fn an_entry_that_was_refreshed_is_a_hit_for_no_reader() {
    check(|| {
        let world = World::new();
        let entry = Arc::new(world.load());
        let reader = thread::spawn({
            let (world, entry) = (world.clone(), entry.clone());
            move || {
                let oldest = world.oldest();
                assert!(entry.hit(0, &world.log).is_none_or(|value| *value >= oldest));
            }
        });
        world.refresh(&world.changed);
        assert_eq!(entry.hit(0, &world.log), None);
        reader.join().unwrap();
        assert!(entry.get(&world.log).is_some_and(|found| found.is_refreshed()), "a refreshed entry is found");
    });
}

#[test]
fn an_entry_whose_load_was_refreshed_meanwhile_is_no_hit() {
    check(|| {
        let world = World::new();
        let writer = thread::spawn({
            let world = world.clone();
            move || world.refresh(&world.changed)
        });
        let entry = world.load();
        for _ in 0..2 {
            let oldest = world.oldest();
            assert!(entry.hit(0, &world.log).is_none_or(|value| *value >= oldest));
        }
        writer.join().unwrap();
        assert_ne!(entry.hit(0, &world.log), Some(&OLD));
    });
}

#[test]
fn a_refresh_and_an_invalidation_do_not_hide_each_other() {
    check(|| {
        let world = World::new();
        let entry = Arc::new(world.load());
        let invalidating = thread::spawn({
            let world = world.clone();
            move || world.change()
        });
        let refreshing = thread::spawn({
            let world = world.clone();
            move || world.refresh(&world.refreshed)
        });
        let (invalidated, refreshed) = (world.changed.load(Acquire) == 1, world.refreshed.load(Acquire) == 1);
        let found = entry.get(&world.log);
        assert!(!invalidated || found.is_none());
        assert!(!refreshed || found.is_none_or(|found| found.is_refreshed()));
        refreshing.join().unwrap();
        assert_eq!(entry.hit(0, &world.log), None);
        invalidating.join().unwrap();
        assert!(entry.get(&world.log).is_none());
    });
}

#[test]
fn a_scope_that_is_evicted_from_the_table_is_not_forgotten() {
    check(|| {
        // One bucket of ten pairs, all taken.
        let mirror = Arc::new(Mirror::with_bytes(1));
        let scope = |number: u64| number << 32 | number;
        (1..=10).for_each(|number| mirror.raise(scope(number), number));
        let writer = thread::spawn({
            let mirror = mirror.clone();
            move || [11, 12].map(|number| mirror.raise(scope(number), number))
        });
        assert!(mirror.last(scope(1)) >= 1);
        assert!(mirror.last(scope(2)) >= 2);
        writer.join().unwrap();
        assert!((1..=12).all(|number| mirror.last(scope(number)) >= number));
    });
}

const PATIENCE: Duration = Duration::from_secs(30);
const WAIT: Terms = Terms { wait: true, patience: 30_000_000_000, note: 0 };

fn key() -> Hashed<AnyKey> {
    Hashed { hash: 7, args: 7_u8 }.erased()
}

fn read(world: &World, flights: &Arc<Flights>) -> u64 {
    match flights.join(key(), world.scopes.hashes(), WAIT) {
        Joined::Lead(permit) => load_and_end(world, permit),
        Joined::Wait(waiter) => match loom::future::block_on(waiter) {
            Ok(LoadOutcome::Shared(value)) => *value.downcast().expect("a number"),
            Ok(LoadOutcome::Lead(permit)) => load_and_end(world, permit),
            // The load was given up.
            Err(_) => read(world, flights),
            _ => panic!("no other outcome is possible"),
        },
        _ => panic!("no thread is inside a load"),
    }
}

fn load_and_end(world: &World, permit: LoadPermit) -> u64 {
    let value = world.origin.load(Relaxed);
    permit.end(|| LoadOutcome::shared(value));
    value
}

#[test]
fn a_load_that_was_overtaken_is_not_joined() {
    check(|| {
        let world = World::new();
        let flights = Arc::new(Flights::new(world.log.clone(), Clock::manual()));
        let writer = thread::spawn({
            let (world, flights) = (world.clone(), flights.clone());
            move || {
                world.change();
                assert_eq!(read(&world, &flights), NEW);
            }
        });
        let oldest = world.oldest();
        assert!(read(&world, &flights) >= oldest);
        writer.join().unwrap();
    });
}

#[test]
fn a_load_that_began_before_a_refresh_is_not_joined() {
    check(|| {
        let world = World::new();
        let flights = Arc::new(Flights::new(world.log.clone(), Clock::manual()));
        let writer = thread::spawn({
            let (world, flights) = (world.clone(), flights.clone());
            move || {
                world.refresh(&world.changed);
                assert_eq!(read(&world, &flights), NEW);
            }
        });
        let oldest = world.oldest();
        assert!(read(&world, &flights) >= oldest);
        writer.join().unwrap();
    });
}

/// Reads as [`read`] does, where only the value knows the tag that is invalidated: a waiter judges it when it gets the value.
fn read_tagged(world: &World, flights: &Arc<Flights>, began: Epoch) -> u64 {
    let load = |permit: LoadPermit| {
        let (epoch, value) = (world.log.position(), world.origin.load(Relaxed));
        permit.end(|| LoadOutcome::shared((value, ValueOrigin::of_load(epoch, Some(vec![tag(TAG)])))));
        value
    };
    match flights.join(key(), world.scopes.hashes(), WAIT) {
        Joined::Lead(permit) => load(permit),
        Joined::Wait(waiter) => match loom::future::block_on(waiter) {
            Ok(LoadOutcome::Shared(outcome)) => {
                let (value, origin): (u64, ValueOrigin) = *outcome.downcast().expect("a number and its origin");
                if origin.may_be_taken(&world.log, began) { value } else { read_tagged(world, flights, began) }
            }
            Ok(LoadOutcome::Lead(permit)) => load(permit),
            // The load was given up.
            Err(_) => read_tagged(world, flights, began),
            _ => panic!("no other outcome is possible"),
        },
        _ => panic!("no thread is inside a load"),
    }
}

#[test]
fn a_waiter_that_began_after_an_invalidation_of_a_tag_of_the_value_loads_again() {
    check(|| {
        let world = World::new();
        let flights = Arc::new(Flights::new(world.log.clone(), Clock::manual()));
        let writer = thread::spawn({
            let (world, flights) = (world.clone(), flights.clone());
            move || {
                world.origin.store(NEW, Relaxed);
                world.log.append(&of_tag(TAG));
                assert_eq!(read_tagged(&world, &flights, world.log.position()), NEW);
            }
        });
        read_tagged(&world, &flights, world.log.position());
        writer.join().unwrap();
    });
}

#[test]
fn a_load_that_was_abandoned_is_taken_over_by_exactly_one() {
    check(|| {
        let world = World::new();
        let flights = Arc::new(Flights::new(world.log.clone(), Clock::manual()));
        let Joined::Lead(permit) = flights.join(key(), world.scopes.hashes(), WAIT) else { panic!("the first leads") };
        let readers = [(); 2].map(|()| {
            let (world, flights) = (world.clone(), flights.clone());
            thread::spawn(move || read(&world, &flights))
        });
        drop(permit);
        assert_eq!(readers.map(|reader| reader.join().unwrap()), [OLD, OLD]);
        let Joined::Lead(_) = flights.join(key(), world.scopes.hashes(), WAIT) else {
            panic!("an in-flight load is left in the map")
        };
    });
}

#[test]
fn another_caller_makes_a_load_whose_leader_is_given_up_whenever_the_leader_comes_back() {
    check(|| {
        let (world, clock) = (World::new(), Clock::manual());
        let flights = Arc::new(Flights::new(world.log.clone(), clock.clone()));
        let Joined::Lead(permit) = flights.join(key(), world.scopes.hashes(), WAIT) else { panic!("the first leads") };
        let reader = thread::spawn({
            let (world, flights) = (world.clone(), flights.clone());
            move || read(&world, &flights)
        });
        let time = thread::spawn(move || clock.advance(PATIENCE));
        load_and_end(&world, permit);
        assert_eq!(reader.join().unwrap(), OLD);
        time.join().unwrap();
        let Joined::Lead(_) = flights.join(key(), world.scopes.hashes(), WAIT) else {
            panic!("an in-flight load is left in the map")
        };
    });
}

#[test]
fn a_caller_that_joins_while_waiters_are_notified_gets_the_outcome_too() {
    check(|| {
        let world = World::new();
        let flights = Arc::new(Flights::new(world.log.clone(), Clock::manual()));
        let Joined::Lead(permit) = flights.join(key(), world.scopes.hashes(), WAIT) else { panic!("the first leads") };
        let readers = [(); 2].map(|()| {
            let (world, flights) = (world.clone(), flights.clone());
            thread::spawn(move || read(&world, &flights))
        });
        let value = world.origin.load(Relaxed);
        permit.notify(|| LoadOutcome::shared(value));
        permit.end(|| LoadOutcome::shared(value));
        assert_eq!(readers.map(|reader| reader.join().unwrap()), [OLD, OLD]);
        let Joined::Lead(_) = flights.join(key(), world.scopes.hashes(), WAIT) else {
            panic!("an in-flight load is left in the map")
        };
    });
}

#[test]
fn a_caller_that_joins_while_waiters_are_notified_gets_no_overtaken_value() {
    check(|| {
        let world = World::new();
        let flights = Arc::new(Flights::new(world.log.clone(), Clock::manual()));
        let Joined::Lead(permit) = flights.join(key(), world.scopes.hashes(), WAIT) else { panic!("the first leads") };
        let value = world.origin.load(Relaxed);
        let writer = thread::spawn({
            let (world, flights) = (world.clone(), flights.clone());
            move || {
                world.change();
                assert_eq!(read(&world, &flights), NEW);
            }
        });
        permit.notify(|| LoadOutcome::shared(value));
        permit.end(|| LoadOutcome::shared(value));
        writer.join().unwrap();
    });
}

#[test]
fn an_overtaken_value_that_is_inserted_late_is_not_served() {
    check(|| {
        let world = World::new();
        // The slot replaces the index of one key.
        let slot = Arc::new(Mutex::new(None));
        let loaders = [(); 2].map(|()| {
            let (world, slot) = (world.clone(), slot.clone());
            thread::spawn(move || {
                let entry = world.load();
                *lock(&slot) = Some(entry);
            })
        });
        world.change();
        let served = |slot: &Option<Entry<u64>>| slot.as_ref().and_then(|entry| entry.hit(0, &world.log).copied());
        assert_ne!(served(&lock(&slot)), Some(OLD));
        for loader in loaders {
            loader.join().unwrap();
        }
        assert_ne!(served(&lock(&slot)), Some(OLD));
    });
}

/// The sweep's thread ends when no store has an entry, and the next insert starts it again.
#[test]
fn an_entry_that_is_stored_while_the_sweep_ends_is_swept() {
    check(|| {
        let (run, stored) = (Arc::new(SweepThread::new()), Arc::new(AtomicU64::new(0)));
        assert!(run.begin(), "no thread runs yet");
        let writers = [(); 2].map(|()| {
            let (run, stored) = (run.clone(), stored.clone());
            thread::spawn(move || {
                stored.fetch_add(1, Relaxed);
                run.begin()
            })
        });
        let ended = run.end(|| stored.load(Relaxed) == 0);
        let begun = writers.map(|writer| writer.join().unwrap());
        let threads = u64::from(!ended) + begun.into_iter().map(u64::from).sum::<u64>();
        assert_eq!(threads, 1, "exactly one thread sweeps");
    });
}
