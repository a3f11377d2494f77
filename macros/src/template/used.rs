//! The uses of templates.
//!
//! May use: nothing of this crate.

/// What a template is used for; it decides about wildcards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The key of an entry.
    Key,
    /// What `cache_invalidate` names: a key, or a prefix that ends in `:*`.
    Pattern,
    /// A tag.
    Tag,
    /// What a change of a document invalidates: a pattern over the fields of a model.
    Scope,
}

impl Use {
    /// How messages call it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::Tag => "tag",
            Self::Scope => "scope",
        }
    }

    /// Whether it may end in `:*`.
    pub(crate) fn has_prefixes(self) -> bool {
        matches!(self, Self::Pattern | Self::Scope)
    }
}
