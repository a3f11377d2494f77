//! The compile-time facts about a timed place in the source.
// Public only through `__private`.
#![allow(missing_docs)]

/// The compile-time facts about a timed site.
#[derive(Clone, Copy, Debug)]
pub struct TimedMeta {
    pub name: &'static str,
    /// The annotated function, or an empty text.
    pub function: &'static str,
    pub module: &'static str,
    pub file: &'static str,
    pub line: u32,
    /// The names of the labels.
    pub labels: &'static [&'static str],
}
