//! Plans: which indexes a database lacks, which it has in another form, and what applying a plan did. Decided without a server.
//!
//! May use: `ask`, `error`, `model`, `values`.
//!
//! [`Index`] is an index in normal form, from a declaration or from a server's list; [`Plan`] compares such lists. A [`Report`] says
//! what [`IndexManager::apply`](crate::IndexManager::apply) did. Values that are the server's own (keys, options, ids) are of the
//! driver's [`bson`].

mod duplicates;
mod index;
mod report;
mod settings;
mod steps;

pub use duplicates::Duplicates;
pub use index::{Difference, Index};
pub use report::{Entry, Outcome, Report};
pub use settings::{Progress, Settings, Unmanaged};
pub(crate) use steps::Collection;
pub use steps::{Action, Clash, Plan, Step};
