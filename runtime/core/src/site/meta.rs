//! The facts about a call site that the macro knows.

use std::panic::Location;

use crate::key::template::Template;

/// The attribute, or the form of it, that made a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// `#[cacheable]`
    Cacheable,
    /// `#[cache_put]`
    Put,
    /// `#[cacheable(batch(..))]`
    Batch,
}

/// The part that a receiver has in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// There is none.
    None,
    /// The template names a field of it, or its type's `KeyNamespace` leads the key.
    InKey,
    /// `skip(self)`.
    Skipped,
    /// Decided by its type, which implements `KeyNamespace` or not.
    ByType,
}

/// The facts that the macro knows.
#[derive(Debug)]
#[cfg_attr(not(feature = "registry"), allow(dead_code))] // where it is, only the registry tells
pub(crate) struct SiteMeta {
    pub(crate) kind: SiteKind,
    pub(crate) name: &'static str,
    /// The function that `handle = ..` declares, where the static is in that one.
    pub(crate) handle: Option<&'static str>,
    pub(crate) module: &'static str,
    /// The place of the attribute.
    pub(crate) source: &'static Location<'static>,
    pub(crate) template: Template,
    pub(crate) tags: &'static [&'static str],
    pub(crate) receiver: Receiver,
    pub(crate) capacity: Option<usize>,
    /// The version of the values' meaning; values of another version are not found.
    pub(crate) version: usize,
}
