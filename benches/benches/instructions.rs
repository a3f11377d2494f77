//! Instructions of the hot paths: a figure that does not depend on what else the machine is doing.
//!
//! The program runs itself under valgrind, twice per case with different numbers of calls; the difference over the difference of
//! the numbers is what one call takes, set-up left out. `instructions.txt` beside the manifest has the last figures that were
//! accepted: a case that takes more than a twentieth more than there fails the run, and `INSTRUCTIONS_ACCEPT=1` writes the file anew.

// Waits for a connection and for stores, which nothing tells of.
#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use bytes::Bytes;
use fastness::http::CacheLayer;
use fastness::{Fastness, cacheable, circuit_breaker, timed};
use fastness_benches::measure::block_on;
use fastness_benches::origin::{self, Missing};
use fastness_benches::page::{SMALL, answer, exchange};
use fastness_benches::peers::ours;
use fastness_benches::traffic;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer as _, Service, service_fn};

/// Calls of the shorter and of the longer run.
const CALLS: (u64, u64) = (2_000, 12_000);
/// Keys that the calls go round.
const KEYS: u64 = 64;

/// Calls a case this many times.
type Run = fn(u64);

const CASES: &[(&str, Run)] = &[
    ("the bare call", |calls| each(calls, origin::find)),
    ("hit, u64", |calls| each(calls, ours::get_user)),
    ("hit, &str", |calls| each(calls, |id| ours::find_user(traffic::name(id)))),
    ("hit, (&str, u64)", |calls| each(calls, |id| ours::get_user_in(origin::region_of(id), id))),
    ("hit, async", |calls| block_on(each_async(calls, ours::load_user))),
    ("miss and load, async", |calls| block_on(each_new(calls))),
    ("invalidation of one key", |calls| block_on(each_async(calls, ours::change_order))),
    ("breaker", |calls| each(calls, guarded)),
    ("breaker, async", |calls| block_on(each_async(calls, guarded_async))),
    ("HTTP handler of prebuilt bytes", |calls| block_on(each_exchange(calls, handler()))),
    ("hit of the HTTP cache", |calls| block_on(each_exchange(calls, CacheLayer::new().layer(handler())))),
    // A thousand, beside which it is little how long the clock is calibrated at first: that differs by millions between runs.
    ("1 000 timed", |calls| each(1_000 * calls, clocked)),
    ("bare GET, 300 bytes", bare),
    ("shared hit, 300 bytes", shared),
    ("tenth of a bare MGET of 100", bare_batch),
    ("tenth of a shared batch of 100", shared_batch),
];

fn each<R>(calls: u64, call: impl Fn(u64) -> R) {
    for n in 0..calls {
        drop(black_box(call(black_box(n % KEYS))));
    }
}

async fn each_async<R>(calls: u64, call: impl AsyncFn(u64) -> R) {
    for n in 0..calls {
        drop(black_box(call(black_box(n % KEYS)).await));
    }
}

/// Each call is of a new key.
async fn each_new(calls: u64) {
    for n in 0..calls {
        drop(black_box(ours::load_user(black_box(n)).await));
    }
}

type Page = Response<Full<Bytes>>;

/// Returns a page of a few bytes, which may be cached.
fn handler() -> impl Service<Request<Full<Bytes>>, Response = Page, Error = Infallible, Future: Send> + Clone {
    service_fn(async |_| Ok(answer(&SMALL)))
}

/// Each call is a request for the same page.
async fn each_exchange<S, B>(calls: u64, service: S)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    for _ in 0..calls {
        drop(black_box(exchange(black_box(&service)).await));
    }
}

#[derive(Debug)]
struct Failed;

impl From<fastness::resilience::Rejected> for Failed {
    fn from(_: fastness::resilience::Rejected) -> Self {
        Self
    }
}

#[circuit_breaker]
fn guarded(n: u64) -> Result<u64, Failed> {
    Ok(n.wrapping_mul(3))
}

#[circuit_breaker]
async fn guarded_async(n: u64) -> Result<u64, Failed> {
    Ok(n.wrapping_mul(3))
}

#[timed]
fn clocked(n: u64) -> Result<u64, Missing> {
    Ok(n.wrapping_mul(3))
}

/// 300 bytes that are in Redis only.
#[cacheable(ttl = 3600, key = "text:{id}", tier = shared, skip(fast), on = fast)]
async fn text(fast: &Fastness, id: u64) -> Result<String, Missing> {
    let _ = fast;
    Ok(format!("{id:0300}"))
}

