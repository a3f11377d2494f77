//! Values of policy attributes that are expressions: fields of `self`, parameters, constants, statics.

// Bodies stand for calls over a network, and tokio's paused time is what sleeps here.
#![allow(clippy::unused_async, clippy::needless_pass_by_value, clippy::disallowed_methods)]

use std::future::pending;
use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use fastness::resilience::breaker::Breaker;
use fastness::resilience::{Percent, Reason, Rejected, TimedOut};
use fastness::{
    Fastness, LoadTimeout, bulkhead, cacheable, circuit_breaker, hedge, rate_limit, retry, timeout, with_cache,
};
use tokio::time::Instant;

#[derive(Clone, Debug, PartialEq)]
enum Trouble {
    Down,
    Rejected(Reason),
    TimedOut(Duration),
    LoadTimeout,
}

impl From<Rejected> for Trouble {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected.reason())
    }
}

impl From<TimedOut> for Trouble {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out.after())
    }
}

impl From<LoadTimeout> for Trouble {
    fn from(_: LoadTimeout) -> Self {
        Self::LoadTimeout
    }
}

type Answer<T> = Result<T, Trouble>;
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A configuration that is read when the program runs.
struct Settings {
    timeout: Duration,
    attempts: u32,
    places: usize,
}

static SETTINGS: LazyLock<Settings> =
    LazyLock::new(|| Settings { timeout: Duration::from_secs(3), attempts: 4, places: 2 });
const SECOND: Duration = Duration::from_secs(1);
const FEW: usize = 2;

struct Client {
    timeout: Duration,
    attempts: u8,
    asked: AtomicU32,
}

impl Client {
    fn new(seconds: u64, attempts: u8) -> Self {
        Self { timeout: Duration::from_secs(seconds), attempts, asked: AtomicU32::new(0) }
    }

    #[timeout(self.timeout)]
    async fn report(&self) -> Answer<u8> {
        pending().await
    }

    #[timeout(self.timeout * 2)]
    fn boxed(&self) -> Pin<Box<dyn Future<Output = Answer<u8>> + Send + '_>> {
        Box::pin(pending())
    }

    #[timeout(self.timeout * 3)]
    fn alias(&self) -> Boxed<'_, Answer<u8>> {
        Box::pin(pending())
    }

    #[timeout(self.timeout)]
    fn hidden(&self) -> impl Future<Output = Answer<u8>> {
        pending()
    }

    #[retry(attempts = self.attempts, wait = self.timeout / 10, max_wait = self.timeout, budget = off)]
    async fn fetch(&self) -> Answer<u8> {
        self.asked.fetch_add(1, Relaxed);
        Err(Trouble::Down)
    }

    #[retry(attempts = self.attempts, wait = Duration::ZERO)]
    fn fetch_boxed(&self) -> Boxed<'_, Answer<u8>> {
        Box::pin(async {
            self.asked.fetch_add(1, Relaxed);
            Err(Trouble::Down)
        })
    }

    #[retry(attempts = self.attempts, wait = Duration::ZERO)]
    async fn fetch_lent(&mut self, log: &mut Vec<u8>) -> Answer<u8> {
        log.push(self.attempts);
        Err(Trouble::Down)
    }

    #[retry(attempts = self.attempts, wait = Duration::ZERO)]
    fn fetch_sync(&self) -> Answer<u8> {
        self.asked.fetch_add(1, Relaxed);
        Err(Trouble::Down)
    }

    #[circuit_breaker(name = "policy_settings::guarded", timeout = self.timeout, failure_threshold = SETTINGS.attempts)]
    async fn guarded(&self) -> Answer<u8> {
        pending().await
    }

    #[cacheable(ttl = 60, key = "client", load_timeout = self.timeout, skip(self))]
    async fn cached(&self) -> Answer<u8> {
        pending().await
    }
}

#[timeout(SETTINGS.timeout)]
async fn of_a_static() -> Answer<u8> {
    pending().await
}

