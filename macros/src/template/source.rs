//! A string literal, and the spans of the parts of its value.
//!
//! Invariant: if the compiler gives no span inside a literal (on stable compilers, with escapes, or for literals from other macros),
//! the span is that of the whole literal. Messages therefore quote the part that they are about.
//!
//! May use: nothing of this crate.

use std::ops::Range;

use proc_macro2::{Literal, Span};
use syn::LitStr;

/// A string literal with its value.
pub(crate) struct Source {
    text: String,
    token: Literal,
    /// The number of bytes of the token before the value, if the token contains the value without escapes.
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

    /// A part of the value; empty if `range` lies outside.
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
