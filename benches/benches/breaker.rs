//! Cost of a closed circuit breaker: ours by attribute and by name, and those that people use today.
//!
//! Ours has all that is on by default: a failure rate over a window of 30 s, and failures in a row. All guard the same small
//! body. The floor beside the bare call is one addition to a number that all threads share, because a breaker that counts
//! calls in one place can do with no less.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use failsafe::CircuitBreaker as _;
use fastness::circuit_breaker;
use fastness::resilience::Rejected;
use fastness::resilience::breaker::Breaker;
use fastness_benches::measure::{Case, Outcome, Plan, run, setting};
use fastness_benches::report::{Line, budget, table};
use fastness_benches::traffic::Traffic;
use layered::{Execute, Service as _, Stack};
use recloser::{AsyncRecloser, Recloser};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tower::{Layer, Service as _, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};

const BARE: &str = "the bare call";
const ATOMIC: &str = "one shared atomic addition";
const OURS: &str = "#[circuit_breaker]";
const COUNTED: &str = "#[circuit_breaker], last 100 calls";
const SLOW: &str = "#[circuit_breaker], slow calls";
const NAMED: &str = "Breaker::call_sync";
const OURS_ASYNC: &str = "#[circuit_breaker], async";
const RECLOSER: &str = "recloser";
const RECLOSER_ASYNC: &str = "recloser, async";
const IN_A_ROW: &str = "failsafe, failures in a row";
const FAILSAFE: &str = "failsafe, success rate";
const TOWER: &str = "tower-resilience, async";
const SEATBELT: &str = "seatbelt, async";

/// Peers that the lines for one thread and for two compare with.
const PEERS: [&str; 3] = [RECLOSER, IN_A_ROW, FAILSAFE];
const ASYNC_PEERS: [&str; 3] = [RECLOSER_ASYNC, TOWER, SEATBELT];

static SHARED: AtomicU64 = AtomicU64::new(0);
static BREAKER: LazyLock<Breaker> = LazyLock::new(|| Breaker::named("bench.twin"));
static RING: LazyLock<Recloser> = LazyLock::new(|| Recloser::custom().closed_len(100).build());
static ASYNC_RING: LazyLock<AsyncRecloser> =
    LazyLock::new(|| AsyncRecloser::from(Recloser::custom().closed_len(100).build()));

/// An error as small as it can be, so that no copying of errors is measured.
#[derive(Debug)]
struct Failed;

impl From<Rejected> for Failed {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[allow(clippy::unnecessary_wraps)] // as what a breaker guards may fail
#[inline]
fn body(n: u64) -> Result<u64, Failed> {
    Ok(n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[circuit_breaker]
fn ours(n: u64) -> Result<u64, Failed> {
    body(n)
}

#[circuit_breaker(window = 100)]
fn counted(n: u64) -> Result<u64, Failed> {
    body(n)
}

#[circuit_breaker(slow_rate = 80, slow = "1s")]
fn slow(n: u64) -> Result<u64, Failed> {
    body(n)
}

#[circuit_breaker]
async fn later(n: u64) -> Result<u64, Failed> {
    body(n)
}

fn atomic(n: u64) -> Result<u64, Failed> {
    black_box(SHARED.fetch_add(1, Relaxed));
    body(n)
}

fn failsafe_default() -> impl Fn(u64) -> Result<u64, failsafe::Error<Failed>> + Sync {
    let breaker = failsafe::Config::new().build();
    move |n| breaker.call(|| body(n))
}

fn failsafe_in_a_row() -> impl Fn(u64) -> Result<u64, failsafe::Error<Failed>> + Sync {
    let backoff = failsafe::backoff::constant(Duration::from_secs(5));
    let policy = failsafe::failure_policy::consecutive_failures(5, backoff);
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    move |n| breaker.call(|| body(n))
}

fn tower_case() -> Case {
    let layer = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_type(SlidingWindowType::CountBased)
        .sliding_window_size(100)
        .build()
        .expect("settings that make sense");
    let service = layer.layer(service_fn(|n: u64| async move { body(n) }));
    // A service is called by `&mut`, so callers that share it have a clone each, as behind a router.
    Case::future(TOWER, move |n| service.clone().call(n))
}

fn seatbelt_case() -> Case {
    let clock = tick::Clock::new_tokio();
    let context = ResilienceContext::new(&clock);
    let stack = (
        seatbelt::breaker::Breaker::layer("bench", &context)
            .recovery_with(|result: &Result<u64, Failed>, _| match result {
                Ok(_) => RecoveryInfo::never(),
                Err(_) => RecoveryInfo::retry(),
            })
            .rejected_input_error(|_, _| Failed),
        Execute::new(|n: u64| async move { body(n) }),
    );
    let service = stack.into_service();
    Case::future(SEATBELT, async move |n| service.execute(n).await)
}

fn cases() -> Vec<Case> {
    vec![
        Case::sync(BARE, body),
        Case::sync(ATOMIC, atomic),
        Case::sync(OURS, ours),
        Case::sync(COUNTED, counted),
        Case::sync(SLOW, slow),
        Case::sync(NAMED, |n| BREAKER.call_sync(|| body(n))),
        Case::future(OURS_ASYNC, later),
        Case::sync(RECLOSER, |n| RING.call(|| body(n))),
        Case::future(RECLOSER_ASYNC, |n| ASYNC_RING.call(async move { body(n) })),
        Case::sync(IN_A_ROW, failsafe_in_a_row()),
        Case::sync(FAILSAFE, failsafe_default()),
        tower_case(),
        seatbelt_case(),
    ]
}

fn measured(threads: usize, cases: &[Case]) -> Outcome {
    let slice = Duration::from_millis(setting("HIT_SLICE_MS", 15) as u64);
    let outcome = run(Plan { traffic: Traffic::Hot, threads, rounds: setting("HIT_ROUNDS", 15), slice }, cases);
    table("a closed circuit breaker", &outcome, BARE);
    outcome
}

fn main() -> ExitCode {
    // The clock of one of them asks for a runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let cases = cases();
    let (one, two) = (measured(1, &cases), measured(2, &cases));
    let mut lines = vec![
        Line::ratio("breaker / recloser, 1 thread", 0.5, one.ratio(OURS, RECLOSER)),
        Line::ratio("breaker / recloser, async, 1 thread", 0.45, one.ratio(OURS_ASYNC, RECLOSER_ASYNC)),
        Line::ratio("breaker / one shared atomic addition, 2 threads", 0.5, two.ratio(OURS, ATOMIC)),
        Line::ratio("window of 100 calls / of 30 s, 1 thread", 1.2, one.ratio(COUNTED, OURS)),
    ];
    lines.extend(PEERS.map(|peer| Line::ratio(format!("breaker / {peer}, 2 threads"), 0.1, two.ratio(OURS, peer))));
    lines.extend(
        ASYNC_PEERS
            .map(|peer| Line::ratio(format!("breaker, async / {peer}, 2 threads"), 0.1, two.ratio(OURS_ASYNC, peer))),
    );
    budget(&lines);
    let exact = [OURS, COUNTED, SLOW, NAMED, OURS_ASYNC]
        .map(|name| Line::at_most(format!("allocations of {name}"), 0.0, one.allocations(name)));
    if budget(&exact) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
