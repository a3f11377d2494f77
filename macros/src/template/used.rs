//! The uses of templates.
//!
//! May use: nothing of this crate.

/// The use of a template, which decides whether wildcards are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The key of an entry.
    Key,
    /// A target of `cache_invalidate`: a key, or a prefix that ends in `:*`.
    Pattern,
    /// A tag.
    Tag,
    /// The scope that a change of a document invalidates: a pattern over the fields of a model.
    Scope,
}

impl Use {
    /// The noun for messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::Tag => "tag",
            Self::Scope => "scope",
        }
    }

    /// Returns whether it may end in `:*`.
    pub(crate) fn has_prefixes(self) -> bool {
        matches!(self, Self::Pattern | Self::Scope)
    }
}
