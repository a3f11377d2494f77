//! Keys of ordinary indexes.

use bson::Bson;

use crate::plan::IndexDefinition;

/// Returns fields and directions of an index; `None` if it has fields of another kind than ascending and descending.
pub(super) fn plain_key(index: &IndexDefinition) -> Option<Vec<(String, i32)>> {
    let key = |(field, direction): (&String, &Bson)| match direction {
        Bson::Int32(direction) if !field.ends_with("$**") => Some((field.clone(), direction.signum())),
        _ => None,
    };
    index.key().iter().map(key).collect()
}
