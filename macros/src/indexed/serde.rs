//! Reads stored names from `serde`'s attributes. The derives of `serde` report attributes that cannot be read.
//!
//! May use: diag.

use proc_macro2::Span;
use syn::{Attribute, LitStr, Token, meta::ParseNestedMeta, spanned::Spanned, token};

use crate::diag::Diag;

/// The attributes of `serde` on a struct, an enum or a variant.
#[derive(Default)]
pub(super) struct StructAttributes {
    pub(super) rename_all: Option<Case>,
    /// The form of the fields' names in all variants of an enum.
    pub(super) rename_all_fields: Option<Case>,
    /// The field that names the variant.
    pub(super) tag: Option<LitStr>,
    /// True if the fields of an enum's variants are stored below a field of their own.
    pub(super) content: bool,
    /// True if the variant is never stored.
    pub(super) skip: bool,
}

/// The attributes of `serde` on a field.
#[derive(Default)]
pub(super) struct FieldAttributes {
    pub(super) rename: Option<String>,
    pub(super) flatten: bool,
    pub(super) skipped: Skipped,
    /// True if the field is stored in another form than its type has.
    pub(super) converted: bool,
}

/// The values of a field that are not stored.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Skipped {
    #[default]
    None,
    Some,
    All,
}

/// The form in which the words of a name are joined.
#[derive(Clone, Copy)]
pub(super) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl StructAttributes {
    pub(super) fn read(attrs: &[Attribute], diag: &mut Diag) -> Self {
        let mut found = Self::default();
        each(attrs, &mut |meta| {
            if meta.path.is_ident("rename_all") {
                let name = renamed(meta, diag)?;
                found.rename_all = name.and_then(|name| Case::read(&name)).or(found.rename_all);
            } else if meta.path.is_ident("rename_all_fields") {
                let name = renamed(meta, diag)?;
                found.rename_all_fields = name.and_then(|name| Case::read(&name)).or(found.rename_all_fields);
            } else if meta.path.is_ident("tag") {
                found.tag = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("content") {
                found.content = true;
                rest(meta)?;
            } else if meta.path.is_ident("skip") || meta.path.is_ident("skip_serializing") {
                found.skip = true;
            } else if meta.path.is_ident("into") {
                diag.at(&meta.path, "serde stores another type instead of this one: derive `Indexed` for that type");
                rest(meta)?;
            } else if meta.path.is_ident("transparent") {
                diag.at(
                    &meta.path,
                    "a transparent struct is stored like its only field: derive `Indexed` for the type of that field",
                );
            } else {
                rest(meta)?;
            }
            Ok(())
        });
        found
    }
}

impl FieldAttributes {
    pub(super) fn read(attrs: &[Attribute], diag: &mut Diag) -> Self {
        let mut found = Self::default();
        each(attrs, &mut |meta| {
            let Some(name) = meta.path.get_ident().map(ToString::to_string) else {
                return rest(meta);
            };
            match name.as_str() {
                "rename" => found.rename = renamed(meta, diag)?.or(found.rename.take()),
                "flatten" => found.flatten = true,
                "skip" | "skip_serializing" => found.skipped = Skipped::All,
                "skip_serializing_if" => {
                    found.skipped = if found.skipped == Skipped::All { Skipped::All } else { Skipped::Some };
                    rest(meta)?;
                }
                "with" | "serialize_with" | "deserialize_with" => {
                    found.converted = true;
                    rest(meta)?;
                }
                _ => rest(meta)?,
            }
            Ok(())
        });
        found.converted |= attrs.iter().any(|attr| attr.path().is_ident("serde_as"));
        found
    }
}

fn each(attrs: &[Attribute], read: &mut dyn FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // The derives of `serde` report an attribute that cannot be read.
        let _ = attr.parse_nested_meta(|meta| read(&meta));
    }
}

/// Skips the value of an attribute that does not concern stored names.
fn rest(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

/// Reads `rename = ".."` or `rename(serialize = "..", deserialize = "..")`, whose two names must be the same.
fn renamed(meta: &ParseNestedMeta<'_>, diag: &mut Diag) -> syn::Result<Option<String>> {
    if meta.input.peek(Token![=]) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let (mut stored, mut read) = (None, None);
    meta.parse_nested_meta(|inner| {
        let name = inner.value()?.parse::<LitStr>()?.value();
        if inner.path.is_ident("serialize") {
            stored = Some(name);
        } else {
            read = Some(name);
        }
        Ok(())
    })?;
    if stored != read {
        let span: Span = meta.path.span();
        diag.error(
            span,
            "this field is stored under one name and read under another: write one name, `rename = \"..\"`",
        );
    }
    Ok(stored.or(read))
}

impl Case {
    pub(super) fn read(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// The stored name of a field, by the rules of serde, which takes fields to be in snake case.
    pub(super) fn apply(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => field.split('_').map(|word| capital(word, char::to_ascii_uppercase)).collect(),
            Self::Camel => capital(&Self::Pascal.apply(field), char::to_ascii_lowercase),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn capital(word: &str, change: impl Fn(&char) -> char) -> String {
    let mut letters = word.chars();
    letters.next().iter().map(change).chain(letters).collect()
}
