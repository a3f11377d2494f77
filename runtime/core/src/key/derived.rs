//! The calls of `#[derive(KeyPart)]` for the text of a type with several fields, or of an enum's variant.
//!
//! A type with one field is written as that field, and a variant without fields as its name. Others are written as tuples are; a variant's
//! name comes first.

use super::part::KeyPart;
use super::writer::KeyWriter;

/// Appends the name of a variant without fields.
pub fn write_variant(name: &str, out: &mut KeyWriter) {
    out.text(name);
}

/// Begins the text of several fields, after the name of their variant if they have one.
pub fn begin_fields(variant: Option<&str>, out: &mut KeyWriter) {
    out.raw("%(");
    if let Some(name) = variant {
        out.text(name);
        out.raw("%,");
    }
}

/// Appends one of several fields.
pub fn write_field(field: &impl KeyPart, out: &mut KeyWriter) {
    field.write(out);
    out.raw("%,");
}

/// Ends the text of several fields.
pub fn end_fields(out: &mut KeyWriter) {
    out.raw("%)");
}
