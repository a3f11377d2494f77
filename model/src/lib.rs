//! An exhaustive model of the coherence protocol of the shared tier.
pub use mutants::{Mutant, Rules};
pub use scenario::Scenario;
pub use search::{Outcome, explore};

mod contract;
mod fold;
mod link;
mod mutants;
mod read;
mod reduce;
mod scenario;
mod search;
mod server;
mod state;
mod steps;
mod tables;
mod world;
mod write;
