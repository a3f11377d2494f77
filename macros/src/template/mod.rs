//! Reads the literal of a key, a pattern or a tag into text and placeholders, each with its span inside the literal.
//!
//! Flow: literal -> [`scan`] (text, `{..}`, `:`) -> segments -> the rules of the [`Use`] -> [`Template`].
//!
//! Invariants of a [`Template`]: it starts with literal text, no segment is empty, no segment has two placeholders, and
//! its literal text has no byte that a rendered argument escapes. So two different lists of arguments never give the same
//! key, and no argument can imitate another segment.
//!
//! May use: diag, nearest.

mod hole;
mod rules;
mod scan;
mod source;
#[cfg(test)]
mod tests;
mod used;

pub(crate) use hole::{Format, Hole};
use scan::{Token, TokenKind};
pub(crate) use source::Source;
use syn::LitStr;
pub(crate) use used::Use;

use crate::diag::Diag;

/// A piece of a template.
pub(crate) enum TemplatePiece {
    /// Literal text, colons included.
    Text(String),
    /// A placeholder.
    Hole(Hole),
}

/// A template that obeys all rules which do not depend on the function.
pub(crate) struct Template {
    /// The text as the user wrote it.
    pub(crate) text: String,
    /// The pieces without the final `:*` of a prefix pattern.
    pub(crate) pieces: Vec<TemplatePiece>,
    /// True if it ended in `:*`.
    pub(crate) prefix: bool,
}

impl Template {
    /// Reads `literal`. Reports every broken rule at its place, and returns a template only if there is none.
    pub(crate) fn parse(literal: &LitStr, used: Use, diag: &mut Diag) -> Option<Self> {
        let before = diag.count();
        let source = Source::new(literal);
        let tokens = scan::scan(&source, used, diag);
        let segments: Vec<&[Token]> = tokens.split(|token| token.kind == TokenKind::Colon).collect();
        if diag.count() == before {
            rules::check(&source, &segments, used, diag);
        }
        let prefix = used.has_prefixes() && rules::is_wildcard(&source, segments.last().copied().unwrap_or_default());
        let count = if prefix { tokens.len().saturating_sub(2) } else { tokens.len() };
        let pieces = pieces(&source, &tokens[..count], used, diag);
        (diag.count() == before).then_some(Self { text: source.text().to_owned(), pieces, prefix })
    }
}

/// Joins neighbouring text and colons, and reads the placeholders.
fn pieces(source: &Source, tokens: &[Token], used: Use, diag: &mut Diag) -> Vec<TemplatePiece> {
    let mut pieces = Vec::new();
    for token in tokens {
        match token.kind {
            TokenKind::Hole => {
                pieces.extend(Hole::parse(source, token.range.clone(), used, diag).map(TemplatePiece::Hole));
            }
            TokenKind::Text | TokenKind::Colon => {
                let text = source.slice(&token.range);
                match pieces.last_mut() {
                    Some(TemplatePiece::Text(last)) => last.push_str(text),
                    _ => pieces.push(TemplatePiece::Text(text.to_owned())),
                }
            }
        }
    }
    pieces
}
