//! MongoDB indexes that are declared on models: what a model declares, and what is made of it.
//!
//! May use: nothing.

mod spec;

pub use spec::{Collation, Condition, Field, IndexSpec, Kind, Literal, Operator};
