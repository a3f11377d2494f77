//! `#[timed]` on every kind of function, with every ending of a call.

use std::convert::identity;
use std::fmt::Debug;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastness::registry::Role;
use fastness::timing::{CallOutcome, Label, Snapshot, snapshots};
use fastness::{cacheable, timed};
use fastness_tests::logged::Logged;
use tracing::Level;

use crate::{fresh, poll_once};

/// The only snapshot of this name, without labels.
fn stats(name: &str) -> Snapshot {
    let mut all: Vec<_> = snapshots().into_iter().filter(|stats| stats.name == name).collect();
    assert_eq!(all.len(), 1, "{name}");
    all.remove(0)
}

/// The numbers of calls that ended ok, as errors, cancelled, and with a panic.
fn counts(name: &str) -> [u64; 4] {
    let stats = stats(name);
    CallOutcome::ALL.map(|outcome| stats.latency(outcome).count())
}

fn path(name: &str) -> String {
    format!("{}::{name}", module_path!())
}

type Aliased<'a> = Result<u8, &'a str>;

#[timed]
fn aliased(text: &str) -> Aliased<'_> {
    let number = text.parse::<u8>().map_err(|_| text)?;
    if number == 0 {
        return Err(text);
    }
    Ok(number)
}

#[test]
fn the_type_of_a_result_decides_its_outcome() {
    assert_eq!([aliased("7"), aliased("0"), aliased("x")], [Ok(7), Err("0"), Err("x")]);
    assert_eq!(counts(&path("aliased")), [1, 2, 0, 0]);
}

#[timed]
async fn waits(done: bool) -> Result<(), String> {
    if !done {
        pending::<()>().await;
    }
    Err("late".into())
}

#[tokio::test]
async fn a_dropped_future_is_cancelled() {
    drop(waits(true));
    assert_eq!(counts(&path("waits")), [0; 4], "nothing began");
    {
        let mut waiting = pin!(waits(false));
        assert!(poll_once(waiting.as_mut()).await.is_none());
    }
    assert_eq!(waits(true).await, Err("late".into()));
    assert_eq!(counts(&path("waits")), [0, 1, 1, 0]);
}

#[timed]
fn panics() -> u8 {
    panic!("on purpose")
}

#[timed]
async fn panics_later() {
    ready(()).await;
    panic!("on purpose")
}

#[tokio::test]
async fn a_panic_is_recorded_and_unwinds_further() {
    assert!(catch_unwind(panics).is_err());
    assert_eq!(counts(&path("panics")), [0, 0, 0, 1]);
    assert!(tokio::spawn(panics_later()).await.unwrap_err().is_panic());
    assert_eq!(counts(&path("panics_later")), [0, 0, 0, 1]);
}

struct CallsInDrop;

#[timed]
fn in_drop() {}

impl Drop for CallsInDrop {
    fn drop(&mut self) {
        in_drop();
    }
}

#[test]
fn a_call_during_unwinding_is_recorded_by_its_own_ending() {
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _calls = CallsInDrop;
        panic!("on purpose");
    }));
    assert!(unwound.is_err());
    assert_eq!(counts(&path("in_drop")), [1, 0, 0, 0]);
}

#[timed]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[timed]
fn generic<T, const N: usize>(value: &T) -> String
where
    T: Debug + ?Sized,
{
    format!("{value:?}{N}")
}

#[test]
fn recursive_and_generic_functions_are_timed() {
    assert_eq!(factorial(5), 120);
    assert_eq!(counts(&path("factorial")), [6, 0, 0, 0]);
    assert_eq!(generic::<_, 3>("x") + &generic::<_, 4>(&1), "\"x\"314");
    assert_eq!(counts(&path("generic")), [2, 0, 0, 0], "all instantiations are one site");
}

struct Store {
    calls: u64,
}

trait Reads {
    async fn read(&self, id: u64) -> Option<u64>;
    fn boxed<'a>(&'a self, id: &'a u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'a>>;
}

impl Reads for Store {
    #[timed]
    async fn read(&self, id: u64) -> Option<u64> {
        ready(Some(id + self.calls)).await
    }

    #[timed]
    fn boxed<'a>(&'a self, id: &'a u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'a>> {
        Box::pin(async move { self.read(*id).await.ok_or_else(String::new) })
    }
}

#[async_trait::async_trait]
trait Later {
    async fn later(&mut self, by: u64) -> Result<u64, String>;
}

#[async_trait::async_trait]
impl Later for Store {
    #[timed]
    async fn later(&mut self, by: u64) -> Result<u64, String> {
        self.calls += by;
        Err::<u64, _>(format!("{}", self.calls))?;
        Ok(1)
    }
}

impl Store {
    #[timed(name = "store.take")]
    fn take(self) -> u64 {
        self.calls
    }

    #[timed]
    fn edit(&mut self) -> &mut u64 {
        &mut self.calls
    }

    #[timed]
    fn soon(&self) -> impl Future<Output = u64> + Send {
        let calls = self.calls;
        async move { calls }
    }
}

#[timed]
fn evens(limit: u32) -> Result<impl Iterator<Item = u32>, String> {
    let limit = identity(Ok::<_, String>(limit))?;
    Ok((0..limit).filter(|n| n % 2 == 0))
}

#[timed]
async fn shows() -> impl std::fmt::Display {
    "shown"
}

