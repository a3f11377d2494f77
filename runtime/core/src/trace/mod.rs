//! Spans and events of `tracing` about calls that take time, as docs/guide/traces.md lists them.
//!
//! May use: nothing of this crate.
//!
//! A span begins where a caller may have to wait: a load, another caller's load, the shared tier, an invalidation, an attempt. A hit has
//! none. Each kind of span is created by a function of [`spans`], which is compiled once and not once per call site. While no subscriber
//! wants the span, a [`Traced`] is a null pointer, so that futures stay small.

mod around;
mod spans;
mod traced;

pub(crate) use around::around;
pub(crate) use spans::{
    LoadReason, Subject, attempt, hedged, invalidation, load, rejected, slot, timed_out, wait, wait_for_fleet,
};
#[cfg(feature = "redis")]
pub(crate) use spans::{shared_read, shared_write};
pub(crate) use traced::{InsideSpan, Traced};
