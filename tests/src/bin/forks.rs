//! A program that forks while its cache is in use; its exit status is 0 if the child behaves correctly. The first argument says how the
//! child notices the fork: `told`, `miss`, `invalidation`, or `shared` with the address of a Redis after it; `swept` tests that memory is
//! freed, `events` that events do not stop the child.

#![expect(clippy::disallowed_methods, reason = "a process in which time really passes")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use fastness::events::Filter;
use fastness::resilience::breaker::{self, Breaker};
use fastness::resilience::subscribe;
use fastness::{Fastness, Reach, Redis, cache_invalidate, cacheable};
use fastness_tests::names::named;
use fork::{Fork, fork, waitpid};

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cacheable(ttl = "100ms", key = "config:{name}", early = off)]
fn config(name: &str) -> u64 {
    let _ = name;
    LOADS.fetch_add(1, SeqCst)
}

#[cacheable(ttl = 600, key = "other:{n}")]
fn other(n: u64) -> u64 {
    n
}

#[cache_invalidate("other:{n}")]
fn change(n: u64) {
    let _ = n;
}

/// Returns whether a value that was cached before the fork expires, as a child that makes only hits sees it.
fn expires() -> bool {
    let (before, begun) = (LOADS.load(SeqCst), Instant::now());
    while begun.elapsed() < Duration::from_secs(20) {
        config("colour");
        if LOADS.load(SeqCst) > before + 1 {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Returns whether a child leaves its parent's shared tier alone.
fn keeps_off(fast: &Fastness) -> bool {
    runtime().block_on(async {
        let (cache, begun) = (fast.cache(), Instant::now());
        let found = cache.get::<u64>(&named("n:1")).await;
        let reach = cache.invalidate(named("n:2")).await;
        let seen = fast.shared().expect("a tier");
        let at_once = begun.elapsed() < Duration::from_secs(5);
        (found, reach) == (None, Reach::LocalOnly) && !seen.connected && !seen.coherent && at_once
    })
}

static LIVING: AtomicU64 = AtomicU64::new(0);

#[derive(Clone)]
struct Counted(#[allow(dead_code)] std::sync::Arc<OnDrop>);

struct OnDrop;

impl Drop for OnDrop {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, SeqCst);
    }
}

#[cacheable(ttl = "100ms", key = "counted:{n}", early = off)]
fn counted(n: u64) -> Counted {
    let _ = n;
    LIVING.fetch_add(1, SeqCst);
    Counted(std::sync::Arc::new(OnDrop))
}

/// Returns whether values that were cached before the fork are freed after it, in a process that stores something.
fn is_swept() -> bool {
    fastness::Clock::after_fork();
    other(2);
    let begun = Instant::now();
    while LIVING.load(SeqCst) > 0 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    LIVING.load(SeqCst) == 0
}

fn child(how: &str) -> bool {
    match how {
        "told" => fastness::Clock::after_fork(),
        "miss" => drop(other(2)),
        _ => change(1),
    }
    expires()
}

/// Forks, runs `child` there, and returns whether it ended with the exit status 0.
fn fork_and(child: impl FnOnce() -> bool) -> bool {
    match fork().expect("a child") {
        Fork::Child => std::process::exit(i32::from(!child())),
        Fork::Parent(pid) => waitpid(pid).is_ok_and(|status| status == 0),
    }
}

/// Makes a breaker that rejects each call, which is an event.
fn rejecting(name: &str) -> Breaker {
    let breaker = Breaker::new(name, breaker::Settings::new());
    breaker.force_open();
    breaker
}

/// Ends a process that is stopped.
fn give_up() {
    std::thread::sleep(Duration::from_secs(20));
    std::process::exit(2);
}

/// Returns whether a child can subscribe, and a child that does not is not stopped by a lock that another thread of its parent held.
fn has_events() -> bool {
    let (own, busy, stop) = (rejecting("own"), rejecting("busy"), AtomicBool::new(false));
    let mut parents = subscribe(Filter::all().room(1));
    let anew = fork_and(|| {
        let mut events = subscribe(Filter::all());
        own.try_acquire().is_err() && events.try_next().is_some() && parents.try_next().is_none()
    });
    let ends = std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !stop.load(SeqCst) && busy.try_acquire().is_err() {
                    std::hint::spin_loop();
                }
            });
        }
        let ends = (0..100).all(|_| {
            fork_and(|| {
                std::thread::spawn(give_up);
                (0..100).all(|_| own.try_acquire().is_err())
            })
        });
        stop.store(true, SeqCst);
        ends
    });
    anew && ends && parents.try_next().is_some()
}

fn with_redis(url: &str, prefix: &str) -> bool {
    let runtime = runtime();
    let fast = runtime.block_on(async {
        let redis = Redis::single(url).expect("an address").prefix(prefix);
        let fast = Fastness::builder().redis(redis).build().expect("a handle");
        while !fast.shared().is_some_and(|shared| shared.connected && shared.coherent) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        fast.cache().set(&named("n:2"), 2_u64, Duration::from_secs(600)).await;
        fast
    });
    let own = fast.clone();
    // The child makes its own runtime, and does not touch its parent's.
    let right = fork_and(move || keeps_off(&own));
    let connects = fast.shared().expect("a tier").connects;
    let still = runtime.block_on(async {
        let found = fast.cache().get::<u64>(&named("n:2")).await;
        let reach = fast.cache().invalidate(named("n:2")).await;
        (found, reach) == (Some(2), Reach::Announced) && fast.shared().expect("a tier").connects == connects
    });
    right && still
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let right = match args.as_slice() {
        [how, url, prefix] if how == "shared" => with_redis(url, prefix),
        [how] if how == "events" => has_events(),
        [how] if how == "swept" => {
            (0..100).for_each(|n| drop(counted(n)));
            fork_and(is_swept) && is_swept()
        }
        [how] => {
            config("colour");
            other(1);
            fork_and(|| child(how))
        }
        _ => false,
    };
    ExitCode::from(u8::from(!right))
}