#[tokio::test]
async fn every_kind_of_function_is_timed() {
    let mut store = Store { calls: 1 };
    assert_eq!(store.read(1).await, Some(2));
    assert_eq!(store.boxed(&1).await, Ok(2));
    assert_eq!(store.later(2).await, Err("3".into()));
    *store.edit() += 1;
    assert_eq!(store.soon().await, 4);
    assert_eq!(store.take(), 4);
    assert_eq!(evens(5).unwrap().sum::<u32>(), 6);
    assert_eq!(shows().await.to_string(), "shown");
    for (name, expected) in [
        (path("read"), [2, 0, 0, 0]),
        (path("boxed"), [1, 0, 0, 0]),
        (path("later"), [0, 1, 0, 0]),
        (path("edit"), [1, 0, 0, 0]),
        (path("soon"), [1, 0, 0, 0]),
        ("store.take".into(), [1, 0, 0, 0]),
        (path("evens"), [1, 0, 0, 0]),
        (path("shows"), [1, 0, 0, 0]),
    ] {
        assert_eq!(counts(&name), expected, "{name}");
    }
}

fn sent<F: Future + Send>(future: F) -> F {
    future
}

#[timed]
async fn sendable(text: String) -> Result<(), String> {
    Err(text)
}

#[tokio::test]
async fn a_future_that_can_be_sent_still_can() {
    assert!(sent(sendable("late".into())).await.is_err());
    assert!(tokio::spawn(sent(sendable("late".into()))).await.unwrap().is_err());
}

#[timed(ok_if = |answer: &Option<u8>| answer.is_some())]
fn found(answer: Option<u8>) -> Option<u8> {
    answer
}

#[timed(error_if = |status| *status >= 500)]
async fn status(status: u16) -> u16 {
    status
}

#[tokio::test]
async fn the_predicate_decides_the_outcome() {
    found(Some(1));
    found(None);
    assert_eq!(counts(&path("found")), [1, 1, 0, 0]);
    status(200).await;
    status(404).await;
    status(503).await;
    assert_eq!(counts(&path("status")), [2, 1, 0, 0]);
}

#[derive(Clone, Copy, Label)]
enum Tier {
    Free,
    EarlyBird { discount: u8 },
}

struct User {
    tier: Option<Tier>,
}

#[timed(name = "quote", labels(tier = user.tier, cached = cached))]
#[allow(clippy::needless_pass_by_value)] // the label is read before the body may consume it
fn quote(user: User, cached: bool) -> u8 {
    match user.tier {
        Some(Tier::EarlyBird { discount }) => 100 - discount,
        Some(Tier::Free) => 0,
        None => u8::from(!cached) * 100,
    }
}

#[test]
fn labels_separate_calls() {
    for tier in [None, Some(Tier::Free), Some(Tier::EarlyBird { discount: 5 }), Some(Tier::EarlyBird { discount: 9 })] {
        quote(User { tier }, false);
    }
    quote(User { tier: None }, true);
    let found: Vec<_> = snapshots().into_iter().filter(|stats| stats.name == "quote").collect();
    let found: Vec<_> = found.iter().map(|stats| (stats.labels.as_slice(), stats.ok.count())).collect();
    let labels = |tier, cached| [("tier", tier), ("cached", cached)];
    assert_eq!(
        found,
        [
            (&labels("early_bird", "false")[..], 2),
            (&labels("free", "false")[..], 1),
            (&labels("none", "false")[..], 1),
            (&labels("none", "true")[..], 1),
        ]
    );
}

const AT_ONCE: Duration = Duration::from_nanos(1);

#[timed(name = "slow.always", slow = AT_ONCE)]
fn always_slow(n: u64) -> Result<u64, u64> {
    // Works for longer than a nanosecond, and than a step of the clock.
    (0..10_000).for_each(|n| _ = std::hint::black_box(n));
    Err(n)
}

#[timed(name = "slow.never", slow = "1h")]
fn never_slow() {}

#[test]
fn slow_calls_are_counted_and_logged() {
    let (logged, _guard) = Logged::listen(Level::INFO);
    always_slow(1).unwrap_err();
    always_slow(2).unwrap_err();
    never_slow();
    assert_eq!((stats("slow.always").slow, stats("slow.never").slow), (2, 0));
    let text = logged.text();
    let first = text.lines().next().unwrap();
    assert!(first.contains("a slow call") && first.contains("slow.always"), "{text}");
    assert!(first.contains("outcome=\"error\"") && first.contains("left_out=0"), "{text}");
    assert!(!text.contains("slow.never"), "{text}");
}

static LOADS: AtomicU64 = AtomicU64::new(0);

#[timed(name = "stack.above")]
#[cacheable(ttl = 60, key = "timed-above:{n}")]
async fn above(n: u64) -> u64 {
    LOADS.fetch_add(1, Ordering::Relaxed);
    n
}

#[cacheable(ttl = 60, key = "timed-below:{n}")]
#[timed(name = "stack.below")]
async fn below(n: u64) -> u64 {
    n
}

#[tokio::test]
async fn attributes_nest_as_they_are_written() {
    let fast = fresh();
    fastness::with_cache(&fast, async {
        for _ in 0..3 {
            assert_eq!((above(1).await, below(1).await), (1, 1));
        }
    })
    .await;
    assert_eq!(LOADS.load(Ordering::Relaxed), 1);
    assert_eq!(counts("stack.above"), [3, 0, 0, 0], "above `cacheable`, hits are timed too");
    assert_eq!(counts("stack.below"), [1, 0, 0, 0], "below it, loads alone");
}

#[test]
fn the_registry_knows_timed_functions() {
    let own: Vec<_> = fastness::registry::annotated().into_iter().filter(|item| item.role == Role::Timed).collect();
    assert!(own.iter().any(|item| item.name == "aliased" && item.module == module_path!()));
    assert_eq!(stats(&path("aliased")).file, file!());
}
