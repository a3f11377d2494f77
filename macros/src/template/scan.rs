//! Cuts a template into literal text, placeholders and colons. Braces without a partner are the only errors here.
//!
//! Invariant: the ranges of the tokens are in order, do not overlap and lie on character boundaries.
//!
//! May use: diag, template/source.

use std::ops::Range;

use super::{Source, Use};
use crate::diag::Diag;

/// A token of a template, with the range of its bytes, braces included.
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) range: Range<usize>,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Text,
    Hole,
    Colon,
}

/// Cuts the whole literal into tokens. An unpaired brace is reported and counts as text.
pub(crate) fn scan(source: &Source, used: Use, diag: &mut Diag) -> Vec<Token> {
    let text = source.text();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = match (rest.as_bytes()[0], hole_length(rest)) {
            (b':', _) => (TokenKind::Colon, 1),
            (b'{', Some(length)) => (TokenKind::Hole, length),
            (b'{' | b'}', _) => {
                unpaired(source, at, used, diag);
                (TokenKind::Text, 1)
            }
            _ => (TokenKind::Text, rest.find([':', '{', '}']).unwrap_or(rest.len())),
        };
        tokens.push(Token { kind, range: at..at + length });
        at += length;
    }
    tokens
}

/// The length of the `{..}` at the start of `rest`. There is none if another `{` comes before the `}`.
fn hole_length(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('{')?;
    let end = inside.find(['{', '}'])?;
    inside[end..].starts_with('}').then_some(end + 2)
}

fn unpaired(source: &Source, at: usize, used: Use, diag: &mut Diag) {
    let (noun, range) = (used.noun(), at..at + 1);
    let (brace, partner) = if source.slice(&range) == "{" { ('{', '}') } else { ('}', '{') };
    diag.error(
        source.span(&range),
        format_args!(
            "`{brace}` has no `{partner}`: write a placeholder \
            as `{{id}}`, as a {noun} has no braces of its own"
        ),
    );
}
