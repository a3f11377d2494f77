//! The registry: every annotated function, known at link time.
//!
//! May use: `invalidate`, `site`, `timed`.
//!
//! For diagnostics only: a linker may drop an entry, so correctness must not depend on it.
// Public only through `__private`.
#![allow(missing_docs)]

use crate::invalidate::{InvalidateSite, PatternKind};
use crate::site::{Leaves, Receiver, Site, SiteKind};
use crate::timed::{self, TimedSite};

/// The entry that a macro registers.
#[derive(Debug)]
pub struct Registered(RegisteredSite);

#[derive(Debug)]
enum RegisteredSite {
    Site(&'static Site),
    Invalidate(&'static InvalidateSite),
}

impl Registered {
    pub const fn site(site: &'static Site) -> Self {
        Self(RegisteredSite::Site(site))
    }

    pub const fn invalidate(site: &'static InvalidateSite) -> Self {
        Self(RegisteredSite::Invalidate(site))
    }
}

inventory::collect!(Registered);

/// The role of an annotated function: its attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// `#[cacheable]`
    Cacheable,
    /// `#[cacheable(batch(..))]`
    Batch,
    /// `#[cache_put]`
    Put,
    /// `#[cache_invalidate]`
    Invalidate,
    /// `#[cache_refresh]`
    Refresh,
    /// `#[timed]`
    Timed,
}

impl Role {
    /// Returns whether functions of this role store values.
    pub(crate) fn stores(self) -> bool {
        matches!(self, Self::Cacheable | Self::Batch | Self::Put)
    }
}

/// An annotated function.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotated {
    /// The role.
    pub role: Role,
    /// The name.
    pub name: &'static str,
    /// The path of its module.
    pub module: &'static str,
    /// The source file.
    pub file: &'static str,
    /// The line of the attribute.
    pub line: u32,
    /// The key template, or the patterns that it invalidates or expires; empty for a function that is only timed.
    pub keys: Vec<&'static str>,
    /// The tags of its entries, or those that it invalidates or expires.
    pub tags: Vec<&'static str>,
    /// True if the receiver is missing from the key; `None` if that is not known yet. For [`audit`](crate::audit).
    pub(crate) receiver_unkeyed: Option<bool>,
    /// A ttl that may exceed the retention of the shared log, in milliseconds; the largest number for none at all.
    pub(crate) long_ttl: Option<u64>,
    /// The options of its policy that settings may change.
    #[cfg_attr(not(feature = "settings"), allow(dead_code))]
    pub(crate) settable: &'static [&'static str],
    /// The bytes that its values leave in the shared tier.
    pub(crate) leaves: Leaves,
}

/// Returns every annotated function of this program, sorted by file and line.
///
/// ```
/// #[fastness::cacheable(ttl = 60, key = "city:{zip}")]
/// fn city(zip: u32) -> String { format!("city of {zip}") }
///
/// let cities = fastness::registry::annotated().into_iter().find(|f| f.name == "city").unwrap();
/// assert_eq!(cities.keys, ["city:{zip}"]);
/// ```
pub fn annotated() -> Vec<Annotated> {
    let cached = inventory::iter::<Registered>().map(Annotated::from);
    let mut all: Vec<_> = cached.chain(timed::annotated().map(Annotated::from_timed)).collect();
    all.sort_by_key(|annotated| (annotated.file, annotated.line, annotated.role, annotated.name));
    all
}

impl From<&Registered> for Annotated {
    fn from(registered: &Registered) -> Self {
        match registered.0 {
            RegisteredSite::Site(site) => Self::from_site(site),
            RegisteredSite::Invalidate(site) => Self::from_invalidate(site),
        }
    }
}

impl Annotated {
    fn from_site(site: &Site) -> Self {
        let meta = site.meta();
        Self {
            role: match meta.kind {
                SiteKind::Cacheable => Role::Cacheable,
                SiteKind::Batch => Role::Batch,
                SiteKind::Put => Role::Put,
            },
            name: meta.name,
            module: meta.module,
            file: meta.source.file(),
            line: meta.source.line(),
            keys: vec![meta.template.text],
            tags: meta.tags.to_vec(),
            receiver_unkeyed: match (meta.receiver, site.has_namespace()) {
                (Receiver::ByType, Some(has_namespace)) => Some(!has_namespace),
                (Receiver::ByType, None) => None,
                _ => Some(false),
            },
            long_ttl: meta.long_ttl,
            settable: meta.settable,
            leaves: meta.leaves,
        }
    }

    fn from_timed(site: &TimedSite) -> Self {
        let meta = site.meta();
        Self {
            role: Role::Timed,
            name: meta.function,
            module: meta.module,
            file: meta.file,
            line: meta.line,
            keys: Vec::new(),
            tags: Vec::new(),
            receiver_unkeyed: Some(false),
            long_ttl: None,
            settable: &[],
            leaves: Leaves::NeverShared,
        }
    }

    fn from_invalidate(site: &InvalidateSite) -> Self {
        let meta = site.meta();
        let texts = |tags: bool| {
            let wanted = meta.patterns.iter().filter(move |pattern| (pattern.kind == PatternKind::Tag) == tags);
            wanted.map(|pattern| pattern.template.text).collect()
        };
        Self {
            role: if meta.expires { Role::Refresh } else { Role::Invalidate },
            name: meta.name,
            module: meta.module,
            file: meta.file,
            line: meta.line,
            keys: texts(false),
            tags: texts(true),
            receiver_unkeyed: Some(false),
            long_ttl: None,
            settable: &[],
            leaves: Leaves::NeverShared,
        }
    }
}
