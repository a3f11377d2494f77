//! One binary for all integration tests; each file is a topic.

mod attributes;
mod flights;
mod architecture;
mod coherence;
