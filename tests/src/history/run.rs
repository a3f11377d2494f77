//! A seeded run: tasks read, write and invalidate on several nodes, while servers and links fail.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::{Event, GROUPS, KEYS, Report, Scope, Subject, judge};
use crate::servers::{Proxy, Redis};

/// Nodes of a run.
const NODES: usize = 3;
/// Tasks of a run.
const TASKS: usize = 12;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server is paused, and resumed.
    Pause,
    /// The server is killed, and another one, empty, takes its place.
    Restart,
    /// One node's link is cut.
    Cut,
    /// One node's link loses everything, and stays open.
    Silence,
    /// One node's link is slow.
    Delay,
    /// All data is flushed, the log with it.
    Flush,
    /// The server has no room and evicts any key, the log included.
    Evict,
}

/// The course of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of all random choices.
    pub seed: u64,
    /// The duration of the run.
    pub time: Duration,
    /// Faults that occur from time to time, each on its own.
    pub faults: Vec<Fault>,
}

/// The truth: a version per key.
#[derive(Clone, Debug, Default)]
pub struct Origin(Arc<[AtomicU64; KEYS]>);

impl Origin {
    /// Returns the present version of a key. A load takes a while before and after it reads the version.
    pub async fn load(&self, key: usize) -> u64 {
        tokio::task::yield_now().await;
        let version = self.0[key].load(Ordering::SeqCst);
        pause(Duration::from_millis(1)).await;
        version
    }

    /// Writes the next version of a key.
    pub fn write(&self, key: usize) -> u64 {
        self.0[key].fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[derive(Default)]
struct Shared {
    origin: Origin,
    events: Mutex<Vec<Event>>,
    stop: AtomicBool,
    /// Nodes that ended before the run, as bits.
    ended: AtomicU64,
}

/// Ends nodes of a run that is under way.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

impl Control {
    /// Ends a node as a crash of its process would, once its calls under way have returned. No other clone of the node may exist.
    pub fn end(&self, node: usize) {
        self.0.ended.fetch_or(1 << node, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl Shared {
    fn note(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    fn goes_on(&self, node: usize) -> bool {
        !self.stop.load(Ordering::SeqCst) && self.ended.load(Ordering::SeqCst) & (1 << node) == 0
    }
}

/// Runs the plan with nodes made by this function from the addresses of their links, and judges it.
pub async fn run<S: Subject>(plan: &Plan, server: &mut Redis, make: impl AsyncFn(String) -> S) -> (Report, usize) {
    let (mut nodes, mut proxies) = (Vec::new(), Vec::new());
    for _ in 0..NODES {
        let proxy = Proxy::start(server.port()).await;
        nodes.push(make(proxy.url()).await);
        proxies.push(proxy);
    }
    run_while(plan.seed, &nodes, fail(plan, server, &proxies)).await
}

/// Lets these nodes work while `disturb` runs, and judges the history. `disturb` returns the number of faults.
pub async fn run_while<S: Subject>(seed: u64, nodes: &[S], disturb: impl Future<Output = usize>) -> (Report, usize) {
    run_controlled(seed, nodes.to_vec(), async |_| disturb.await).await
}

/// Lets nodes work while `disturb` runs, which may end some of them, and judges the history.
pub async fn run_controlled<S: Subject>(
    seed: u64,
    nodes: Vec<S>,
    disturb: impl AsyncFnOnce(Control) -> usize,
) -> (Report, usize) {
    let shared = Arc::<Shared>::default();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (index, rng) = (task % nodes.len(), Rng::with_seed(seed ^ (task as u64) << 32));
        tasks.spawn(work(shared.clone(), nodes[index].clone(), index, rng));
    }
    for (index, node) in nodes.into_iter().enumerate() {
        tasks.spawn(watch(shared.clone(), node, index));
    }
    let injected = disturb(Control(shared.clone())).await;
    shared.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task failed");
    }
    let events = std::mem::take(&mut *shared.events.lock().unwrap_or_else(PoisonError::into_inner));
    (judge(&events), injected)
}

async fn work<S: Subject>(shared: Arc<Shared>, subject: S, node: usize, mut rng: Rng) {
    while shared.goes_on(node) {
        match rng.u8(..100) {
            0..85 => {
                let (key, start) = (rng.usize(..KEYS), Instant::now());
                let version = subject.read(key, shared.origin.clone()).await;
                shared.note(Event::Read { node, key, version, start });
            }
            85..91 => invalidate(&shared, &subject, node, Scope::Key(rng.usize(..KEYS)), false).await,
            91..93 => invalidate(&shared, &subject, node, Scope::Group(rng.usize(..GROUPS)), false).await,
            93..97 => invalidate(&shared, &subject, node, Scope::Key(rng.usize(..KEYS)), true).await,
            97..98 => invalidate(&shared, &subject, node, Scope::Group(rng.usize(..GROUPS)), true).await,
            _ => {
                subject.put(rng.usize(..KEYS), shared.origin.clone()).await;
            }
        }
        // Caches answer at once: without this pause, a run would be nothing but hits.
        pause(Duration::from_micros(rng.u64(..500))).await;
    }
}

async fn invalidate<S: Subject>(shared: &Shared, subject: &S, node: usize, scope: Scope, is_refresh: bool) {
    let written = scope.keys().map(|key| (key, shared.origin.write(key))).collect::<Vec<_>>();
    let reach = if is_refresh { subject.refresh(scope).await } else { subject.invalidate(scope).await };
    let end = Instant::now();
    for (key, version) in written {
        shared.note(Event::Invalidated { node, key, version, end, reach, is_refresh });
    }
}

/// Records when a node has no pending invalidation.
async fn watch<S: Subject>(shared: Arc<Shared>, subject: S, node: usize) {
    while shared.goes_on(node) {
        let before = Instant::now();
        if subject.is_clear() {
            shared.note(Event::Clear { node, before, after: Instant::now() });
        }
        pause(Duration::from_millis(5)).await;
    }
}

/// Causes faults until the time is over. Returns their number.
async fn fail(plan: &Plan, server: &mut Redis, proxies: &[Proxy]) -> usize {
    let (mut rng, end) = (Rng::with_seed(plan.seed), Instant::now() + plan.time);
    let mut injected = 0;
    while Instant::now() < end {
        pause(Duration::from_millis(rng.u64(50..400))).await;
        let Some(fault) = rng.choice(&plan.faults) else { continue };
        let (time, proxy) = (Duration::from_millis(rng.u64(20..900)), &proxies[rng.usize(..proxies.len())]);
        inject(*fault, time, server, proxy).await;
        injected += 1;
    }
    injected
}

async fn inject(fault: Fault, time: Duration, server: &mut Redis, proxy: &Proxy) {
    match fault {
        Fault::Pause => {
            server.pause();
            pause(time).await;
            server.resume();
        }
        Fault::Restart => {
            server.kill();
            pause(time).await;
            server.restart().await;
        }
        Fault::Cut => {
            proxy.cut();
            pause(time).await;
            proxy.restore();
        }
        Fault::Silence => {
            proxy.silence();
            pause(time).await;
            proxy.restore();
        }
        Fault::Delay => {
            proxy.delay(time / 20);
            pause(time).await;
            proxy.restore();
        }
        Fault::Flush => server.command(&["FLUSHALL"]).await,
        Fault::Evict => {
            let () = server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await;
            let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
            pause(time / 4).await;
            let () = server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
        }
    }
}

/// Lets real time pass, because runs wait for other processes.
#[allow(clippy::disallowed_methods)]
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
