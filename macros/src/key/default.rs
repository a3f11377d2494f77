//! The key of a function that names none: `<prefix>:<path of the function>:<every argument>`.
//!
//! Invariant: the path keeps two functions with one prefix apart; the prefix lets one pattern reach both.
//!
//! May use: diag, signature, template, key, key/coverage.

use super::{Key, KeyPiece, MAX_PARTS, Part, Root, Skips};
use crate::{diag::Diag, signature::Params, template::Format};

/// Verbs that say how a value is got, not what it is.
const VERBS: [&str; 9] = ["get_", "find_", "fetch_", "load_", "list_", "read_", "lookup_", "search_", "query_"];

/// The function's name less a leading verb; the whole name where nothing would be left.
pub(crate) fn default_prefix(name: &str) -> &str {
    VERBS.iter().find_map(|verb| name.strip_prefix(verb)).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// The default key: every parameter that is not skipped, in order.
pub(crate) fn default_key(prefix: &str, params: &Params, skips: &Skips, diag: &mut Diag) -> Key {
    let mut key = Key {
        text: format!("{prefix}:<path>"),
        pieces: vec![KeyPiece::Text(format!("{prefix}:")), KeyPiece::Path],
        parts: Vec::new(),
        prefix: false,
    };
    for (index, param) in params.names.iter().enumerate() {
        if !skips.has(index) {
            key.text.extend([":{", &param.name(), "}"]);
            key.pieces.push(KeyPiece::Text(":".to_owned()));
            key.push(Part { root: Root::Param(index), fields: Vec::new(), format: Format::Plain });
        }
    }
    if let Some(param) = params.names.get(MAX_PARTS) {
        key.bounded(param.ident.span(), diag);
    }
    key
}
