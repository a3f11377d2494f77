//! What the macro knows of a call site.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::panic::Location;

use crate::key::template::Template;

/// What kind of call site it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    Cacheable,
    Put,
    Batch,
}

/// How the receiver takes part in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// There is none.
    None,
    /// The template names a field of it, or its type's `KeyScope` leads the key.
    InKey,
    /// `skip(self)`.
    Skipped,
    /// As its type says, by implementing `KeyScope` or not.
    ByType,
}

/// What the macro knows.
#[derive(Debug)]
#[cfg_attr(not(feature = "registry"), allow(dead_code))] // where it is, only the registry tells
pub(crate) struct SiteMeta {
    pub(crate) kind: SiteKind,
    pub(crate) name: &'static str,
    pub(crate) module: &'static str,
    /// The place of the attribute.
    pub(crate) source: &'static Location<'static>,
    pub(crate) template: Template,
    pub(crate) tags: &'static [&'static str],
    pub(crate) receiver: Receiver,
    pub(crate) capacity: Option<usize>,
    /// Of the values' meaning; those of another version are not found.
    pub(crate) version: usize,
}
