//! Functions under `#[tracing::instrument]` and our attributes: the body runs inside its span, and `err` and `ret` see how it ends.

use fastness::{bulkhead, cache_invalidate, cacheable, circuit_breaker, fallback, retry, timed, timeout, with_cache};
use fastness_tests::logged::Logged;
use tracing::{Instrument, Level, info, info_span, instrument};

use super::*;
use crate::fresh;

/// The events that the call logged, without times, one line each.
async fn logged<F: Future>(call: F) -> (F::Output, String) {
    let (logged, _guard) = Logged::listen(Level::INFO);
    let fast = fresh();
    let ended = with_cache(&fast, call.instrument(info_span!("caller"))).await;
    (ended, logged.text())
}

async fn work(id: u64) -> Result<u64, String> {
    tokio::task::yield_now().await;
    info!("inside");
    if id == 0 { Err("nought".to_owned()) } else { Ok(id) }
}

#[async_trait::async_trait]
trait Store {
    async fn above(&self, id: u64) -> Result<u64, String>;
    async fn below(&self, id: u64) -> Result<u64, String>;
    async fn both(&self, id: u64) -> Result<u64, Failed>;
}

struct Db;

#[async_trait::async_trait]
impl Store for Db {
    #[retry(attempts = 2, wait = "1ms", budget = off, when = |_| false)]
    #[instrument(name = "span", skip(self), err, ret, fields(twice = id * 2))]
    async fn above(&self, id: u64) -> Result<u64, String> {
        work(id).await
    }

    #[instrument(name = "span", skip(self), err, ret, fields(twice = id * 2))]
    #[cacheable(ttl = 60)]
    async fn below(&self, id: u64) -> Result<u64, String> {
        work(id).await
    }

    #[timed]
    #[cacheable(ttl = 60)]
    #[instrument(name = "span", skip(self), err, ret, fields(twice = id * 2))]
    #[circuit_breaker(name = "traced.both")]
    async fn both(&self, id: u64) -> Result<u64, Failed> {
        work(id).await.map_err(Failed)
    }
}

impl From<fastness::resilience::Rejected> for Failed {
    fn from(rejected: fastness::resilience::Rejected) -> Self {
        Self(rejected.to_string())
    }
}

impl From<fastness::resilience::TimedOut> for Failed {
    fn from(late: fastness::resilience::TimedOut) -> Self {
        Self(late.to_string())
    }
}

#[derive(Clone, Debug)]
struct Failed(String);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[timeout("1h")]
#[instrument(name = "span", err, ret, fields(twice = id * 2))]
fn opaque(id: u64) -> impl Future<Output = Result<u64, Failed>> + Send {
    async move { work(id).await.map_err(Failed) }
}

#[instrument(name = "span", err, ret, fields(twice = id * 2))]
#[bulkhead(max = 8)]
fn opaque_below(id: u64) -> impl Future<Output = Result<u64, Failed>> + Send {
    async move { work(id).await.map_err(Failed) }
}

#[cache_invalidate("named:{id}")]
#[instrument(name = "span", err, ret, fields(twice = id * 2))]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send>> {
    Box::pin(async move { work(id).await })
}

#[timed]
#[fallback(same)]
#[instrument(name = "span", err, ret, fields(twice = id * 2))]
fn named(id: u64) -> BoxFuture<'static, Result<u64, String>> {
    Box::pin(async move { work(id).await })
}

#[allow(clippy::unused_async)] // as the function that it answers for
async fn same(_: u64, error: String) -> Result<u64, String> {
    Err(error)
}

#[retry(attempts = 2, when = |_| false)]
#[instrument(name = "span", err, ret, fields(twice = id * 2))]
async fn plain(id: u64) -> Result<u64, String> {
    work(id).await
}

/// Both ends of one function, as an event of each.
async fn check<F, G, E>(function: &str, call: F)
where
    F: Fn(u64) -> G,
    G: Future<Output = Result<u64, E>>,
    E: std::fmt::Display,
{
    let (ended, log) = logged(call(3)).await;
    assert_eq!(ended.ok(), Some(3), "{function}");
    let span = |id: u64| format!("caller:span{{id={id} twice={}}}:", id * 2);
    assert!(log.contains(&format!("INFO {} inside\n", span(3))), "{function}: {log}");
    assert!(log.contains(&format!("INFO {} return=3\n", span(3))), "{function}: {log}");
    let (ended, log) = logged(call(0)).await;
    assert_eq!(ended.err().map(|error| error.to_string()).as_deref(), Some("nought"), "{function}");
    assert!(log.contains(&format!("INFO {} inside\n", span(0))), "{function}: {log}");
    assert!(log.contains(&format!("ERROR {} error=nought\n", span(0))), "{function}: {log}");
}

#[tokio::test]
async fn a_body_runs_inside_its_span_in_either_order() {
    check("above", |id| Db.above(id)).await;
    check("below", |id| Db.below(id)).await;
    check("both", |id| Db.both(id)).await;
    check("opaque", opaque).await;
    check("opaque below", opaque_below).await;
    check("boxed", boxed).await;
    check("named", named).await;
    check("plain", plain).await;
}
