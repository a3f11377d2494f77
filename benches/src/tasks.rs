//! The harness for calls that wait: the cases of a suite take turns in short rounds, each as so many tasks at once.
//!
//! In each round every case runs once, in an order that is drawn anew, and every task makes the same number of calls. A
//! time is that of the whole round over all its calls: with one task the latency, with many the inverse of the throughput.
//! What counts is the ratio within a round, as in [`measure`](crate::measure).

use std::hint::black_box;
use std::pin::Pin;
use std::time::Instant;

use fastrand::Rng;
use tokio::task::JoinSet;

use crate::times::Times;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One thing to measure.
pub struct Case {
    name: &'static str,
    /// All calls of one task, with these numbers.
    task: Box<dyn Fn(Numbers) -> Boxed<()> + Send + Sync>,
    before: Box<dyn Fn() -> Boxed<()> + Send + Sync>,
}

/// The keys of the calls of one task; no two tasks of a round ask for the same.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    task: u64,
    tasks: u64,
    calls: u64,
}

/// The way to run a suite.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds of the suite.
    pub rounds: usize,
    /// Tasks that run at once.
    pub tasks: u64,
    /// Calls of each task in a round.
    pub calls: u64,
}

impl Case {
    /// A call per number.
    pub fn new<F>(name: &'static str, call: impl Fn(u64) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output: Send> + Send,
    {
        let task = move |numbers: Numbers| -> Boxed<()> {
            let call = call.clone();
            Box::pin(async move {
                for turn in 0..numbers.calls {
                    drop(black_box(call(black_box(turn * numbers.tasks + numbers.task)).await));
                }
            })
        };
        Self { name, task: Box::new(task), before: Box::new(|| Box::pin(async {})) }
    }

    /// Runs this before each round of the case, unmeasured.
    #[must_use]
    pub fn before<F>(mut self, prepare: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.before = Box::new(move || Box::pin(prepare()));
        self
    }

    /// Heap blocks asked for per call on this thread, by the call and by whatever else runs on it meanwhile.
    pub fn allocations(&self, runtime: &tokio::runtime::Runtime, calls: u64) -> f64 {
        let run = || runtime.block_on((self.task)(Numbers { task: 0, tasks: 1, calls }));
        run();
        allocation_counter::measure(run).count_total as f64 / calls as f64
    }

    /// The name that it was given.
    pub fn name(&self) -> &'static str {
        self.name
    }

    async fn nanos(&self, plan: Plan) -> f64 {
        (self.before)().await;
        let mut tasks = JoinSet::new();
        let began = Instant::now();
        for task in 0..plan.tasks {
            tasks.spawn((self.task)(Numbers { task, tasks: plan.tasks, calls: plan.calls }));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("a case panicked");
        }
        began.elapsed().as_nanos() as f64 / (plan.tasks * plan.calls) as f64
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Runs a suite; one round beforehand is not counted.
///
/// # Panics
///
/// If a case panics.
pub async fn run(plan: Plan, cases: &[Case]) -> Times {
    let mut nanos = vec![Vec::with_capacity(plan.rounds); cases.len()];
    let mut rng = Rng::with_seed(plan.rounds as u64);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    for round in 0..=plan.rounds {
        rng.shuffle(&mut order);
        for &index in &order {
            let measured = cases[index].nanos(plan).await;
            if round > 0 {
                nanos[index].push(measured);
            }
        }
    }
    Times::new(cases.iter().map(Case::name).collect(), nanos)
}
