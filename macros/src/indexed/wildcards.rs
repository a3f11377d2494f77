//! Rules of indexes with a wildcard.
//!
//! May use: diag, options, indexed/{index, syntax}.

use super::{
    index::Index,
    syntax::{IndexKey, IndexKind},
};
use crate::diag::Diag;

/// Refuses wildcards that MongoDB does not accept.
pub(super) fn check(index: &Index, diag: &mut Diag) {
    let mut wildcards = index.keys.iter().filter(|key| key.kind == IndexKind::Wildcard);
    let Some(wildcard) = wildcards.next() else {
        let why = "only a wildcard on the whole document has a projection: write `keys(\"**\")`";
        return index.options.refuse("wildcard_projection", why, diag);
    };
    if let Some(second) = wildcards.next() {
        diag.error(second.span, "MongoDB accepts one wildcard in an index: make two indexes");
    }
    let unique = "a wildcard index cannot be unique: write `#[index(unique)]` on the field that must be";
    index.options.refuse("unique", unique, diag);
    let sparse = "a wildcard index always leaves out documents without the fields: remove `sparse`";
    index.options.refuse("sparse", sparse, diag);
    if !wildcard.path.0.is_empty() {
        let why =
            "a wildcard below a field has no projection: write `keys(\"**\")`, or a wildcard below a narrower field";
        index.options.refuse("wildcard_projection", why, diag);
    }
    for key in index.keys.iter().filter(|key| key.kind != IndexKind::Wildcard) {
        check_beside(key, wildcard, index, diag);
    }
}

/// Refuses a key that the wildcard of its index reaches too.
fn check_beside(key: &IndexKey, wildcard: &IndexKey, index: &Index, diag: &mut Diag) {
    let name = key.path.text();
    if !wildcard.path.0.is_empty() {
        let outer = wildcard.path.text();
        let below = name.strip_prefix(&outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        if below {
            diag.error(key.span, format_args!("the wildcard on `{outer}` reaches `{name}` too: make two indexes"));
        }
        return;
    }
    let listed = index.projection.iter().find(|(path, _)| path.text() == name).map(|(_, included)| *included);
    let includes = index.projection.first().is_some_and(|(_, included)| *included);
    if listed == Some(true) {
        diag.error(key.span, format_args!("the wildcard reaches `{name}` too: take it out of `wildcard_projection`"));
    } else if listed.is_none() && !includes {
        let why = format_args!(
            "a wildcard on the whole document reaches `{name}` too: write `wildcard_projection({name} = 0)`, or a wildcard below a \
             field, as `\"data.**\"`"
        );
        diag.error(key.span, why);
    }
}
