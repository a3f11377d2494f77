//! Return types with a name of their own: futures that the attributes cannot make, and values where a future is needed.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::pin::Pin;

use fastness::resilience::{Rejected, TimedOut};
use fastness::{cache_invalidate, cache_put, cacheable, circuit_breaker, hedge, retry, timed, timeout};

#[derive(Clone)]
struct Error;

impl From<Rejected> for Error {
    fn from(_: Rejected) -> Self { Self }
}

impl From<TimedOut> for Error {
    fn from(_: TimedOut) -> Self { Self }
}

type Answer = Result<u8, Error>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

trait Job: Future<Output = Answer> + Send {}
type BoxJob = Pin<Box<dyn Job>>;

fn job() -> BoxJob { todo!() }

#[cache_invalidate("jobs:*")]
fn invalidates_before_the_job() -> BoxJob { job() }

#[timed]
fn times_the_making_of_a_job() -> Pin<Box<dyn Job>> { job() }

#[cacheable(ttl = 60)]
fn caches_a_job() -> BoxJob { job() }

#[cache_put(ttl = 60, key = "job")]
fn stores_a_job() -> BoxJob { job() }

#[circuit_breaker]
fn counts_jobs() -> BoxJob { job() }

#[retry]
fn repeats_the_making_of_a_job() -> BoxJob { job() }

#[timed]
fn times_a_future_of_its_own() -> Ready<u8> { ready(1) }

#[timed]
fn times_a_future_without_a_name() -> impl Job {
    struct Never;
    impl Future for Never {
        type Output = Answer;
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Answer> { std::task::Poll::Pending }
    }
    impl Job for Never {}
    Never
}

#[cacheable(ttl = 60, key = "handle", handle = handle_entry)]
fn hides_the_value_from_a_handle() -> BoxFuture<u8> { Box::pin(ready(1)) }

#[cacheable(ttl = 60, key = "batch:{ids}", batch(ids))]
fn hides_the_values_of_a_batch(ids: &[u64]) -> BoxFuture<HashMap<u64, u8>> { let _ = ids; todo!() }

#[timeout("1s")]
fn cannot_stop_a_thread() -> Answer { Ok(1) }

#[hedge(after = "1s")]
fn cannot_run_two_on_a_thread() -> Answer { Ok(1) }

#[circuit_breaker(timeout = "1s")]
fn breaker_cannot_stop_a_thread() -> Answer { Ok(1) }

#[cacheable(ttl = 60, load_timeout = "1s")]
fn cannot_bound_a_load_on_a_thread() -> Answer { Ok(1) }

fn main() {}
