//! Cost of timing a call: `#[timed]`, a timing by hand, and what people use for it today.
//!
//! All time the same small body. The floor is two reads of the processor's cycle counter and nothing else, because no timer
//! can do with less.

// Reading the time is what is measured.
#![allow(clippy::disallowed_methods)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use autometrics::autometrics;
use fastness::timed;
use fastness::timing::{Label, Timing};
use fastness_benches::measure::{Case, Outcome, Plan, run, setting};
use fastness_benches::report::{Line, budget, table};
use fastness_benches::traffic::Traffic;
use metrics_exporter_prometheus::PrometheusBuilder;
use prometheus::{Histogram, HistogramOpts};

const BARE: &str = "the bare call";
const CLOCK: &str = "two reads of the cycle counter";
const STD: &str = "two reads of Instant";
const TIMED: &str = "#[timed]";
const LABELLED: &str = "#[timed], two labels";
const ASYNC: &str = "#[timed], async";
const TWIN: &str = "Timing::try_time";
const STATIC: &str = "prometheus, static histogram";
const FACADE: &str = "metrics, cached handle, exporter";
const MACRO: &str = "metrics, histogram!, exporter";
const AUTO: &str = "#[autometrics], prometheus";

static CYCLES: LazyLock<quanta::Clock> = LazyLock::new(quanta::Clock::new);
static TIMING: LazyLock<Timing> = LazyLock::new(|| Timing::new("bench.twin"));
static HISTOGRAM: LazyLock<Histogram> = LazyLock::new(|| {
    let buckets = prometheus::exponential_buckets(1e-8, 2.0, 20).expect("buckets");
    Histogram::with_opts(HistogramOpts::new("bench_seconds", "a bench").buckets(buckets)).expect("a histogram")
});
static HANDLE: LazyLock<metrics::Histogram> = LazyLock::new(|| metrics::histogram!("bench_handle_seconds"));

#[allow(clippy::unnecessary_wraps)] // as what is timed may fail
#[inline]
fn body(n: u64) -> Result<u64, String> {
    Ok(n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[derive(Label)]
enum Half {
    Lower,
    Upper,
}

#[timed]
fn plain(n: u64) -> Result<u64, String> {
    body(n)
}

#[timed(labels(half = if n < 5_000 { Half::Lower } else { Half::Upper }, even = n.is_multiple_of(2)))]
fn labelled(n: u64) -> Result<u64, String> {
    body(n)
}

#[timed]
async fn later(n: u64) -> Result<u64, String> {
    body(n)
}

#[autometrics]
fn auto(n: u64) -> Result<u64, String> {
    body(n)
}

fn cycles(n: u64) -> Result<u64, String> {
    let start = CYCLES.raw();
    let value = body(n);
    black_box(CYCLES.delta_as_nanos(start, CYCLES.raw()));
    value
}

fn instants(n: u64) -> Result<u64, String> {
    let start = Instant::now();
    let value = body(n);
    black_box(start.elapsed());
    value
}

fn recorded(n: u64, record: impl FnOnce(f64)) -> Result<u64, String> {
    let start = Instant::now();
    let value = body(n);
    record(start.elapsed().as_secs_f64());
    value
}

fn cases() -> Vec<Case> {
    vec![
        Case::sync(BARE, body),
        Case::sync(CLOCK, cycles),
        Case::sync(STD, instants),
        Case::sync(TIMED, plain),
        Case::sync(LABELLED, labelled),
        Case::future(ASYNC, later),
        Case::sync(TWIN, |n| TIMING.try_time(|| body(n))),
        Case::sync(STATIC, |n| recorded(n, |seconds| HISTOGRAM.observe(seconds))),
        Case::sync(FACADE, |n| recorded(n, |seconds| HANDLE.record(seconds))),
        Case::sync(MACRO, |n| recorded(n, |seconds| metrics::histogram!("bench_macro_seconds").record(seconds))),
        Case::sync(AUTO, auto),
    ]
}

fn measured(threads: usize, cases: &[Case]) -> Outcome {
    let slice = Duration::from_millis(setting("HIT_SLICE_MS", 15) as u64);
    let outcome = run(Plan { traffic: Traffic::Hot, threads, rounds: setting("HIT_ROUNDS", 15), slice }, cases);
    table("timing a call", &outcome, CLOCK);
    outcome
}

fn main() -> ExitCode {
    let recorder = PrometheusBuilder::new().install_recorder().expect("the first recorder");
    let cases = cases();
    let (one, two) = (measured(1, &cases), measured(2, &cases));
    recorder.run_upkeep();
    budget(&[
        Line::ratio("#[timed] / two reads of the cycle counter, 1 thread", 2.0, one.ratio(TIMED, CLOCK)).aim(1.6),
        Line::ratio("#[timed] / static prometheus histogram, 1 thread", 0.6, one.ratio(TIMED, STATIC)),
        Line::ratio("#[timed] / static prometheus histogram, 2 threads", 0.3, two.ratio(TIMED, STATIC)),
        Line::ratio("#[timed] / #[autometrics], 1 thread", 0.4, one.ratio(TIMED, AUTO)),
        Line::ratio("#[timed] / #[autometrics], 2 threads", 0.2, two.ratio(TIMED, AUTO)),
    ]);
    let exact = [TIMED, LABELLED, ASYNC, TWIN]
        .map(|name| Line::at_most(format!("allocations of {name}"), 0.0, one.allocations(name)));
    if budget(&exact) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
