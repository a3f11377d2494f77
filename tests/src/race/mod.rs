//! Seeded interleavings of loads, invalidations and reads, and the judgement of the values that the reads got.
//!
//! A seed decides everything: the tasks, the places where their bodies yield, the order of polls, the reads that are dropped halfway and
//! the loads that fail. One thread polls, so a seed that shows a violation shows it again.
//!
//! The judgement: a read that *started* after an invalidation had *returned* must not get a value whose load had *begun* before the write
//! that the invalidation announced. Every value carries the moment at which its load began, in a logical time that each event advances; an
//! invalidation carries the moment at which its write was done, directly before the invalidation began. Loads that overlap the write are
//! never a violation, so no correct cache is accused.

pub mod ours;

use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use fastrand::Rng;

/// Seeds that share one cache; each has keys of its own in it.
const SEEDS_PER_CACHE: u64 = 256;
/// Polls of an interleaving after which its unfinished tasks count as stuck.
const MAX_POLLS: usize = 20_000;

/// The key of a row: there are two groups of two rows, and each row shares its colour with one row of the other group.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The interleaving.
    pub seed: u64,
    /// The group: a prefix.
    pub group: u64,
    /// The row within the group, and its colour: a tag.
    pub colour: u64,
}

/// The scope of an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One row.
    Key(Key),
    /// All rows with this one's seed and group.
    Prefix(Key),
    /// All rows with this one's seed and colour.
    Tag(Key),
}

impl Scope {
    fn covers(self, key: Key) -> bool {
        match self {
            Self::Key(own) => own == key,
            Self::Prefix(own) => own.group == key.group,
            Self::Tag(own) => own.colour == key.colour,
        }
    }

    fn kind(self) -> usize {
        match self {
            Self::Key(_) => 0,
            Self::Prefix(_) => 1,
            Self::Tag(_) => 2,
        }
    }
}

/// The result of a load.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub struct Value {
    key: Key,
    began: u64,
}

/// A load that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

/// A cache under test.
pub trait Subject {
    /// True if the cache knows tags.
    const TAGS: bool = true;

    /// Reads through the cache; a miss calls [`World::load`].
    fn read(&self, world: &World, key: Key) -> impl Future<Output = Result<Value, Failed>>;

    /// Calls [`World::write`], then invalidates; returns what the write returned.
    fn invalidate(&self, world: &World, scope: Scope) -> impl Future<Output = u64>;

    /// Lets entries grow older, by a part of their ttl.
    fn pass_time(&self) {}
}

/// The origin behind the cache, the logical time, and the events so far.
#[derive(Debug)]
pub struct World {
    time: Cell<u64>,
    rng: RefCell<Rng>,
    done: RefCell<Vec<Done>>,
    report: RefCell<Report>,
}

/// An invalidation that has returned.
#[derive(Clone, Copy, Debug)]
struct Done {
    scope: Scope,
    written: u64,
    returned: u64,
}

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Seeds tried.
    pub interleavings: u64,
    /// Reads that got a value.
    pub reads: u64,
    /// Loads that began.
    pub loads: u64,
    /// Invalidations that returned.
    pub invalidations: u64,
    /// Reads dropped halfway.
    pub cancelled: u64,
    /// Reads of values that had been invalidated by key, by prefix and by tag.
    pub violations: [u64; 3],
    /// Reads that got another key's value.
    pub foreign: u64,
    /// Interleavings that did not end.
    pub stuck: u64,
    /// A seed that shows the first violation.
    pub first: Option<u64>,
}

impl Report {
    /// Returns whether every count is allowed.
    pub fn is_clean(&self) -> bool {
        self.violations == [0; 3] && self.foreign == 0 && self.stuck == 0
    }
}

impl World {
    /// Loads from the origin: yields a few times, and sometimes fails.
    ///
    /// # Errors
    ///
    /// Fails if the seed says so.
    pub async fn load(&self, key: Key) -> Result<Value, Failed> {
        let began = self.tick();
        self.report.borrow_mut().loads += 1;
        self.pause(4).await;
        let fails = self.rng.borrow_mut().u8(..8) == 0;
        if fails {
            return Err(Failed);
        }
        Ok(Value { key, began })
    }

    /// Writes, before an invalidation. Returns the moment at which the write was done.
    pub async fn write(&self) -> u64 {
        self.pause(2).await;
        self.tick()
    }

    fn tick(&self) -> u64 {
        self.time.set(self.time.get() + 1);
        self.time.get()
    }