#[timeout(SECOND)]
async fn of_a_constant() -> Answer<u8> {
    pending().await
}

#[timeout(within)]
async fn of_a_parameter(within: Duration) -> Answer<u8> {
    pending().await
}

#[timeout(T::WITHIN)]
async fn of_a_type<T: Bound>() -> Answer<u8> {
    pending().await
}

trait Bound {
    const WITHIN: Duration;
}

struct Short;

impl Bound for Short {
    const WITHIN: Duration = Duration::from_secs(7);
}

async fn seconds(call: impl Future<Output = Answer<u8>>) -> u64 {
    let begun = Instant::now();
    let Err(Trouble::TimedOut(after)) = call.await else { panic!("it times out") };
    assert_eq!(begun.elapsed(), after);
    after.as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_any_expression_and_each_call_has_its_own() {
    let (short, long) = (Client::new(1, 1), Client::new(5, 1));
    assert_eq!((seconds(short.report()).await, seconds(long.report()).await), (1, 5));
    assert_eq!((seconds(long.boxed()).await, seconds(long.alias()).await, seconds(long.hidden()).await), (10, 15, 5));
    assert_eq!((seconds(of_a_static()).await, seconds(of_a_constant()).await), (3, 1));
    assert_eq!(seconds(of_a_parameter(SECOND * 9)).await, 9);
    assert_eq!(seconds(of_a_type::<Short>()).await, 7);
    assert_eq!(seconds(of_a_parameter(Duration::ZERO)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_reads_its_thresholds_once_and_its_timeout_at_each_call() {
    let (short, long) = (Client::new(1, 1), Client::new(2, 1));
    for (client, expected) in [(&short, 1), (&long, 2), (&short, 1), (&long, 2)] {
        assert_eq!(seconds(client.guarded()).await, expected);
    }
    assert_eq!(short.guarded().await, Err(Trouble::Rejected(Reason::Open)), "the threshold is 4");
    let breaker = Breaker::find("policy_settings::guarded").unwrap();
    assert_eq!(breaker.snapshot().calls.failures, 4);
}

#[test]
fn a_breaker_evaluates_expressions_at_its_first_call_only() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);

    fn configured() -> Duration {
        EVALUATED.fetch_add(1, Relaxed);
        SECOND
    }

    #[circuit_breaker(name = "policy_settings::one", open_for = configured())]
    fn one() -> Answer<()> {
        Ok(())
    }

    #[circuit_breaker(name = "policy_settings::hosts", per = "{host}", open_for = configured(), keys = FEW)]
    fn per_host(host: &str) -> Answer<()> {
        Ok(())
    }

    #[circuit_breaker(name = "policy_settings::written", open_for = "1s")]
    fn written() -> Answer<()> {
        Ok(())
    }

    let listed = |name: &str| fastness::resilience::snapshots().iter().any(|policy| &*policy.name == name);
    let monitored = || {
        let _ = Breaker::conflicts();
        (listed("policy_settings::one"), listed("policy_settings::hosts"), EVALUATED.load(Relaxed))
    };
    assert_eq!(monitored(), (false, false, 0));
    assert!(listed("policy_settings::written"), "it needs no evaluation");
    for _ in 0..2 {
        assert_eq!((one(), per_host("a"), written()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(monitored(), (true, true, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_made_by_the_settings_of_its_call() {
    for attempts in [2, 5] {
        let mut client = Client::new(0, attempts);
        let asked = |client: &Client| client.asked.swap(0, Relaxed);
        assert_eq!((client.fetch().await, asked(&client)), (Err(Trouble::Down), attempts.into()));
        assert_eq!((client.fetch_boxed().await, asked(&client)), (Err(Trouble::Down), attempts.into()));
        assert_eq!((client.fetch_sync(), asked(&client)), (Err(Trouble::Down), attempts.into()));
        let mut log = Vec::new();
        assert_eq!(client.fetch_lent(&mut log).await, Err(Trouble::Down));
        assert_eq!(log, vec![attempts; attempts.into()]);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_with_different_settings_share_a_budget() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[retry(attempts = attempts, wait = Duration::ZERO, budget = Percent::new(1))]
    async fn fetch(attempts: NonZeroUsize) -> Answer<u8> {
        CALLS.fetch_add(1, Relaxed);
        Err(Trouble::Down)
    }

    for attempts in 2..50 {
        let _ = fetch(NonZeroUsize::new(attempts).unwrap()).await;
    }
    assert_eq!(CALLS.load(Relaxed), 48 + 10, "48 first attempts, and the ten retries that the budget has at first");
}

#[tokio::test(start_paused = true)]
async fn a_constant_wait_is_neither_longer_nor_at_random() {
    #[retry(attempts = 4, wait = "3s", backoff = constant, max_wait = "10s")]
    async fn fetch() -> Answer<u8> {
        Err(Trouble::Down)
    }

    let begun = Instant::now();
    assert_eq!(fetch().await, Err(Trouble::Down));
    assert_eq!(begun.elapsed(), SECOND * 9);
}

#[tokio::test]
async fn a_bulkhead_reads_its_places_once_and_its_wait_at_each_call() {
    #[bulkhead(max = SETTINGS.places, wait = wait)]
    async fn render(wait: Duration, hold: bool) -> Answer<u8> {
        if hold { pending().await } else { Ok(1) }
    }

    let held = [(); 2].map(|()| tokio::spawn(render(Duration::ZERO, true)));
    while render(Duration::ZERO, false).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(render(Duration::from_millis(1), false).await, Err(Trouble::Rejected(Reason::Full)));
    let waits = tokio::spawn(render(Duration::MAX, false));
    for held in held {
        held.abort();
    }
    assert_eq!(waits.await.unwrap(), Ok(1));
}

#[test]
fn a_rate_limit_has_the_rate_of_the_call() {
    struct Plan {
        calls: u32,
        per: Duration,
    }

    #[rate_limit(calls = plan.calls, per = plan.per, key = "{customer}", keys = FEW * 10)]
    fn send(plan: &Plan, customer: u32) -> Answer<()> {
        Ok(())
    }

    let hour = Duration::from_secs(3_600);
    let (free, paid) = (Plan { calls: 2, per: hour }, Plan { calls: 5, per: hour });
    let sent = |plan: &Plan, customer| (0..10).filter(|_| send(plan, customer).is_ok()).count();
    assert_eq!((sent(&free, 1), sent(&paid, 2), sent(&free, 3)), (2, 5, 2));
    assert_eq!(sent(&Plan { calls: 1, per: Duration::ZERO }, 4), 10, "a period of zero bounds nothing");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_has_the_delay_of_the_call() {
    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[hedge(after = after, budget = 100)]
    async fn read(after: Duration) -> Answer<u8> {
        if RUNS.fetch_add(1, Relaxed) == 0 { pending().await } else { Ok(1) }
    }

    #[hedge(p95 = after)]
    fn read_boxed(after: Duration) -> Boxed<'static, Answer<u8>> {
        Box::pin(async { if RUNS.fetch_add(1, Relaxed) == 0 { pending().await } else { Ok(1) } })
    }

    let begun = Instant::now();
    assert_eq!(read(SECOND * 4).await, Ok(1));
    assert_eq!(begun.elapsed(), SECOND * 4);
    RUNS.store(0, Relaxed);
    assert_eq!(read_boxed(SECOND * 2).await, Ok(1));
    assert_eq!(begun.elapsed(), SECOND * 6);
}

#[tokio::test(start_paused = true)]
async fn a_load_has_the_timeout_of_its_caller() {
    let fast = Fastness::builder().build().unwrap();
    let begun = Instant::now();
    assert_eq!(with_cache(&fast, Client::new(2, 1).cached()).await, Err(Trouble::LoadTimeout));
    assert_eq!(begun.elapsed(), SECOND * 2);
}

#[test]
fn a_capacity_is_a_constant_or_an_expression() {
    #[cacheable(ttl = 60, capacity = FEW)]
    fn by_constant(n: u32) -> u32 {
        n
    }

    #[cacheable(ttl = 60, capacity = SETTINGS.places * 2)]
    fn by_static(n: u32) -> u32 {
        n
    }

    #[cacheable(ttl = 60, capacity = SETTINGS.places - 2)]
    fn of_none(n: u32) -> u32 {
        n
    }

    let entries = |call: fn(u32) -> u32| {
        let fast = Fastness::builder().build().unwrap();
        fastness::with_cache_sync(&fast, || (0..20).for_each(|n| assert_eq!(call(n), n)));
        fast.stats().entries
    };
    assert_eq!((entries(by_constant), entries(by_static), entries(of_none)), (2, 4, 1));
}

/// The places of both functions are under one lock in some of many caches.
#[test]
fn a_capacity_is_evaluated_once_for_each_cache_and_may_call_another_function() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);

    #[cacheable(ttl = 60)]
    fn configuration(entries: usize) -> usize {
        entries
    }

    fn configured() -> usize {
        EVALUATED.fetch_add(1, Relaxed);
        configuration(3)
    }

    #[cacheable(ttl = 60, negative_ttl = 60, capacity = configured())]
    fn bounded(n: u32) -> Option<u32> {
        Some(n)
    }

    for caches in 1..=200 {
        let fast = Fastness::builder().build().unwrap();
        fastness::with_cache_sync(&fast, || (0..20).for_each(|n| assert_eq!(bounded(n), Some(n))));
        assert_eq!((fast.stats().entries, EVALUATED.load(Relaxed)), (3 + 1, caches));
    }
}

#[test]
fn a_capacity_that_needs_its_own_function_panics() {
    static NEEDS_ITSELF: AtomicBool = AtomicBool::new(true);

    fn configured() -> usize {
        if NEEDS_ITSELF.load(Relaxed) { circular(1) } else { 2 }
    }

    #[cacheable(ttl = 60, capacity = configured())]
    fn circular(n: usize) -> usize {
        n
    }

    let fast = Fastness::builder().build().unwrap();
    let call = || fastness::with_cache_sync(&fast, || circular(5));
    for _ in 0..2 {
        let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        let told = panic.downcast_ref::<String>().unwrap();
        assert!(told.starts_with("the expression of `capacity` of `circular` calls that function: "), "{told}");
    }
    NEEDS_ITSELF.store(false, Relaxed);
    assert_eq!(call(), 5);
}

#[test]
fn a_number_is_of_any_whole_type() {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    macro_rules! attempts {
        ($($name:ident: $number:expr;)*) => {
            [$({
                #[retry(attempts = $number, wait = Duration::ZERO, budget = 100)]
                fn $name() -> Answer<()> {
                    CALLS.fetch_add(1, Relaxed);
                    Err(Trouble::Down)
                }
                let _ = $name();
                CALLS.swap(0, Relaxed)
            }),*]
        };
    }
    let made = attempts! {
        byte: 2_u8;
        short: 3_u16;
        sum: 2 + 2;
        none: u64::MIN;
        negative: i64::from(-5_i32);
        at_least_one: NonZeroU32::new(5).unwrap();
    };
    assert_eq!(made, [2, 3, 4, 1, 1, 5]);
}

#[circuit_breaker(name = "aliased by host", per = "{host}", failure_threshold = 1)]
fn aliased_by_host(host: &str) -> Answer<usize> {
    if host == "down" { Err(Trouble::Down) } else { Ok(host.len()) }
}

#[test]
fn a_plain_function_with_an_alias_as_return_type_has_a_breaker_per_key() {
    assert_eq!((aliased_by_host("down"), aliased_by_host("up")), (Err(Trouble::Down), Ok(2)));
    assert_eq!((aliased_by_host("down"), aliased_by_host("up")), (Err(Trouble::Rejected(Reason::Open)), Ok(2)));
}
