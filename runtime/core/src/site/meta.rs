//! The facts about a call site that the macro knows.

use std::cell::RefCell;
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

thread_local! {
    /// The call sites whose capacity this thread evaluates, by their addresses; the innermost is the last.
    static EVALUATED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The evaluation of a capacity, which ends when this is dropped.
struct Evaluation;

impl Evaluation {
    fn begin(site: &SiteMeta) -> Self {
        let address = std::ptr::from_ref(site).addr();
        // A thread that is ending has no list any more.
        let is_circle = EVALUATED.try_with(|sites| {
            let mut sites = sites.borrow_mut();
            let is_circle = sites.contains(&address);
            if !is_circle {
                sites.push(address);
            }
            is_circle
        });
        assert!(
            !is_circle.unwrap_or_default(),
            "the expression of `capacity` of `{}` calls that function: write one that does not need it",
            site.name
        );
        Self
    }
}

impl Drop for Evaluation {
    fn drop(&mut self) {
        let _ = EVALUATED.try_with(|sites| sites.borrow_mut().pop());
    }
}

impl SiteMeta {
    /// Returns the capacity that the attribute says, at least 1. May run an expression of the user, so the caller holds no lock.
    ///
    /// # Panics
    ///
    /// Panics if the expression calls the function whose capacity it is, or panics itself.
    pub(super) fn entries(&self) -> Option<usize> {
        Some(match self.capacity? {
            Capacity::Fixed(entries) => entries,
            Capacity::From(entries) => {
                let _evaluation = Evaluation::begin(self);
                entries().max(1)
            }
        })
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
    /// The options of the policy that settings may change.
    pub(crate) settable: &'static [&'static str],
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
    /// All bytes, until the ttl ends.
    Bytes,
    /// None: the call site says `erase`.
    Nothing,
    /// None: the values are never there.
    NeverShared,
}
