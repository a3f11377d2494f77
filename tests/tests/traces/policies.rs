//! Policies: attempts, waits, and the events of calls that were not made or were dropped.

use std::future::pending;
use std::num::NonZeroU32;
use std::time::Duration;

use fastness::resilience::breaker::Breaker;
use fastness::resilience::bulkhead::{self, Bulkhead};
use fastness::resilience::hedge::{self, Hedge};
use fastness::resilience::retry::{self, Retry};
use fastness::resilience::timeout::Timeout;
use fastness::{Clock, resilience::CallError};
use tracing::{Instrument, info_span};

use crate::{Exported, Trace};

const ONE: NonZeroU32 = NonZeroU32::new(1).unwrap();

#[tokio::test]
async fn each_attempt_of_a_retry_has_a_span() {
    let (trace, retry) = (Trace::begin(), Retry::new("flaky", retry::Settings::new()).with_clock(Clock::manual()));
    let mut left = 2;
    let calls = async {
        let call = || {
            let fails = left > 0;
            left -= i32::from(fails);
            let work = async move { if fails { Err("down") } else { Ok(()) } };
            work.instrument(info_span!("query"))
        };
        retry.call(call, |_| true).await.unwrap();
        retry.call_sync(|| info_span!("sync").in_scope(|| Ok::<_, ()>(())), |()| true).unwrap();
    };
    trace.run(calls).await;
    let attempts = trace.spans("fastness.attempt");
    let seen: Vec<_> = attempts.iter().map(|span| (span.number("fastness.attempt"), span.outcome())).collect();
    let row = |number, outcome: &str| (Some(number), outcome.to_owned());
    assert_eq!(seen, [row(1, "failure"), row(2, "failure"), row(3, "success"), row(1, "success")]);
    assert!(attempts.iter().all(|span| span.text("fastness.policy") == "flaky" && span.parent() == trace.root()));
    // A future that the call makes belongs to the span in which it is polled; `instrument` is called before.
    assert_eq!(trace.span("sync").parent(), attempts[3].id());
}

#[tokio::test]
async fn a_wait_for_a_slot_has_a_span_and_a_free_slot_has_none() {
    let settings = bulkhead::Settings::fixed(ONE).wait(Duration::from_millis(1));
    let (trace, bulkhead) = (Trace::begin(), Bulkhead::new("narrow", settings));
    let calls = async {
        assert!(bulkhead.run(async {}).await.is_ok());
        let both = bulkhead.run(async { bulkhead.run(async {}).await }).await;
        assert!(both.unwrap().is_err());
    };
    trace.run(calls).await;
    let wait = trace.span("fastness.bulkhead.wait");
    assert_eq!([wait.text("fastness.policy"), wait.outcome()], ["narrow", "rejected"]);
}

#[tokio::test]
async fn calls_that_were_not_made_or_were_dropped_are_events_of_the_current_span() {
    let trace = Trace::begin();
    let (breaker, timeout) = (Breaker::named("forced"), Timeout::new("short", Duration::from_millis(5)));
    let hedge = Hedge::new("again", hedge::Settings::after(Duration::ZERO));
    breaker.force_open();
    let calls = async {
        assert!(matches!(breaker.try_call(async { Ok::<_, ()>(()) }).await, Err(CallError::Rejected(_))));
        assert!(timeout.run(pending::<()>()).await.is_err());
        let mut tries = 0;
        let call = || {
            tries += 1;
            let hangs = tries == 1;
            async move {
                if hangs {
                    pending::<()>().await;
                }
                Ok::<_, ()>(())
            }
        };
        hedge.call(call).await.unwrap();
    };
    trace.run(async { calls.instrument(info_span!("request")).await }).await;
    let request: Exported = trace.span("request");
    let messages =
        ["a policy rejected a call", "a call took too long and was dropped", "a hedge makes a slow call a second time"];
    assert_eq!(request.events(), messages);
    let event = |at: usize, key: &str| {
        let attribute = request.0.events[at].attributes.iter().find(|attribute| attribute.key.as_str() == key);
        attribute.map(|attribute| attribute.value.to_string())
    };
    assert_eq!([event(0, "policy"), event(0, "reason")], [Some("forced".into()), Some("open".into())]);
    assert_eq!(event(1, "after_ms"), Some("5".into()));
}
