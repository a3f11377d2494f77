//! Regular expressions whose matches are adjacent in an index.

use bson::Bson;

/// Returns whether all matches of a pattern begin with the same text, so that they are adjacent in an index.
pub(super) fn has_prefix(pattern: &Bson, options: &str) -> bool {
    let (pattern, inline_options) = match pattern {
        Bson::String(pattern) => (pattern.as_str(), ""),
        Bson::RegularExpression(regex) => (regex.pattern.as_str(), regex.options.as_str()),
        _ => return false,
    };
    let mut rest = pattern.strip_prefix('^').unwrap_or_default().chars();
    let first = rest.next().is_some_and(|first| first.is_alphanumeric() || " _-@/:,;=#".contains(first));
    let whole = !rest.next().is_some_and(|second| "*?{".contains(second));
    // A pattern that ignores case, matches at any line or has alternatives may match texts with other beginnings.
    first
        && whole
        && !pattern.contains('|')
        && !options.chars().chain(inline_options.chars()).any(|option| "imx".contains(option))
}
