//! The harness: the cases of a suite take turns in short rounds, on one thread or on several at once.
//!
//! In each round every case runs once, in an order that is drawn anew; with several threads a barrier makes them start
//! a case together. A case first runs a little unmeasured, to find its code and its hot entries in the CPU's caches. A
//! time is the threads' mean of their own time per call; a ratio is formed within a round, and the median of the rounds
//! counts. Quartiles beside it tell the noise.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::times::{Spread, Times};
use crate::traffic::Traffic;

/// Calls between two looks at the clock.
const BATCH: usize = 512;
/// Time for which a case runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(2);
/// Calls over which allocations are counted.
const COUNTED: usize = 4_096;

type Run = Box<dyn Fn(&[u64]) + Sync>;

/// One thing to measure.
pub struct Case {
    name: &'static str,
    run: Run,
    /// Told that this case is about to run, or has run.
    around: Option<Box<dyn Fn(bool) + Sync>>,
}

impl Case {
    /// A call per key. Key and answer are opaque to the compiler, so it can neither foresee nor drop them.
    pub fn sync<R>(name: &'static str, call: impl Fn(u64) -> R + Sync + 'static) -> Self {
        let run = move |keys: &[u64]| {
            for &key in keys {
                drop(black_box(call(black_box(key))));
            }
        };
        Self { name, run: Box::new(run), around: None }
    }

    /// An awaited call per key. A batch is one future, as it would be in a task.
    pub fn future<R>(name: &'static str, call: impl AsyncFn(u64) -> R + Sync + 'static) -> Self {
        let run = move |keys: &[u64]| {
            block_on(async {
                for &key in keys {
                    drop(black_box(call(black_box(key)).await));
                }
            });
        };
        Self { name, run: Box::new(run), around: None }
    }

    /// Calls `switch(true)` before each round of this case and `switch(false)` after it.
    #[must_use]
    pub fn around(mut self, switch: impl Fn(bool) + Sync + 'static) -> Self {
        self.around = Some(Box::new(switch));
        self
    }

    fn switch(&self, on: bool) {
        if let Some(around) = &self.around {
            around(on);
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The way to run a suite.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The keys to ask for.
    pub traffic: Traffic,
    /// Threads that run at once.
    pub threads: usize,
    /// Rounds of the suite.
    pub rounds: usize,
    /// Time for which a case runs in a round.
    pub slice: Duration,
}

/// Results of a suite.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The way that it was run.
    pub plan: Plan,
    /// Times of a call.
    pub times: Times,
    allocations: Vec<f64>,
}

impl Outcome {
    /// A case's time as a multiple of another's, formed round by round.
    pub fn ratio(&self, name: &str, of: &str) -> Spread {
        self.times.ratio(name, of)
    }

    /// Heap blocks asked for per call, on the calling thread.
    pub fn allocations(&self, name: &str) -> f64 {
        self.allocations[self.times.index(name)]
    }
}

/// A number from the environment.
pub fn setting(name: &str, default: usize) -> usize {
    let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
    given.unwrap_or(default)
}

/// Runs a suite. Every key has been asked for by then, so what is measured are hits.
///
/// # Panics
///
/// If a case panics.
pub fn run(plan: Plan, cases: &[Case]) -> Outcome {
    fill(plan.traffic, cases);
    let start = Barrier::new(plan.threads);
    let by_thread: Vec<Vec<Vec<f64>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.threads)
            .map(|number| {
                let start = &start;
                scope.spawn(move || work(plan, cases, number, start))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a case panicked")).collect()
    });
    let mean =
        |case: usize, round: usize| by_thread.iter().map(|own| own[case][round]).sum::<f64>() / plan.threads as f64;
    Outcome {
        plan,
        times: Times::new(
            cases.iter().map(|case| case.name).collect(),
            (0..cases.len()).map(|case| (0..plan.rounds).map(|round| mean(case, round)).collect()).collect(),
        ),
        allocations: cases.iter().map(|case| allocations(plan.traffic, case)).collect(),
    }
}

/// Asks for every key twice: some caches admit a key only when they see it again.
fn fill(traffic: Traffic, cases: &[Case]) {
    let mut keys = traffic.draw(0);
    for thread in 1..4 {
        keys.extend(traffic.draw(thread));
    }
    keys.sort_unstable();
    keys.dedup();
    for case in cases {
        (case.run)(&keys);
        (case.run)(&keys);
    }
}

fn work(plan: Plan, cases: &[Case], number: usize, start: &Barrier) -> Vec<Vec<f64>> {
    let keys = plan.traffic.draw(number as u64);
    let mut nanos = vec![Vec::with_capacity(plan.rounds); cases.len()];
    // The same order on every thread, another one in every round.
    let mut rng = Rng::with_seed(plan.rounds as u64);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    let mut position = number * 31 * BATCH;
    for _ in 0..plan.rounds {
        rng.shuffle(&mut order);
        for &index in &order {
            let case = &cases[index];
            case.switch(true);
            slice(&case.run, &keys, &mut position, WARM_UP);
            start.wait();
            nanos[index].push(slice(&case.run, &keys, &mut position, plan.slice));
            start.wait();
            case.switch(false);
        }
    }
    nanos
}

/// Runs for about this long; nanoseconds per call.
fn slice(run: &Run, keys: &[u64], position: &mut usize, length: Duration) -> f64 {
    let (began, mut calls) = (Instant::now(), 0_u64);
    loop {
        let from = *position % (keys.len() - BATCH);
        run(&keys[from..from + BATCH]);
        *position = from + BATCH;
        calls += BATCH as u64;
        let passed = began.elapsed();
        if passed >= length {
            return passed.as_nanos() as f64 / calls as f64;
        }
    }
}

fn allocations(traffic: Traffic, case: &Case) -> f64 {
    let keys = traffic.draw(0);
    case.switch(true);
    (case.run)(&keys[..COUNTED]);
    let counted = allocation_counter::measure(|| (case.run)(&keys[..COUNTED]));
    case.switch(false);
    counted.count_total as f64 / COUNTED as f64
}

/// Polls a future until it is done. Those measured are nearly always done at once, so nothing here is worth a wake-up.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::yield_now();
    }
}
