//! The default key, of a function without `key`: `<prefix>:<path of the function>:<every argument>`.
//!
//! Invariants: the path separates the entries of two functions with the same prefix; one pattern with the prefix reaches both.
//!
//! May use: diag, signature, template, key, key/coverage.

use super::{Key, KeyPiece, MAX_PARTS, Part, Root, Skips};
use crate::{diag::Diag, signature::Params, template::Format};

/// Verbs that are left out of the prefix, because they name the access and not the value.
const VERBS: [&str; 9] = ["get_", "find_", "fetch_", "load_", "list_", "read_", "lookup_", "search_", "query_"];

/// The function's name without a leading verb, or the whole name if nothing else would remain.
pub(crate) fn default_prefix(name: &str) -> &str {
    VERBS.iter().find_map(|verb| name.strip_prefix(verb)).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// The default key: every parameter that is not skipped, in order.
pub(crate) fn default_key(prefix: &str, params: &Params, skips: &Skips, diag: &mut Diag) -> Key {
    let mut key = Key {
        text: format!("{prefix}:<path>"),
        pieces: vec![KeyPiece::Text(format!("{prefix}:")), KeyPiece::Path],
        parts: Vec::new(),
        mentioned: Vec::new(),
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
