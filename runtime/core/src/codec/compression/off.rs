//! Without the feature `compression`: nothing is compressed, and what another process compressed cannot be read.

use super::unreadable::Unreadable;

pub(super) fn shrink(_: &mut Vec<u8>, _: usize) -> bool {
    false
}

pub(super) fn expand(_: &[u8], _: usize) -> Result<Vec<u8>, Unreadable> {
    Err(Unreadable::UnknownFormat)
}
