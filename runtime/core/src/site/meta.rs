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
    /// The function has no receiver.
    None,
    /// The template names a field of it, or its type's `KeyNamespace` leads the key.
    InKey,
    /// `skip(self)`.
    Skipped,
    /// Part of the key if its type implements `KeyNamespace`.
    ByType,
}

/// The largest number of entries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Capacity {
    Fixed(usize),
    /// The number of an expression.
    From(fn() -> usize),
}

impl Capacity {
    /// Returns the number, at least 1.
    pub(super) fn entries(self) -> usize {
        match self {
            Self::Fixed(entries) => entries,
            Self::From(entries) => entries().max(1),
        }
    }
}

/// The facts that the macro knows.
#[derive(Debug)]
#[cfg_attr(not(feature = "registry"), allow(dead_code))] // only the registry reads all fields
pub(crate) struct SiteMeta {
    pub(crate) kind: SiteKind,
    pub(crate) name: &'static str,
    /// The function that `handle = ..` declares, if the static is inside that one.
    pub(crate) handle: Option<&'static str>,
    pub(crate) module: &'static str,
    /// The place of the attribute.
    pub(crate) source: &'static Location<'static>,
    pub(crate) template: Template,
    pub(crate) tags: &'static [&'static str],
    pub(crate) receiver: Receiver,
    pub(crate) capacity: Option<Capacity>,
    pub(crate) max_bytes: Option<usize>,
    /// The version of the values' meaning; values of another version are not found.
    pub(crate) version: usize,
    /// A ttl beyond an hour of entries that may go to the shared tier, in milliseconds, where it is written out; the largest number for
    /// entries without an expiry. `None` otherwise.
    pub(crate) long_ttl: Option<u64>,
    /// The bytes that its values leave in the shared tier when their key is invalidated.
    pub(crate) leaves: Leaves,
}

/// The bytes that the values of a call site leave in the shared tier when their key is invalidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// They stay until the ttl ends.
    Bytes,
    /// None: the call site says `erase`.
    Nothing,
    /// None: the values are never there.
    NeverShared,
}
