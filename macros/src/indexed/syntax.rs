//! Reads the tokens between the parentheses of `keys(..)`: paths, kinds and weights, as they were written.
//!
//! May use: diag, nearest.

use proc_macro2::{Literal, Span, TokenStream};
use syn::{
    Ident, LitFloat, LitInt, LitStr, Token, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token,
};

use crate::nearest;

/// The path to a field: `subscription.plan`, `metadata["color"]` for a key of a map, or `tags.0` for a position in a list.
#[derive(Clone)]
pub(super) struct Path(pub(super) Vec<Step>);

/// A step of a path.
#[derive(Clone)]
pub(super) enum Step {
    Field(Ident),
    Entry(LitStr),
    Element(LitStr),
}

impl Path {
    pub(super) fn from_field(field: Ident) -> Self {
        Self(vec![Step::Field(field)])
    }

    pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut steps = vec![Step::Field(name(input)?)];
        loop {
            if input.peek(Token![.]) {
                input.parse::<Token![.]>()?;
                if input.peek(LitInt) || input.peek(LitFloat) {
                    positions(input, &mut steps)?;
                } else {
                    steps.push(Step::Field(name(input)?));
                }
            } else if input.peek(token::Bracket) {
                let content;
                bracketed!(content in input);
                steps.push(Step::Entry(within(&content, <LitStr as Parse>::parse)?));
            } else {
                return Ok(Self(steps));
            }
        }
    }

    /// The path as the user wrote it, for messages and comparison; empty for the whole document.
    pub(super) fn text(&self) -> String {
        let step = |(at, step): (usize, &Step)| match step {
            Step::Field(name) if at == 0 => name.unraw().to_string(),
            Step::Field(name) => format!(".{}", name.unraw()),
            Step::Entry(key) => format!("[{:?}]", key.value()),
            Step::Element(position) => format!(".{}", position.value()),
        };
        self.0.iter().enumerate().map(step).collect()
    }

    pub(super) fn span(&self) -> Span {
        let spans = self.0.iter().map(|step| match step {
            Step::Field(name) => name.span(),
            Step::Entry(key) | Step::Element(key) => key.span(),
        });
        spans.reduce(|all, span| all.join(span).unwrap_or(all)).unwrap_or_else(Span::call_site)
    }
}

/// Reads the positions in lists: `0`, or `0.1`, which is one token, for a list in a list.
fn positions(input: ParseStream<'_>, steps: &mut Vec<Step>) -> syn::Result<()> {
    let literal: Literal = input.parse()?;
    let text = literal.to_string();
    for part in text.split('.') {
        if part.is_empty() || !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(syn::Error::new(
                literal.span(),
                "this is not a position in a list: write one such as `tags.0`",
            ));
        }
        steps.push(Step::Element(LitStr::new(part, literal.span())));
    }
    Ok(())
}

fn name(input: ParseStream<'_>) -> syn::Result<Ident> {
    let wrong = |span| {
        syn::Error::new(span, "this is not a path to a field: write one such as `is_active` or `subscription.plan`")
    };
    let name = Ident::parse_any(input).map_err(|error| wrong(error.span()))?;
    if ["_", "self", "Self", "super", "crate"].iter().any(|word| name == word) {
        return Err(wrong(name.span()));
    }
    // Other keywords are fields as `r#type`, which may be written here without `r#`.
    let plain = syn::parse_str::<Ident>(&name.to_string()).is_ok();
    Ok(if plain { name } else { Ident::new_raw(&name.to_string(), name.span()) })
}

/// Reads the tokens in brackets. After an error it skips the rest, which `syn` would otherwise report as a second error.
pub(super) fn within<T>(
    content: ParseStream<'_>,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let found = read(content);
    if found.is_err() {
        content.parse::<TokenStream>()?;
    }
    found
}

/// The kind of an index key.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum IndexKind {
    Ascending,
    Descending,
    Text { weight: u32 },
    Sphere,
    Plane,
    Hashed,
    Wildcard,
}

/// A key of an index.
#[derive(Clone)]
pub(super) struct IndexKey {
    pub(super) path: Path,
    pub(super) kind: IndexKind,
    pub(super) span: Span,
}

