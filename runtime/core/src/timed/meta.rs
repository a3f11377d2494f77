//! A timed place in the source, as known when the program is built.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

/// What is known of a site when the program is built.
#[derive(Clone, Copy, Debug)]
pub struct TimedMeta {
    pub name: &'static str,
    /// The function, where one is annotated.
    pub function: &'static str,
    pub module: &'static str,
    pub file: &'static str,
    pub line: u32,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}
