//! Tower layers for HTTP servers, each usable alone.
//!
//! May use: nothing yet.

mod body;
mod problem;

pub use body::Body;
pub use problem::Problem;