impl IndexKey {
    /// `is_active = 1`, `place = sphere`, `"attributes.**"`, `wildcard(attributes)`, `wildcard` or `"**" = text`.
    pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let key = Self::quoted(&input.parse()?)?;
            return if input.peek(Token![=]) { key.with_kind(input) } else { Ok(key) };
        }
        if input.peek(Ident)
            && input.fork().call(Ident::parse_any)? == "wildcard"
            && !input.peek2(Token![=])
            && !input.peek2(Token![.])
        {
            return Self::wildcard(input);
        }
        let path = Path::parse(input)?;
        if !input.peek(Token![=]) {
            let why = format!("`{0}` has no direction or kind: write `{0} = 1`", path.text());
            return Err(syn::Error::new(path.span(), why));
        }
        input.parse::<Token![=]>()?;
        let kind = IndexKind::parse(input)?;
        let span = path.span();
        Ok(Self { path, kind, span })
    }

    fn quoted(text: &LitStr) -> syn::Result<Self> {
        let value = text.value();
        let span = text.span();
        let wrong = || {
            let why = format!(
                "only a wildcard has quotes: write a path as `subscription.plan = 1`, or a wildcard as `\"{value}.**\"`"
            );
            syn::Error::new(span, why)
        };
        let parent = value.strip_suffix("$**").or(value.strip_suffix("**")).ok_or_else(wrong)?;
        let path = match parent.strip_suffix('.') {
            Some(parent) => LitStr::new(parent, span).parse_with(Path::parse)?,
            None if parent.is_empty() => Path(Vec::new()),
            None => return Err(wrong()),
        };
        Ok(Self { path, kind: IndexKind::Wildcard, span })
    }

    /// Reads the kind behind a wildcard: words of all fields, or `1`, which is a wildcard's only direction.
    fn with_kind(self, input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Token![=]>()?;
        let span = input.span();
        let kind = match IndexKind::parse(input)? {
            kind @ IndexKind::Text { .. } if self.path.0.is_empty() => kind,
            IndexKind::Ascending | IndexKind::Wildcard => IndexKind::Wildcard,
            IndexKind::Text { .. } => {
                let why =
                    "MongoDB searches words in named fields or in all: write `description = text` or `\"**\" = text`";
                return Err(syn::Error::new(span, why));
            }
            _ => {
                return Err(syn::Error::new(
                    span,
                    "a wildcard has no other direction or kind: write `\"**\"` alone, or `\"**\" = text`",
                ));
            }
        };
        Ok(Self { kind, ..self })
    }

    fn wildcard(input: ParseStream<'_>) -> syn::Result<Self> {
        let span = input.call(Ident::parse_any)?.span();
        let mut path = Path(Vec::new());
        if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            path = within(&content, Path::parse)?;
        }
        Ok(Self { path, kind: IndexKind::Wildcard, span })
    }
}

/// The words for a kind: those of this crate and those of MongoDB.
const KINDS: [(&str, IndexKind); 9] = [
    ("asc", IndexKind::Ascending),
    ("desc", IndexKind::Descending),
    ("text", IndexKind::Text { weight: 1 }),
    ("sphere", IndexKind::Sphere),
    ("2dsphere", IndexKind::Sphere),
    ("plane", IndexKind::Plane),
    ("2d", IndexKind::Plane),
    ("hashed", IndexKind::Hashed),
    ("wildcard", IndexKind::Wildcard),
];

impl IndexKind {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Token![-]) || input.peek(LitInt) {
            let negative = input.parse::<Option<Token![-]>>()?.is_some();
            let number: LitInt = input.parse()?;
            return match number.base10_parse::<u32>() {
                Ok(1) if negative => Ok(Self::Descending),
                Ok(1) => Ok(Self::Ascending),
                _ => Err(syn::Error::new(
                    number.span(),
                    "this is not a direction: write `1` (ascending) or `-1` (descending)",
                )),
            };
        }
        let (word, span) = if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            (text.value(), text.span())
        } else {
            let word = input.call(Ident::parse_any).map_err(|error| syn::Error::new(error.span(), unknown("")))?;
            (word.to_string(), word.span())
        };
        let kind = Self::named(&word).ok_or_else(|| syn::Error::new(span, unknown(&word)))?;
        if matches!(kind, Self::Text { .. }) && input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            return Ok(Self::Text { weight: within(&content, weight)? });
        }
        Ok(kind)
    }

    /// The kind that `word` names.
    pub(super) fn named(word: &str) -> Option<Self> {
        KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }
}

/// The message about a kind of index that `createIndexes` does not make.
pub(super) fn search(word: &str) -> Option<String> {
    let search = ["search", "vector", "vector_search", "vectorSearch", "knn"];
    search.contains(&word).then(|| {
        "MongoDB makes search and vector search indexes by another command, on servers with Atlas Search alone: create it there with \
         `createSearchIndexes`, and write `text` for words on every server"
            .to_owned()
    })
}

fn unknown(word: &str) -> String {
    if let Some(search) = search(word) {
        return search;
    }
    let hint = nearest::hint(word, KINDS.iter().map(|(name, _)| *name));
    let wrong = if word.is_empty() { "a direction or a kind is missing" } else { "this is not a direction or a kind" };
    format!("{wrong}: write `1`, `-1`, `text`, `sphere`, `plane`, `hashed` or `wildcard`{hint}")
}

/// `color = 1` or `secret = 0`, in the projection of a wildcard. Returns the path, and whether the index includes it.
pub(super) fn projected(input: ParseStream<'_>) -> syn::Result<(Path, bool)> {
    let path = Path::parse(input)?;
    let wrong = |span| {
        let name = path.text();
        let why = format_args!("a projection includes or leaves out: write `{name} = 1` or `{name} = 0`");
        syn::Error::new(span, why)
    };
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(wrong(path.span()));
    }
    let span = input.span();
    let number = input.parse::<LitInt>().map_err(|_| wrong(span))?;
    match number.base10_digits() {
        "1" => Ok((path, true)),
        "0" => Ok((path, false)),
        _ => Err(wrong(span)),
    }
}

/// `weight = 10`
pub(super) fn weight(input: ParseStream<'_>) -> syn::Result<u32> {
    let name = input.call(Ident::parse_any)?;
    if name != "weight" {
        return Err(syn::Error::new(
            name.span(),
            format_args!("`text` has no option `{name}`: write `text(weight = 10)`"),
        ));
    }
    input.parse::<Token![=]>()?;
    let number: LitInt = input.parse()?;
    match number.base10_parse::<u32>() {
        Ok(weight @ 1..=99_999) if input.is_empty() => Ok(weight),
        _ => {
            Err(syn::Error::new(number.span(), "a weight is a whole number from 1 to 99999: write `text(weight = 10)`"))
        }
    }
}
