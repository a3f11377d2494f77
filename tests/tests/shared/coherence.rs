//! The contract between nodes.