/// The same, many at once.
#[cacheable(ttl = 3600, key = "text:{ids}", batch(ids), tier = shared, skip(fast), on = fast)]
async fn texts(fast: &Fastness, ids: &[u64]) -> HashMap<u64, String> {
    let _ = fast;
    ids.iter().map(|&id| (id, format!("{id:0300}"))).collect()
}

/// Each call reads one value from a real server, over one connection, on one thread.
fn shared(calls: u64) {
    with_redis(async |fast, _| {
        for n in 0..calls {
            black_box(text(fast, black_box(n % KEYS)).await).expect("a value");
        }
    });
}

/// The same with the client alone.
fn bare(calls: u64) {
    with_redis(async |_, client| {
        for n in 0..calls {
            let value: Vec<u8> =
                redis::cmd("GET").arg(format!("bare:{}", n % KEYS)).query_async(client).await.expect("a reply");
            black_box(value);
        }
    });
}

/// Each call reads 100 values at once.
fn shared_batch(calls: u64) {
    let ids: Vec<u64> = (0..100).collect();
    with_redis(async |fast, _| {
        for _ in 0..calls / 10 {
            black_box(texts(fast, black_box(&ids)).await);
        }
    });
}

/// The same with the client alone.
fn bare_batch(calls: u64) {
    with_redis(async |_, client| {
        for _ in 0..calls / 10 {
            let keys: Vec<_> = (0..100).map(|n| format!("bare:{n}")).collect();
            let values: Vec<Vec<u8>> = redis::cmd("MGET").arg(keys).query_async(client).await.expect("a reply");
            black_box(values);
        }
    });
}

fn with_redis(run: impl AsyncFnOnce(&Fastness, &mut redis::aio::MultiplexedConnection)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = fastness_tests::servers::Redis::start().await;
        let settings = fastness::Redis::single(&server.url()).expect("an address").prefix("count:");
        let fast = Fastness::builder().redis(settings).build().expect("good settings");
        while !fast.shared().expect("a shared tier").connected {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let client = redis::Client::open(format!("{}?protocol=resp3", server.url())).expect("an address");
        let mut client = client.get_multiplexed_async_connection().await.expect("a connection");
        for n in 0..100 {
            text(&fast, n).await.expect("a value");
            let set = redis::cmd("SET").arg(format!("bare:{n}")).arg(format!("{n:0300}")).to_owned();
            set.exec_async(&mut client).await.expect("a reply");
        }
        while fast.shared().expect("a shared tier").stores < 100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        run(&fast, &mut client).await;
    });
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [name, calls] = arguments.as_slice() {
        let case = CASES.iter().find(|(case, _)| case == name).expect("a case");
        case.1(calls.parse().expect("a number of calls"));
        return ExitCode::SUCCESS;
    }
    let accepted = read();
    let measured: Vec<_> = CASES.iter().map(|&(name, _)| (name, per_call(name))).collect();
    println!("{:<32} {:>12} {:>12}", "instructions per call", "now", "accepted");
    let mut worse = false;
    for &(name, now) in &measured {
        let before = accepted.get(name).copied();
        let more = before.is_some_and(|before| now > before + before / 20 + 2);
        worse |= more;
        let before = before.map_or_else(|| "new".to_owned(), |before| before.to_string());
        println!("{name:<32} {now:>12} {before:>12}{}", if more { "  MORE" } else { "" });
    }
    if std::env::var_os("INSTRUCTIONS_ACCEPT").is_some() {
        let mut text = String::new();
        for (name, now) in &measured {
            writeln!(text, "{name}\t{now}").expect("room in memory");
        }
        std::fs::write(file(), text).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    if worse { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn read() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let line =
        |line: &str| line.split_once('\t').and_then(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
    text.lines().filter_map(line).collect()
}

fn per_call(name: &str) -> u64 {
    let (fewer, more) = (counted(name, CALLS.0), counted(name, CALLS.1));
    (more - fewer) / (CALLS.1 - CALLS.0)
}

/// The instructions of a whole run.
fn counted(name: &str, calls: u64) -> u64 {
    let own = std::env::current_exe().expect("a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([name, &calls.to_string()])
        .output()
        .expect("valgrind is needed: apt-get install valgrind");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let found = text.lines().find_map(|line| line.split_once("Collected :")?.1.split_whitespace().next()?.parse().ok());
    found.unwrap_or_else(|| panic!("{name}: {text}"))
}
