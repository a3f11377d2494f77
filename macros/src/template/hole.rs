//! Reads one placeholder: `{id}`, `{user.id}`, `{pair.0}`, `{self.tenant}`, `{r#type}`, `{filter:hash}`.
//!
//! Invariant: the names of a [`Hole`] are identifiers or tuple indexes, so that expansion can turn them into tokens;
//! whether they exist is not known here.
//!
//! May use: diag, nearest, template/source.

use std::ops::Range;

use proc_macro2::{Ident, Span};
use syn::{Index, Member, ext::IdentExt, parse::Parser};

use super::{Source, Use};
use crate::{diag::Diag, nearest};

/// The form of a value in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The text of the value, escaped.
    Plain,
    /// A digest of its serialised form.
    Hash,
    /// The text in lower case, escaped.
    Lower,
    /// The `Display` text, escaped, also of a type with another part.
    Display,
    /// The `Debug` text, escaped.
    Debug,
}

/// The formatters by name.
const FORMATS: [(&str, Format); 4] =
    [("display", Format::Display), ("debug", Format::Debug), ("lower", Format::Lower), ("hash", Format::Hash)];

/// A placeholder.
pub(crate) struct Hole {
    /// The span of the placeholder, braces included.
    pub(crate) span: Span,
    /// The name of a parameter without `r#`, or `self`.
    pub(crate) root: String,
    /// The fields that lead from the parameter to the value.
    pub(crate) fields: Vec<Member>,
    pub(crate) format: Format,
}

impl Hole {
    /// Reads the placeholder that takes up `range`, braces included.
    pub(crate) fn parse(source: &Source, range: Range<usize>, used: Use, diag: &mut Diag) -> Option<Self> {
        let span = source.span(&range);
        let inside = source.slice(&(range.start + 1..range.end - 1)).trim();
        if inside.is_empty() {
            diag.error(
                span,
                format_args!("the {} has an empty placeholder: write a parameter's name, as `{{id}}`", used.noun()),
            );
            return None;
        }
        let (path, format) = split_format(inside);
        let (root, fields) = names(path, inside, span, diag)?;
        if root == "self" && fields.is_empty() {
            diag.error(span, "`self` as a whole cannot be in a key: write a field of it, as `{self.tenant}`");
            return None;
        }
        Some(Self { span, root, fields, format: read_format(format, span, diag)? })
    }
}

/// Splits `user.id` into the parameter and its fields.
fn names(path: &str, inside: &str, span: Span, diag: &mut Diag) -> Option<(String, Vec<Member>)> {
    let mut names = path.split('.').map(str::trim);
    let root = names.next().and_then(|root| name(root, span));
    let fields = names.map(|field| member(field, span)).collect::<Option<Vec<_>>>();
    if let (Some(root), Some(fields)) = (root, fields) {
        return Some((root.unraw().to_string(), fields));
    }
    diag.error(
        span,
        format_args!(
            "`{inside}` is not a parameter or a field of one: \
             compute the value before the call and write `{{id}}` or `{{user.id}}`"
        ),
    );
    None
}

/// Splits `x:hash` at the colon. `a::b` is not split, because it is a path.
fn split_format(inside: &str) -> (&str, Option<&str>) {
    match inside.split_once(':') {
        Some((path, format)) if !format.starts_with(':') => (path, Some(format.trim())),
        _ => (inside, None),
    }
}

fn read_format(format: Option<&str>, span: Span, diag: &mut Diag) -> Option<Format> {
    let Some(format) = format else {
        return Some(Format::Plain);
    };
    let found = FORMATS.iter().find(|(name, _)| *name == format).map(|(_, format)| *format);
    if found.is_none() {
        let near = nearest::hint(format, FORMATS.iter().map(|(name, _)| *name));
        diag.error(
            span,
            format_args!("`{format}` is not a formatter: write `:display`, `:debug`, `:lower` or `:hash`{near}"),
        );
    }
    found
}

/// A name as an identifier; keywords become raw ones.
fn name(text: &str, span: Span) -> Option<Ident> {
    let mut ident = Ident::parse_any.parse_str(text).ok().filter(|ident| *ident == text && text != "_")?;
    if syn::parse_str::<Ident>(text).is_err() {
        if matches!(text, "super" | "Self" | "crate") {
            return None;
        }
        if text != "self" {
            ident = Ident::new_raw(text, span);
        }
    }
    ident.set_span(span);
    Some(ident)
}

/// A field's name or a tuple's index.
fn member(text: &str, span: Span) -> Option<Member> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(|index| Member::Unnamed(Index { index, span }));
    }
    name(text, span).filter(|name| name != "self").map(Member::Named)
}
