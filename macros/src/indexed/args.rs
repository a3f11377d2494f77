//! The attributes `#[indexed(..)]` and `#[index(..)]` of a model, as they were written.
//!
//! May use: diag, options, indexed/{record, syntax}.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, LitStr, Meta, ext::IdentExt, parse::Parser, spanned::Spanned};

use super::{
    record::Record,
    syntax::{self, IndexKind},
};
use crate::{
    diag::Diag,
    options::{Given, OptionForm, Options, UNNAMED, read_all},
};

/// An `#[index]` attribute.
pub(super) struct IndexAttribute {
    pub(super) options: Options,
    /// The weight of its `text`.
    weight: u32,
    /// The word `index`.
    pub(super) span: Span,
    /// The index of the field that it stands on, or `None` if it stands on the struct.
    pub(super) field: Option<usize>,
    /// True if all of it could be read.
    pub(super) whole: bool,
}

/// All attributes of a model.
pub(super) struct Args {
    pub(super) model: Options,
    pub(super) indexes: Vec<IndexAttribute>,
}

impl Args {
    pub(super) fn parse(record: &Record, diag: &mut Diag) -> Self {
        let mut model = Options::new("indexed");
        for attr in record.attrs.iter().filter(|attr| attr.path().is_ident("indexed")) {
            model.add(tokens(attr, diag), diag);
        }
        let mut indexes = Vec::new();
        for (at, field) in record.fields.iter().enumerate() {
            indexes.extend(
                field
                    .attrs
                    .iter()
                    .filter(|attr| is_index(attr))
                    .map(|attr| IndexAttribute::parse(attr, Some(at), diag)),
            );
            for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("indexed")) {
                diag.at(attr.path(), "`indexed` belongs on the struct: write `#[index]` on a field");
            }
        }
        indexes.extend(
            record.attrs.iter().filter(|attr| is_index(attr)).map(|attr| IndexAttribute::parse(attr, None, diag)),
        );
        Self { model, indexes }
    }
}

fn is_index(attr: &Attribute) -> bool {
    attr.path().is_ident("index")
}

/// The words for kinds in an `#[index(..)]` on a field, except `text`, which may have a weight.
const KINDS: [(&str, IndexKind); 6] = [
    ("asc", IndexKind::Ascending),
    ("desc", IndexKind::Descending),
    ("sphere", IndexKind::Sphere),
    ("plane", IndexKind::Plane),
    ("hashed", IndexKind::Hashed),
    ("wildcard", IndexKind::Wildcard),
];

impl IndexAttribute {
    /// The kinds that were given by a word of their own.
    pub(super) fn kinds(&self) -> Vec<(IndexKind, &Ident)> {
        let words = KINDS.into_iter().chain([("text", IndexKind::Text { weight: self.weight })]);
        words.filter_map(|(word, kind)| Some((kind, self.options.name(word)?))).collect()
    }

    fn parse(attr: &Attribute, field: Option<usize>, diag: &mut Diag) -> Self {
        let before = diag.count();
        let mut options = Options::new("index");
        read_all(tokens(attr, diag), diag, |input, diag| {
            let given = if input.peek(LitStr) { quoted(&input.parse()?)? } else { Given::parse(input)? };
            match direction(&given, &options).or_else(|| syntax::search(&given.name.to_string())) {
                Some(instead) => diag.at(&given.name, instead),
                None => options.put(given, diag),
            }
            Ok(())
        });
        let weight =
            options.list("text").filter(|list| !list.is_empty()).map(|list| syntax::weight.parse2(list.clone()));
        let weight = weight.unwrap_or(Ok(1)).map_err(|error| diag.add(error)).unwrap_or(1);
        Self { options, weight, span: attr.path().span(), field, whole: diag.count() == before }
    }
}

/// The message about `1`, `-1` or `field = 1`: directions, which `#[index(..)]` does not take.
fn direction(given: &Given, options: &Options) -> Option<String> {
    let OptionForm::Expr(value) = &given.form else { return None };
    let direction = match quote::quote!(#value).to_string().replace(' ', "").as_str() {
        "1" => "asc",
        "-1" => "desc",
        _ => return None,
    };
    match given.name.to_string().as_str() {
        UNNAMED => Some(format!("on a field, a direction is a word: write `#[index({direction})]`")),
        option if options.has(option) => None,
        field => Some(format!("fields belong in `keys(..)`: write `#[index(keys({field} = 1))]`")),
    }
}

/// Reads a kind in quotes, as MongoDB writes it: `"2dsphere"` and `"2d"` are not names in Rust.
fn quoted(text: &LitStr) -> syn::Result<Given> {
    let word = match text.value().as_str() {
        "2dsphere" => "sphere",
        "2d" => "plane",
        "text" => "text",
        "hashed" => "hashed",
        _ => {
            let why =
                "this is not an option or a kind: write an option such as `unique`, or a kind such as `\"2dsphere\"`";
            return Err(syn::Error::new(text.span(), why));
        }
    };
    let mut name = Ident::parse_any.parse_str(word)?;
    name.set_span(text.span());
    Ok(Given { name, form: OptionForm::Nothing })
}

fn tokens(attr: &Attribute, diag: &mut Diag) -> TokenStream {
    match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(value) => {
            let name = attr.path().get_ident().map(ToString::to_string).unwrap_or_default();
            diag.at(value, format_args!("`{name}` takes its options in parentheses: write `#[{name}(..)]`"));
            TokenStream::new()
        }
    }
}