    fn pause(&self, at_most: u8) -> Pause {
        Pause(self.rng.borrow_mut().u8(..=at_most))
    }

    fn judge(&self, started: u64, key: Key, value: Value) {
        let mut report = self.report.borrow_mut();
        report.reads += 1;
        report.foreign += u64::from(value.key != key);
        let missed = self
            .done
            .borrow()
            .iter()
            .copied()
            .find(|done| done.scope.covers(key) && done.returned < started && value.began < done.written);
        if let Some(done) = missed {
            report.violations[done.scope.kind()] += 1;
            report.first.get_or_insert(key.seed);
        }
    }
}

/// A future that is pending this many times.
struct Pause(u8);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Runs one interleaving per seed; `make` is given the number of the cache.
pub fn explore<S: Subject>(seeds: Range<u64>, mut make: impl FnMut(u64) -> S) -> Report {
    let mut total = Report::default();
    let mut subject = None;
    for seed in seeds {
        if seed % SEEDS_PER_CACHE == 0 {
            subject = None;
        }
        let subject = subject.get_or_insert_with(|| make(seed / SEEDS_PER_CACHE));
        total.add(interleave(seed, subject));
    }
    total
}

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Polls tasks in the seed's order until all are done.
fn interleave<S: Subject>(seed: u64, subject: &S) -> Report {
    let mut rng = Rng::with_seed(seed);
    let world = World {
        time: Cell::default(),
        rng: RefCell::new(rng.fork()),
        done: RefCell::default(),
        report: RefCell::default(),
    };
    let mut tasks = cast(seed, &world, subject, &mut rng);
    let mut cx = Context::from_waker(Waker::noop());
    let mut polls = 0;
    while !tasks.is_empty() && polls < MAX_POLLS {
        polls += 1;
        let index = rng.usize(..tasks.len());
        let (may_be_dropped, task) = &mut tasks[index];
        let dropped = *may_be_dropped && rng.u8(..64) == 0;
        world.report.borrow_mut().cancelled += u64::from(dropped);
        if dropped || task.as_mut().poll(&mut cx).is_ready() {
            drop(tasks.swap_remove(index));
        }
    }
    let stuck = u64::from(!tasks.is_empty());
    drop(tasks);
    Report { interleavings: 1, stuck, ..world.report.into_inner() }
}

/// The tasks of an interleaving, and whether each may be dropped halfway.
fn cast<'a, S: Subject>(seed: u64, world: &'a World, subject: &'a S, rng: &mut Rng) -> Vec<(bool, Task<'a>)> {
    let mut tasks: Vec<(bool, Task<'a>)> = Vec::new();
    for _ in 0..rng.usize(6..=14) {
        tasks.push((true, Box::pin(read(world, subject, key(seed, rng)))));
    }
    for _ in 0..rng.usize(1..=4) {
        let key = key(seed, rng);
        let scope = match rng.u8(..if S::TAGS { 3 } else { 2 }) {
            0 => Scope::Key(key),
            1 => Scope::Prefix(key),
            _ => Scope::Tag(key),
        };
        tasks.push((false, Box::pin(invalidate(world, subject, scope))));
    }
    for _ in 0..rng.usize(0..=2) {
        let pass = async {
            world.pause(20).await;
            subject.pass_time();
        };
        tasks.push((false, Box::pin(pass)));
    }
    tasks
}

/// Chooses a row, the first one twice as often as the others, so that tasks meet.
fn key(seed: u64, rng: &mut Rng) -> Key {
    let row = rng.u64(..5) % 4;
    Key { seed, group: row / 2, colour: row % 2 }
}

async fn read<S: Subject>(world: &World, subject: &S, key: Key) {
    world.pause(20).await;
    let started = world.tick();
    if let Ok(value) = subject.read(world, key).await {
        world.judge(started, key, value);
    }
}

async fn invalidate<S: Subject>(world: &World, subject: &S, scope: Scope) {
    world.pause(12).await;
    let written = subject.invalidate(world, scope).await;
    let returned = world.tick();
    world.report.borrow_mut().invalidations += 1;
    world.done.borrow_mut().push(Done { scope, written, returned });
}

impl Report {
    fn add(&mut self, other: Self) {
        self.interleavings += other.interleavings;
        self.reads += other.reads;
        self.loads += other.loads;
        self.invalidations += other.invalidations;
        self.cancelled += other.cancelled;
        self.foreign += other.foreign;
        self.stuck += other.stuck;
        for (own, more) in self.violations.iter_mut().zip(other.violations) {
            *own += more;
        }
        self.first = self.first.or(other.first);
    }
}
