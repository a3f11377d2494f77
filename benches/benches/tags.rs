//! Hits of entries with tags, at rest and while 10 000 other tags a second are invalidated: no entry has one of those.
//!
//! Another thread invalidates: ten tags each millisecond, or one each tenth of a millisecond. `HIT_ROUNDS` and `HIT_SLICE_MS` make it
//! longer or shorter.

// Time passes between two invalidations.
#![allow(clippy::disallowed_methods)]
// Times of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_possible_truncation)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use fastness::{cache_invalidate, cacheable};
use fastness_benches::measure::{Case, Plan, block_on, run, setting};
use fastness_benches::origin::{User, find};
use fastness_benches::report::{Line, budget, table};
use fastness_benches::traffic::Traffic;

const PER_SECOND: u64 = 10_000;
/// Microseconds from one turn of the invalidating thread to the next.
const BURSTS: u64 = 1_000;
const EVEN: u64 = 100;

fn value(id: u64) -> Arc<User> {
    find(id).expect("a user")
}

fn many(user: &Arc<User>) -> Vec<String> {
    (0..100).map(|number| format!("member:{}:{number}", user.id)).collect()
}

#[cacheable(ttl = 3600, capacity = 10_000, tags = ["member:{id}"])]
fn with_one(id: u64) -> Arc<User> {
    value(id)
}

#[cacheable(ttl = 3600, capacity = 10_000, tags = ["member:{id}", "group:{id}", "team:{id}"])]
fn with_three(id: u64) -> Arc<User> {
    value(id)
}

#[cacheable(ttl = 3600, capacity = 10_000, tags = many, tag_patterns = ["member:{id}:{number}"])]
fn with_hundred(id: u64) -> Arc<User> {
    value(id)
}

#[cache_invalidate(tags = ["other:{id}"])]
async fn change(id: u64) {}

/// The time between two turns of the invalidating thread in microseconds; zero while it does nothing.
static TURN: AtomicU64 = AtomicU64::new(0);

fn invalidate() {
    let mut id = 0;
    loop {
        let turn = TURN.load(Relaxed);
        if turn == 0 {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        let began = Instant::now();
        for _ in 0..PER_SECOND * turn / 1_000_000 {
            id = (id + 1) % 1_000;
            block_on(change(id));
        }
        // A sleep would be as long as a burst.
        while began.elapsed() < Duration::from_micros(turn) {
            thread::yield_now();
        }
    }
}

/// A suite of one function: at rest, in bursts and evenly.
fn suite(tags: &'static str, names: [&'static str; 3], call: fn(u64) -> Arc<User>) -> Vec<Line> {
    let [rest, bursts, even] = names;
    let under = |name, turn| Case::sync(name, call).around(move |on| TURN.store(if on { turn } else { 0 }, Relaxed));
    let cases = [Case::sync(rest, call), under(bursts, BURSTS), under(even, EVEN)];
    let slice = Duration::from_millis(setting("HIT_SLICE_MS", 15) as u64);
    let plan = Plan { traffic: Traffic::Thousand, threads: 1, rounds: setting("HIT_ROUNDS", 15), slice };
    let outcome = run(plan, &cases);
    table(tags, &outcome, rest);
    vec![
        Line::ratio(format!("{tags}, 10 000 others a second, in bursts / at rest"), 2.0, outcome.ratio(bursts, rest)),
        Line::ratio(format!("{tags}, 10 000 others a second, evenly / at rest"), 2.0, outcome.ratio(even, rest)),
    ]
}

fn main() -> ExitCode {
    thread::spawn(invalidate);
    let mut lines = suite("1 tag", ["1 tag, at rest", "1 tag, bursts", "1 tag, evenly"], with_one);
    lines.extend(suite("3 tags", ["3 tags, at rest", "3 tags, bursts", "3 tags, evenly"], with_three));
    lines.extend(suite("100 tags", ["100 tags, at rest", "100 tags, bursts", "100 tags, evenly"], with_hundred));
    budget(&lines);
    ExitCode::SUCCESS
}
