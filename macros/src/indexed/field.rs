//! A field of a struct or a variant, with its stored name.
//!
//! May use: diag, indexed/serde.

use proc_macro2::TokenStream;
use syn::{Attribute, Ident, Type, ext::IdentExt};

use super::serde;
use crate::diag::Diag;

/// A field of the struct or of a variant.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) attrs: Vec<Attribute>,
    pub(super) stored: StoredAs,
    /// True if an attribute of serde stores it in another form than its type has.
    pub(super) converted: bool,
    /// True if an attribute of serde leaves out some of its values.
    pub(super) skip_if: bool,
}

/// The stored position of a field.
pub(super) enum StoredAs {
    Name(String),
    /// The fields of its type are stored in its place, by serde's `flatten`.
    Flattened,
    Nowhere,
}

impl Field {
    /// Reads a field of a struct or a variant, whose names have the form `case`.
    pub(super) fn read(field: syn::Field, case: Option<serde::Case>, diag: &mut Diag) -> Option<Self> {
        let ident = field.ident?;
        let attributes = serde::FieldAttributes::read(&field.attrs, diag);
        let name = ident.unraw().to_string();
        let stored = match attributes.rename {
            _ if attributes.skipped == serde::Skipped::All => StoredAs::Nowhere,
            _ if attributes.flatten => StoredAs::Flattened,
            Some(name) => StoredAs::Name(name),
            None => StoredAs::Name(case.map_or(name.clone(), |case| case.apply(&name))),
        };
        // A reference to a document of another collection has fields of these names.
        let of_reference = |name: &str| ["$ref", "$id", "$db"].contains(&name);
        if let StoredAs::Name(name) = &stored
            && (name.contains('.') || name.starts_with('$') && !of_reference(name))
        {
            diag.at(
                &ident,
                format_args!("MongoDB finds no field that is stored as `{name}`: rename it without `.` and `$`"),
            );
        }
        let (converted, skip_if) = (attributes.converted, attributes.skipped == serde::Skipped::Some);
        Some(Self { ident, ty: field.ty, attrs: field.attrs, stored, converted, skip_if })
    }

    /// The name without `r#`.
    pub(super) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The type at which its path ends.
    pub(super) fn path_type(&self, door: &TokenStream) -> TokenStream {
        let ty = &self.ty;
        if self.converted { quote::quote!(#door::Converted<#ty>) } else { quote::quote!(#ty) }
    }
}
