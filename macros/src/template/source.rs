//! A string literal and the way from a place in its value to a span inside it.
//!
//! Invariant: where the compiler gives no span inside a literal (stable compilers, escapes, literals made by other
//! macros), the span is the whole literal's, never a wrong place; messages therefore quote what they are about.
//!
//! May use: nothing of this crate.

use std::ops::Range;

use proc_macro2::{Literal, Span};
use syn::LitStr;

/// A string literal with its value.
pub(crate) struct Source {
    text: String,
    token: Literal,
    /// The number of bytes of the token before the value, if the value stands in the token as it is.
    offset: Option<usize>,
}

impl Source {
    pub(crate) fn new(literal: &LitStr) -> Self {
        let text = literal.value();
        let token = literal.token();
        let written = token.to_string();
        let offset = written.find('"').map(|quote| quote + 1).filter(|start| {
            let rest = written.get(*start..).unwrap_or_default();
            rest.strip_prefix(text.as_str()).is_some_and(|rest| rest.starts_with('"'))
        });
        Self { text, token, offset }
    }

    /// The value of the literal.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A part of the value; empty if `range` is not one.
    pub(crate) fn slice(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The span of a part of the value in the user's source.
    pub(crate) fn span(&self, range: &Range<usize>) -> Span {
        self.offset
            .and_then(|offset| self.token.subspan(range.start + offset..range.end + offset))
            .unwrap_or_else(|| self.token.span())
    }
}
