//! The integration tests that need no server, in one binary; each file is a topic.

use std::pin::Pin;
use std::task::Poll;

use fastness::{Clock, Fastness};

mod architecture;
mod batch;
mod batch_refresh;
mod behaviours;
mod bodies;
mod broken_bodies;
mod bypass;
mod cache_refresh;
mod circles;
mod coherence;
mod conditions;
mod defaults;
mod direct;
mod durations;
mod equal_batches;
mod events;
mod examples;
mod figures;
mod flights;
mod floor;
mod functions;
mod futures;
mod guide;
mod handles;
mod http;
mod http2;
mod http_cache;
mod http_rules;
mod hygiene;
mod idle;
mod indexes;
mod instances;
mod key_list;
mod key_parts;
mod keys;
mod keytext;
mod keytypes;
mod lent;
mod lifetimes;
mod links;
mod markdown;
mod memory;
mod merge;
mod methods;
mod metrics;
mod named;
mod names;
mod nested;
mod newest;
mod one_key;
mod options;
mod origin;
mod parameters;
mod patterns;
mod policy_settings;
mod previous;
mod prose;
mod provenance;
mod refresh;
mod rejections;
mod reload;
mod resilience;
mod returns;
mod run_time;
mod run_time_policies;
mod safety;
mod signatures;
mod sizes;
mod stale;
mod stalled;
mod streamed;
mod subscriptions;
mod tasks;
mod thread_end;
mod timings;
mod totals;
mod transaction;
mod turned_off;
mod two_keys;
mod value_tags;
mod weights;
mod writes;

/// A cache of this test's own.
fn fresh() -> Fastness {
    Fastness::builder().invalidation_memory(4096).build().unwrap()
}

/// A cache of this test's own, on a clock that moves by hand.
fn timed() -> (Fastness, Clock) {
    let clock = Clock::manual();
    let fast = Fastness::builder().invalidation_memory(4096).clock(clock.clone()).build().unwrap();
    (fast, clock)
}

/// The result of polling the future once.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
