//! Tower layers for HTTP servers, each usable alone.
//!
//! May use: nothing yet.
