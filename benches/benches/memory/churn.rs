//! A bound of 64 MiB while values of 100 bytes to 1 MiB come and go, each size as likely by its logarithm.
//!
//! Two threads load values of random keys in bursts. What is counted after each call is all that the process has asked for beyond what it
//! had before: values, entries, tables, and what waits to be freed.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastness::cacheable;

use crate::budget::{Line, figures};
use crate::counted::{Memory, resident, setting};

const BOUND: f64 = (64 << 20) as f64;
const KEYS: u64 = 20_000;
/// Calls of a thread in a burst.
const BURST: u64 = 16;
const THREADS: u64 = 2;

/// Returns 100 bytes to 1 MiB.
fn length(id: u64) -> usize {
    let share = fastrand::Rng::with_seed(id).f64();
    (100.0 * 10_485.76_f64.powf(share)) as usize
}

#[cacheable(ttl = 3600, key = "blob:{id}", max_bytes = "64MiB")]
fn blob(id: u64) -> Arc<Vec<u8>> {
    Arc::new(vec![1; length(id)])
}

/// The largest number seen, and the sum of all with their number.
#[derive(Default)]
struct Seen {
    most: AtomicU64,
    sum: AtomicU64,
    count: AtomicU64,
}

impl Seen {
    fn note(&self, bytes: f64) {
        let bytes = bytes.max(0.0) as u64;
        self.most.fetch_max(bytes, Relaxed);
        self.sum.fetch_add(bytes >> 10, Relaxed);
        self.count.fetch_add(1, Relaxed);
    }

    fn most(&self) -> f64 {
        self.most.load(Relaxed) as f64
    }

    fn mean(&self) -> f64 {
        self.sum.load(Relaxed) as f64 * 1_024.0 / self.count.load(Relaxed) as f64
    }
}

/// Calls a function of random keys in bursts on two threads. Returns the bytes counted and those resident, mean and most, as parts of the
/// bound, and the calls a second.
fn churn(memory: Memory, call: impl Fn(u64) + Sync) -> Vec<f64> {
    let (seconds, pause) = (setting("CHURN_SECONDS", 20), setting("CHURN_PAUSE_MS", 50));
    let (before, resident_before, began) = (memory.allocated(), resident(), Instant::now());
    let (counted, taken, calls) = (Seen::default(), Seen::default(), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (counted, taken, calls, call) = (&counted, &taken, &calls, &call);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(number);
                while began.elapsed() < Duration::from_secs(seconds) {
                    for _ in 0..BURST {
                        call(random.u64(..KEYS));
                        counted.note(memory.allocated() - before);
                    }
                    calls.fetch_add(BURST, Relaxed);
                    taken.note(resident() - resident_before);
                    if pause > 0 {
                        thread::sleep(Duration::from_millis(pause));
                    }
                }
            });
        }
    });
    let parts = [counted.mean(), counted.most(), taken.mean(), taken.most()].map(|bytes| bytes / BOUND);
    parts.into_iter().chain([calls.load(Relaxed) as f64 / seconds as f64]).collect()
}

const COLUMNS: [&str; 5] = ["counted", "most", "resident", "most", "calls/s"];

pub(crate) fn run(memory: Memory) -> Vec<Line> {
    let row = churn(memory, |id| drop(blob(id)));
    let (mean, most) = (row[0], row[1]);
    let allocator = memory.allocator;
    figures("64 MiB under churn, as parts of the bound", &COLUMNS, &[(format!("fastness, {allocator}"), row)]);
    vec![
        Line::at_most(format!("most bytes / bound of 64 MiB, {allocator}"), 1.1, most),
        Line::at_least(format!("mean bytes / bound of 64 MiB, {allocator}"), 0.9, mean),
    ]
}

/// The same churn in a list that drops its oldest values: what an allocator makes of the sizes alone.
pub(crate) fn control(memory: Memory) {
    let list = Mutex::new((VecDeque::new(), 0));
    let row = churn(memory, |id| {
        let value = vec![1_u8; length(id)];
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        let (values, bytes) = &mut *list;
        *bytes += value.len();
        values.push_back(value);
        while *bytes as f64 > BOUND {
            *bytes -= values.pop_front().map_or(0, |value: Vec<u8>| value.len());
        }
    });
    figures("the same in a plain list", &COLUMNS, &[(format!("a list, {}", memory.allocator), row)]);
}
