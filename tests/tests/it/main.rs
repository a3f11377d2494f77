//! One binary for all integration tests; each file is a topic.

mod architecture;
mod attributes;
mod coherence;
mod flights;
