//! Documents in the shared tier, stored as BSON.
//!
//! May use: nothing of this crate.

use bson::Document;
use fastness_core::seam::{RawBytes, RawForms, inventory};

/// Codec for documents: their BSON bytes.
struct Documents;

impl RawBytes for Documents {
    type Value = Document;

    fn write(value: &Document) -> Result<Vec<u8>, String> {
        value.to_vec().map_err(|error| error.to_string())
    }

    fn read(bytes: &[u8]) -> Result<Document, String> {
        let mut left = bytes;
        let document = Document::from_reader(&mut left).map_err(|error| error.to_string())?;
        if left.is_empty() { Ok(document) } else { Err("bytes are left over".to_owned()) }
    }
}

inventory::submit! { RawForms::new::<Documents>() }
