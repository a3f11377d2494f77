//! Return types that are futures under any name, and those that are not; several attributes on one function.

use std::cell::Cell;

use fastness::{
    bulkhead, cache_invalidate, cache_put, cacheable, circuit_breaker, rate_limit, retry, timed, with_cache,
    with_cache_sync,
};

use super::*;
use crate::fresh;
use crate::functions::assert_send;

/// A user's type that is neither a `Result` nor a future.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Price(u64);
type Priced<E = Trouble> = Result<Price, E>;

thread_local! {
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

fn runs() -> u64 {
    RUNS.replace(0)
}

#[cacheable(ttl = 60)]
fn price(id: u64) -> Price {
    RUNS.set(RUNS.get() + 1);
    Price(id)
}

#[cacheable(ttl = 60, key = "priced:{id}", tags = ["prices"])]
fn priced(id: u64) -> Priced {
    RUNS.set(RUNS.get() + 1);
    if id == 0 {
        return Err(Trouble::Down);
    }
    Ok(Price(id))
}

#[cache_put(key = "priced:{id}", ttl = 60, tags = ["prices"])]
fn put(id: u64, to: u64) -> Priced {
    Ok(Price(id + to))
}

#[cache_invalidate(tags = ["prices"])]
fn forget() -> Priced {
    Ok(Price(0))
}

#[test]
fn a_value_that_is_no_future_is_cached_as_it_is() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        assert_eq!((price(1), price(1), runs()), (Price(1), Price(1), 1));
        assert_eq!((priced(1), priced(1), runs()), (Ok(Price(1)), Ok(Price(1)), 1));
        assert_eq!((priced(0), priced(0), runs()), (Err(Trouble::Down), Err(Trouble::Down), 2));
        assert_eq!((put(1, 5), priced(1), runs()), (Ok(Price(6)), Ok(Price(6)), 0));
        assert_eq!((forget(), priced(1), runs()), (Ok(Price(0)), Ok(Price(1)), 1));
    });
}

#[retry(attempts = 3, wait = "1ms", budget = off)]
fn tried(fails: &Cell<u64>) -> Priced {
    fails.set(fails.get() - 1);
    if fails.get() > 0 { Err(Trouble::Down) } else { Ok(Price(1)) }
}

#[circuit_breaker(failure_threshold = 1, open_for = "1h")]
fn broken() -> Priced {
    Err(Trouble::Down)
}

#[bulkhead(max = 1)]
fn alone(inside: bool) -> Priced {
    if inside { alone(false) } else { Ok(Price(1)) }
}

#[rate_limit(calls = 1, per = "1h")]
fn rare() -> Priced {
    Ok(Price(1))
}

#[timed(name = "kinds.borrows")]
fn borrows(prices: &mut [Price]) -> Lent<'_> {
    Lent(prices.first_mut())
}

struct Lent<'a>(Option<&'a mut Price>);

#[test]
fn a_value_that_is_no_future_is_returned_at_once() {
    assert_eq!(tried(&Cell::new(3)), Ok(Price(1)));
    assert_eq!((broken(), broken()), (Err(Trouble::Down), Err(Trouble::Rejected)));
    assert_eq!((alone(false), alone(true)), (Ok(Price(1)), Err(Trouble::Rejected)));
    assert_eq!((rare(), rare()), (Ok(Price(1)), Err(Trouble::Rejected)));
    let mut prices = vec![Price(1)];
    borrows(&mut prices).0.expect("there is one").0 += 1;
    assert_eq!(prices, [Price(2)]);
}

/// The shape of a `tower::Service`: the loan of `self` ends before the future is made, which borrows nothing.
trait Service {
    type Future;
    fn call(&mut self, id: u64) -> Self::Future;
}

#[derive(Clone)]
struct Inner(u64);

impl Service for Inner {
    type Future = BoxFuture<'static, Answer>;

    #[timed]
    #[circuit_breaker(name = "kinds.service")]
    #[bulkhead(max = 8)]
    #[rate_limit(calls = 100, per = "1s")]
    #[cache_invalidate("named:{id}", skip(self))]
    fn call(&mut self, id: u64) -> Self::Future {
        self.0 += id;
        let inner = self.clone();
        Box::pin(async move { Ok(inner.0) })
    }
}

#[tokio::test]
async fn a_service_whose_future_borrows_nothing_takes_all_attributes() {
    let mut service = Inner(1);
    let (first, second) = (assert_send(service.call(2)), service.call(3));
    assert_eq!((second.await, first.await), (Ok(6), Ok(3)));
}

/// The name of a type parameter says nothing about its type.
#[cacheable(ttl = 60)]
fn generic<T>(value: T) -> BoxFuture<'static, Option<T>>
where
    T: fastness::key::KeyPart + Clone + Send + Sync + 'static,
{
    Box::pin(async move { Some(value) })
}

#[timed]
#[cacheable(ttl = 60, key = "stack:{id}", skip(work))]
#[circuit_breaker(name = "kinds.stack")]
#[retry(attempts = 2, wait = "1ms", budget = off)]
fn stacked(id: u64, work: &'static Work) -> Reply {
    Box::pin(async move {
        let id = work.run(id).await?;
        Ok(id + 1)
    })
}

#[tokio::test(start_paused = true)]
async fn attributes_on_one_future_nest_as_they_are_written() {
    let work = Work::failing(1);
    with_cache(&fresh(), async {
        assert_eq!((stacked(1, work).await, stacked(1, work).await), (Ok(2), Ok(2)));
        assert_eq!((generic("a").await, generic(1_u8).await), (Some("a"), Some(1)));
    })
    .await;
    assert_eq!(work.runs(), (2, 2), "the retry is inside, and a hit needs nothing");
}
