//! The rules of segments, which are the parts between the colons of a key, a pattern or a tag.
//!
//! Flow: [`check`] applies the same independent rules to each segment.
//!
//! May use: diag, template/source, template/scan.

use std::ops::Range;

use super::{
    Source, Use,
    scan::{Token, TokenKind},
};
use crate::diag::Diag;

/// Checks every segment of a template.
pub(crate) fn check(source: &Source, segments: &[&[Token]], used: Use, diag: &mut Diag) {
    if source.text().is_empty() {
        let noun = used.noun();
        diag.error(source.span(&(0..0)), format_args!("the {noun} is empty: write a {noun} such as `\"user:{{id}}\"`"));
        return;
    }
    starts_with_text(source, segments[0], used, diag);
    let mut at = 0;
    for (index, segment) in segments.iter().enumerate() {
        let end = segment.last().map_or(at, |token| token.range.end);
        let last = index + 1 == segments.len();
        if segment.is_empty() {
            empty(source, at, used, diag);
        } else if !(last && index > 0 && used.has_prefixes() && is_wildcard(source, segment)) {
            one_placeholder(source, segment, diag);
            text(source, segments, index, used, diag);
        }
        at = end + 1;
    }
}

/// Returns whether a segment is `*` alone.
pub(crate) fn is_wildcard(source: &Source, segment: &[Token]) -> bool {
    matches!(segment, [token] if token.kind == TokenKind::Text && source.slice(&token.range) == "*")
}

fn starts_with_text(source: &Source, segment: &[Token], used: Use, diag: &mut Diag) {
    let noun = used.noun();
    if let Some(token) = segment.first().filter(|token| token.kind == TokenKind::Hole) {
        diag.error(
            source.span(&token.range),
            format_args!(
                "`{}` starts the {noun}: start the {noun} with a literal such as `user:`",
                source.slice(&token.range)
            ),
        );
    } else if let Some(token) = segment.iter().find(|token| token.kind == TokenKind::Hole && used == Use::Scope) {
        // A scope is cut off before the first segment with a field that a change does not contain, and may not become empty.
        let hole = source.slice(&token.range);
        diag.error(
            source.span(&token.range),
            format_args!("`{hole}` is in the first segment of the scope: write it in a later one, as `product:{hole}`"),
        );
    }
}

fn empty(source: &Source, at: usize, used: Use, diag: &mut Diag) {
    let noun = used.noun();
    let end = (at + 1).min(source.text().len());
    diag.error(
        source.span(&(at.min(end.saturating_sub(1))..end)),
        format_args!("the {noun} has an empty segment: remove the extra `:`, or write a name between the colons"),
    );
}

fn one_placeholder(source: &Source, segment: &[Token], diag: &mut Diag) {
    let mut holes = segment.iter().filter(|token| token.kind == TokenKind::Hole);
    if let (Some(first), Some(second)) = (holes.next(), holes.next()) {
        let (left, right) = (source.slice(&first.range), source.slice(&second.range));
        diag.error(
            source.span(&(first.range.start..second.range.end)),
            format_args!(
                "`{left}` and `{right}` share a segment, so different \
                arguments could give one key: write `{left}:{right}`"
            ),
        );
    }
}

/// Checks the literal text of one segment.
fn text(source: &Source, segments: &[&[Token]], index: usize, used: Use, diag: &mut Diag) {
    let noun = used.noun();
    for (place, token) in segments[index].iter().enumerate() {
        if token.kind != TokenKind::Text {
            continue;
        }
        for (at, letter) in source.slice(&token.range).char_indices() {
            let range = token.range.start + at..token.range.start + at + letter.len_utf8();
            let message = match letter {
                '*' => star(source, segments, index, &range, used),
                '%' => format!(
                    "`%` cannot stand in a {noun}, as it marks escaped bytes of arguments: write another character"
                ),
                '@' if at == 0 && place == 0 => {
                    format!(
                        "`@` cannot start a segment of a {noun}, as it marks internal names: write another character"
                    )
                }
                letter if letter.is_whitespace() || letter.is_control() => {
                    format!("`{}` cannot stand in a {noun}: write `-` or `_`", letter.escape_default())
                }
                _ => continue,
            };
            diag.error(source.span(&range), message);
        }
    }
}

/// The message about a wildcard that may not stand at this place.
fn star(source: &Source, segments: &[&[Token]], index: usize, range: &Range<usize>, used: Use) -> String {
    match used {
        Use::Key => "`*` cannot stand in a key: remove it, as only a pattern of `cache_invalidate` ends in `:*`".into(),
        Use::Tag => "`*` cannot stand in a tag: remove it, as a tag reaches all of its entries already".into(),
        Use::Scope if source.text() != "*" => {
            "`*` can only be the whole last segment of a scope: end the scope there, as `products:*`".into()
        }
        Use::Pattern | Use::Scope if source.text() == "*" => {
            let noun = used.noun();
            format!("`*` alone would match everything: start the {noun} with a literal, as `user:*`")
        }
        Use::Pattern | Use::Scope => {
            let tag = tag_instead(source, segments, index, range.start);
            format!(
                "`*` can only be the whole last segment, as in `user:*`: \
                    for `{}`, give the entries a tag and write `tags = [\"{tag}\"]`",
                source.text()
            )
        }
    }
}

/// The tag to suggest instead of a pattern with a wildcard in the middle: literal text after the wildcard, or before it.
fn tag_instead(source: &Source, segments: &[&[Token]], index: usize, star: usize) -> String {
    let literal = |segment: &&[Token]| match segment {
        [token] if token.kind == TokenKind::Text && !source.slice(&token.range).contains('*') => {
            Some(source.slice(&token.range).to_owned())
        }
        _ => None,
    };
    let later = segments[index + 1..].iter().find_map(literal);
    let before_star = || {
        let start = segments[index].first().map_or(star, |token| token.range.start);
        let text: String = source.slice(&(start..star)).chars().filter(|letter| letter.is_alphanumeric()).collect();
        (!text.is_empty()).then_some(text)
    };
    later
        .or_else(before_star)
        .or_else(|| segments[..index].iter().rev().find_map(literal))
        .unwrap_or_else(|| "orders".into())
}
