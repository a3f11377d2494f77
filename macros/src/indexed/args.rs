//! May use: args, diag, indexed/record, indexed/syntax.
//!
//! The attributes of a model as they were written.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Attribute, Expr, LitStr, Meta, Token,
    ext::IdentExt,
    parse::{Parse, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

use super::{
    record::Record,
    syntax::{self, Kind},
};
use crate::{
    args::{FromGiven, Given, OptionSet as _, Value, options, read_all},
    diag::Diag,
};

options! {
    /// What was given to `#[indexed(..)]`.
    struct ModelArgs for "indexed" {
        "collection" => collection: Expr,
        "scopes" => scopes: Templates,
        "crate" => krate: Expr,
    }
}

options! {
    /// What was given to `#[index(..)]`, on the struct or on a field.
    struct IndexArgs for "index" {
        "keys" => keys: Listed,
        "asc" => asc: (),
        "desc" => desc: (),
        "text" => text: Text,
        "sphere" => sphere: (),
        "plane" => plane: (),
        "hashed" => hashed: (),
        "wildcard" => wildcard: (),
        "unique" => unique: (),
        "sparse" => sparse: (),
        "hidden" => hidden: (),
        "name" => name: Expr,
        "expire_after" => expire_after: Expr,
        "partial" => partial: Listed,
        "collation" => collation: Listed,
        "default_language" => default_language: Expr,
        "language_override" => language_override: Expr,
        "bits" => bits: Expr,
        "min" => min: Expr,
        "max" => max: Expr,
    }
}

options! {
    /// What was given to `collation(..)`.
    struct CollationArgs for "collation" {
        "locale" => locale: Expr,
        "strength" => strength: Expr,
        "numeric_ordering" => numeric_ordering: Expr,
    }
}

/// `name(..)`, to be read later.
pub(crate) struct Listed(pub(crate) TokenStream);

impl FromGiven for Listed {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        match value {
            Value::List(tokens) if !tokens.is_empty() => Ok(Self(tokens)),
            _ => Err(syn::Error::new(
                name.span(),
                format_args!("`{name}` takes a list: write `{name}({})`", example(name)),
            )),
        }
    }
}

/// `scopes("product:{id}", "products:*")`
pub(crate) struct Templates(pub(crate) Vec<LitStr>);

impl FromGiven for Templates {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        let wrong = |span| {
            let why =
                format_args!("`{name}` takes templates of keys: write `{name}(\"product:{{id}}\", \"products:*\")`");
            syn::Error::new(span, why)
        };
        let Value::List(tokens) = value else {
            return Err(wrong(name.span()));
        };
        let read = |input: syn::parse::ParseStream<'_>| {
            Punctuated::<LitStr, Token![,]>::parse_terminated_with(input, <LitStr as Parse>::parse)
        };
        let templates = read.parse2(tokens).map_err(|error| wrong(error.span()))?;
        if templates.is_empty() { Err(wrong(name.span())) } else { Ok(Self(templates.into_iter().collect())) }
    }
}

fn example(list: &Ident) -> &'static str {
    match list.to_string().as_str() {
        "keys" => "status = 1, created_at = -1",
        "partial" => "status = \"active\"",
        _ => "locale = \"en\", strength = 2",
    }
}

/// `text` or `text(weight = 3)`
pub(crate) struct Text(pub(crate) u32);

impl FromGiven for Text {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        match value {
            Value::Nothing => Ok(Self(1)),
            Value::List(tokens) => syntax::weight.parse2(tokens).map(Self),
            Value::Expr(_) => Err(syn::Error::new(name.span(), "write `text` alone, or `text(weight = 3)`")),
        }
    }
}

impl IndexArgs {
    /// The kinds that were given by a word of their own, as a field's attribute has them.
    pub(crate) fn kinds(&self) -> Vec<(Kind, &Ident)> {
        let words = [
            (&self.asc, Kind::Ascending),
            (&self.desc, Kind::Descending),
            (&self.sphere, Kind::Sphere),
            (&self.plane, Kind::Plane),
            (&self.hashed, Kind::Hashed),
            (&self.wildcard, Kind::Wildcard),
        ];
        let words = words.into_iter().filter_map(|(slot, kind)| Some((kind, slot.name()?)));
        let text = self.text.value().zip(self.text.name()).map(|(text, name)| (Kind::Text { weight: text.0 }, name));
        words.chain(text).collect()
    }
}

/// One `#[index]`.
pub(super) struct Index {
    pub(super) args: IndexArgs,
    /// The word `index`.
    pub(super) span: Span,
    /// The number of the field that it stands on; none: it stands on the struct.
    pub(super) field: Option<usize>,
    /// All of it could be read.
    pub(super) whole: bool,
}

/// All attributes of a model.
pub(super) struct Args {
    pub(super) model: ModelArgs,
    pub(super) indexes: Vec<Index>,
}

impl Args {
    pub(super) fn parse(record: &Record, diag: &mut Diag) -> Self {
        let mut model = ModelArgs::default();
        for attr in record.attrs.iter().filter(|attr| attr.path().is_ident("indexed")) {
            model.add(tokens(attr, diag), diag);
        }
        let mut indexes = Vec::new();
        for (at, field) in record.fields.iter().enumerate() {
            indexes.extend(
                field.attrs.iter().filter(|attr| is_index(attr)).map(|attr| Index::parse(attr, Some(at), diag)),
            );
            for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("indexed")) {
                diag.at(attr.path(), "`indexed` stands on the struct: write `#[index]` on a field");
            }
        }
        indexes.extend(record.attrs.iter().filter(|attr| is_index(attr)).map(|attr| Index::parse(attr, None, diag)));
        Self { model, indexes }
    }
}

fn is_index(attr: &Attribute) -> bool {
    attr.path().is_ident("index")
}

impl Index {
    fn parse(attr: &Attribute, field: Option<usize>, diag: &mut Diag) -> Self {
        let before = diag.count();
        let mut args = IndexArgs::default();
        read_all(tokens(attr, diag), diag, |input, diag| {
            let given = if input.peek(LitStr) { quoted(&input.parse()?)? } else { Given::parse(input)? };
            match direction(&given) {
                Some(instead) => diag.at(&given.name, instead),
                None => args.put(given, diag),
            }
            Ok(())
        });
        Self { args, span: attr.path().span(), field, whole: diag.count() == before }
    }
}

/// What to write in place of `1`, `-1` or `field = 1`, which say a direction where `#[index(..)]` has none.
fn direction(given: &Given) -> Option<String> {
    let Value::Expr(value) = &given.value else { return None };
    let direction = match quote::quote!(#value).to_string().replace(' ', "").as_str() {
        "1" => "asc",
        "-1" => "desc",
        _ => return None,
    };
    match given.name.to_string().as_str() {
        Given::UNNAMED => Some(format!("a direction is a word on a field: write `#[index({direction})]`")),
        option if IndexArgs::NAMES.contains(&option) => None,
        field => Some(format!("fields stand in `keys(..)`: write `#[index(keys({field} = 1))]`")),
    }
}

/// MongoDB's own words for a kind, which are no names in Rust.
fn quoted(text: &LitStr) -> syn::Result<Given> {
    let word = match text.value().as_str() {
        "2dsphere" => "sphere",
        "2d" => "plane",
        "text" => "text",
        "hashed" => "hashed",
        _ => return Err(syn::Error::new(text.span(), "expected an option, as `unique`, or a kind, as `\"2dsphere\"`")),
    };
    let mut name = Ident::parse_any.parse_str(word)?;
    name.set_span(text.span());
    Ok(Given { name, value: Value::Nothing })
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
