//! Checks the first step of a path.
//!
//! May use: diag, indexed/{field, record, syntax}.

use super::{
    field::StoredAs,
    record::Record,
    syntax::{Path, Step},
};
use crate::diag::Diag;

/// Reports a path that does not begin with a stored field, or that ends at a flattened one.
pub(super) fn resolve(path: &Path, record: &Record, diag: &mut Diag) {
    let Some(Step::Field(first)) = path.0.first() else { return };
    if let Some(field) = record.find(first, diag)
        && path.0.len() == 1
        && matches!(field.stored, StoredAs::Flattened)
    {
        let name = field.name();
        diag.at(
            first,
            format_args!("`{name}` is flattened and has no stored name of its own: name one of its fields, `{name}.x`"),
        );
    }
}
