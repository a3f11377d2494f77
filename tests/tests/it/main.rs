//! One binary for all integration tests; each file is a topic.

use fastness::{Clock, Fastness};

mod architecture;
mod coherence;
mod direct;
mod flights;
mod functions;
mod keys;
mod options;

/// A cache of this test's own.
async fn fresh() -> Fastness {
    Fastness::builder().invalidation_memory(4096).build().await.unwrap()
}

/// The same, on a clock that moves by hand.
async fn timed() -> (Fastness, Clock) {
    let clock = Clock::manual();
    let fast = Fastness::builder().invalidation_memory(4096).clock(clock.clone()).build().await.unwrap();
    (fast, clock)
}
