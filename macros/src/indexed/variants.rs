//! The fields of a tagged enum: those of all its variants, in one document beside the tag.
//!
//! May use: diag, indexed/{field, serde}.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{DataEnum, Fields, Ident, LitStr, Variant, spanned::Spanned};

use super::{
    field::{Field, StoredAs},
    serde::{Case, StructAttributes},
};
use crate::diag::Diag;

/// The reason why an enum with these attributes has no paths.
pub(super) fn refusal(container: &StructAttributes) -> Option<&'static str> {
    match (&container.tag, container.content) {
        (Some(_), false) => None,
        (Some(_), true) => Some(
            "serde stores the variants of this enum below another field: leave out `content`, so that the fields of all variants stand \
             beside the tag, or derive `Indexed` for a struct",
        ),
        (None, _) => Some(
            "an enum without a tag has no fields that all its values share: write `#[serde(tag = \"kind\")]`, or derive `Indexed` \
             for a struct (as a field's type, an enum needs no derive)",
        ),
    }
}

/// The tag, and the fields of all variants, of which those of one name are one field.
pub(super) fn fields(data: DataEnum, container: &StructAttributes, diag: &mut Diag) -> Vec<Field> {
    let mut found: Vec<Field> = container.tag.as_ref().and_then(tag).into_iter().collect();
    for variant in data.variants {
        let attributes = StructAttributes::read(&variant.attrs, diag);
        if attributes.skip {
            continue;
        }
        let case = attributes.rename_all.or(container.rename_all_fields);
        for field in of_variant(variant, case, diag) {
            add(field, container.tag.as_ref(), &mut found, diag);
        }
    }
    found
}

/// The field that names the variant; `None` if its name is not one in Rust.
fn tag(name: &LitStr) -> Option<Field> {
    let text = name.value();
    let span = name.span();
    let plain = syn::parse_str::<Ident>(&text).map(|_| Ident::new(&text, span));
    let ident = plain.or_else(|_| syn::parse_str::<Ident>(&format!("r#{text}")).map(|_| Ident::new_raw(&text, span)));
    Some(Field {
        ident: ident.ok()?,
        ty: syn::parse_quote!(::std::string::String),
        attrs: Vec::new(),
        stored: StoredAs::Name(text),
        converted: false,
        skip_if: false,
    })
}

fn of_variant(variant: Variant, case: Option<Case>, diag: &mut Diag) -> Vec<Field> {
    match variant.fields {
        Fields::Named(fields) => fields.named.into_iter().filter_map(|field| Field::read(field, case, diag)).collect(),
        Fields::Unnamed(fields) => {
            // The fields of its content stand beside the tag. Serde refuses a variant with several contents.
            let content = |field: syn::Field| Field {
                ident: snake(&variant.ident),
                ty: field.ty,
                attrs: field.attrs,
                stored: StoredAs::Flattened,
                converted: false,
                skip_if: false,
            };
            fields.unnamed.into_iter().take(1).map(content).collect()
        }
        Fields::Unit => Vec::new(),
    }
}

/// The name of a variant as that of a field: `LoggedIn` as `logged_in`.
fn snake(variant: &Ident) -> Ident {
    let mut name = String::new();
    for letter in variant.to_string().chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    let span: Span = variant.span();
    if syn::parse_str::<Ident>(&name).is_ok() { Ident::new(&name, span) } else { Ident::new_raw(&name, span) }
}

/// Adds a field, or the attributes of one that is there already.
fn add(field: Field, tag: Option<&LitStr>, found: &mut Vec<Field>, diag: &mut Diag) {
    let Some(before) = found.iter_mut().find(|other| other.name() == field.name()) else { return found.push(field) };
    let name = field.name();
    let is_flattened = |field: &Field| matches!(field.stored, StoredAs::Flattened);
    if is_flattened(before) != is_flattened(&field) {
        // A variant's content has the variant's name in paths, and no name in documents.
        let other = if tag.is_some_and(|tag| tag.value() == name) { "the tag" } else { "a field" };
        let why = format_args!(
            "`{name}` is {other} of this enum, and by this name paths reach the content of a variant too: name the variant or the field \
             otherwise in Rust, and write `#[serde(rename = \"..\")]` to store it under the same name"
        );
        diag.at(&field.ident, why);
    } else if before.ty.to_token_stream().to_string() != field.ty.to_token_stream().to_string() {
        let why = format_args!(
            "`{name}` has another type in an earlier variant of this enum: give it one type, or another name in Rust"
        );
        diag.error(field.ty.span(), why);
    } else if !same_place(&before.stored, &field.stored) {
        let why = format_args!(
            "`{name}` is stored under another name in an earlier variant of this enum: give it one stored name, or another one in Rust"
        );
        diag.at(&field.ident, why);
    } else {
        before.attrs.extend(field.attrs);
        before.converted |= field.converted;
        before.skip_if &= field.skip_if;
    }
}

fn same_place(one: &StoredAs, other: &StoredAs) -> bool {
    match (one, other) {
        (StoredAs::Name(one), StoredAs::Name(other)) => one == other,
        (StoredAs::Flattened, StoredAs::Flattened) | (StoredAs::Nowhere, StoredAs::Nowhere) => true,
        _ => false,
    }
}
