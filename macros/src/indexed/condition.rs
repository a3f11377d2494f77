//! The tokens between the parentheses of `partial(..)`, as they were written.
//!
//! May use: nearest, value, indexed/syntax.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, Ident, Lit, LitStr, Token, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
    token,
};

use super::syntax::{Path, within};
use crate::nearest;

/// An element of the filter of a partial index; all must hold.
pub(super) enum Clause {
    One(Condition),
    /// Groups, of which one must hold.
    AnyOf(Vec<Vec<Condition>>),
}

/// A condition of a partial index.
pub(super) struct Condition {
    pub(super) path: Path,
    /// The variant of `Operator`.
    pub(super) operator: &'static str,
    pub(super) literals: Vec<Literal>,
}

/// A value in a condition.
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Date(LitStr),
    Id([u8; 12]),
}

const CONDITIONS: &str = "write `=`, `>`, `>=`, `<`, `<=`, `in [..]`, `exists(..)` or `type(..) = \"string\"`, with `,` for and, `||` for or";

/// MongoDB's names of types.
const TYPES: [&str; 20] = [
    "double",
    "string",
    "object",
    "array",
    "binData",
    "undefined",
    "objectId",
    "bool",
    "date",
    "null",
    "regex",
    "javascript",
    "int",
    "timestamp",
    "long",
    "decimal",
    "minKey",
    "maxKey",
    "number",
    "symbol",
];

impl Clause {
    /// A condition, or groups of them with `||` between the groups and `&&` within.
    pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut groups = vec![vec![Condition::parse(input)?]];
        while input.peek(Token![||]) || input.peek(Token![&&]) {
            let span = input.span();
            let is_or = input.parse::<Option<Token![||]>>()?.is_some();
            if !is_or {
                input.parse::<Token![&&]>()?;
            }
            if input.is_empty() {
                return Err(syn::Error::new(
                    span,
                    "a condition is missing behind this: write one such as `total > 10`",
                ));
            }
            let condition = Condition::parse(input)?;
            match groups.last_mut() {
                Some(group) if !is_or => group.push(condition),
                _ => groups.push(vec![condition]),
            }
        }
        Ok(match &mut groups[..] {
            [group] if group.len() == 1 => Self::One(group.remove(0)),
            _ => Self::AnyOf(groups),
        })
    }

    /// All conditions in it.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let (one, groups) = match self {
            Self::One(condition) => (Some(condition), &[][..]),
            Self::AnyOf(groups) => (None, &groups[..]),
        };
        one.into_iter().chain(groups.iter().flatten())
    }
}

impl Condition {
    /// `status = "active"`, `total > 10`, `status in ["active", "new"]`, `exists(email)` or `type(email) = "string"`.
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Ident::peek_any) && input.peek2(token::Paren) {
            return Self::called(input);
        }
        let path = Path::parse(input)?;
        let span = if input.is_empty() { path.span() } else { input.span() };
        if input.parse::<Option<Token![in]>>()?.is_some() {
            let content;
            bracketed!(content in input);
            let list =
                |input: ParseStream<'_>| Punctuated::<_, Token![,]>::parse_terminated_with(input, Literal::parse);
            let literals = within(&content, list)?;
            if literals.is_empty() {
                return Err(syn::Error::new(
                    span,
                    "an empty list matches no document: write the values, as `in [\"active\"]`",
                ));
            }
            return Ok(Self { path, operator: "OneOf", literals: literals.into_iter().collect() });
        }
        let operator = comparison(input).ok_or_else(|| {
            syn::Error::new(span, format_args!("this is not a condition of a partial index: {CONDITIONS}"))
        })?;
        let literal = Literal::parse(input)?;
        if matches!(literal, Literal::Null) && operator != "Equal" {
            return Err(syn::Error::new(span, "nothing is greater or less than `null`: write `= null`"));
        }
        Ok(Self { path, operator, literals: vec![literal] })
    }

    /// `exists(email)` or `type(email) = "string"`.
    fn called(input: ParseStream<'_>) -> syn::Result<Self> {
        let word = input.call(Ident::parse_any)?;
        let name = word.to_string();
        if !["exists", "type"].contains(&name.as_str()) {
            let why = format_args!("`{word}(..)` is not a condition of a partial index: {CONDITIONS}");
            return Err(syn::Error::new(word.span(), why));
        }
        let content;
        parenthesized!(content in input);
        let path = within(&content, |input| {
            let path = Path::parse(input)?;
            if input.is_empty() {
                return Ok(path);
            }
            Err(input.error(format_args!(
                "`{name}` takes one field: write `{name}(email)`, and another `{name}(..)` for another field"
            )))
        })?;
        if name == "exists" {
            return Ok(Self { path, operator: "Exists", literals: Vec::new() });
        }
        Ok(Self { literals: types(input, &path)?, path, operator: "Type" })
    }
}

/// `= "string"` or `in ["string", "null"]`
fn types(input: ParseStream<'_>, path: &Path) -> syn::Result<Vec<Literal>> {
    let missing = |span| {
        let field = path.text();
        syn::Error::new(span, format_args!("a type is missing: write `type({field}) = \"string\"`"))
    };
    let names: Vec<LitStr> = if input.parse::<Option<Token![in]>>()?.is_some() {
        let content;
        bracketed!(content in input);
        let list = |input: ParseStream<'_>| Punctuated::<LitStr, Token![,]>::parse_terminated(input);
        within(&content, list)?.into_iter().collect()
    } else if input.parse::<Option<Token![==]>>()?.is_some() || input.parse::<Option<Token![=]>>()?.is_some() {
        vec![input.parse().map_err(|error: syn::Error| missing(error.span()))?]
    } else {
        Vec::new()
    };
    if names.is_empty() {
        return Err(missing(path.span()));
    }
    let name = |name: LitStr| {
        let text = name.value();
        if TYPES.contains(&text.as_str()) {
            return Ok(Literal::Text(text));
        }
        let hint = nearest::hint(&text, TYPES);
        let why = format_args!("MongoDB has no type `{text}`: write one such as `\"string\"` or `\"number\"`{hint}");
        Err(syn::Error::new(name.span(), why))
    };
    names.into_iter().map(name).collect()
}

fn comparison(input: ParseStream<'_>) -> Option<&'static str> {
    let taken = |found: bool, name| found.then_some(name);
    if input.peek(Token![==]) {
        taken(input.parse::<Token![==]>().is_ok(), "Equal")
    } else if input.peek(Token![>=]) {
        taken(input.parse::<Token![>=]>().is_ok(), "GreaterOrEqual")
    } else if input.peek(Token![<=]) {
        taken(input.parse::<Token![<=]>().is_ok(), "LessOrEqual")
    } else if input.peek(Token![>]) && !input.peek(Token![>>]) {
        taken(input.parse::<Token![>]>().is_ok(), "Greater")
    } else if input.peek(Token![<]) && !input.peek(Token![<<]) {
        taken(input.parse::<Token![<]>().is_ok(), "Less")
    } else if input.peek(Token![=]) && !input.peek(Token![=>]) {
        taken(input.parse::<Token![=]>().is_ok(), "Equal")
    } else {
        None
    }
}

impl Literal {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let span = input.span();
        let mut tokens = TokenStream::new();
        while !(input.is_empty() || input.peek(Token![,]) || input.peek(Token![||]) || input.peek(Token![&&])) {
            tokens.extend([input.parse::<TokenTree>()?]);
        }
        let wrong = |span| {
            let why = "a condition compares with a literal: write `true`, `10`, `2.5`, `\"active\"`, `null`, \
                       `date(\"2024-01-31T00:00:00Z\")` or `object_id(\"..\")`";
            syn::Error::new(span, why)
        };
        if tokens.is_empty() {
            return Err(wrong(span));
        }
        let expr = Parser::parse2(|input: ParseStream<'_>| input.parse::<Expr>(), tokens)?;
        match Self::from_expr(&expr, false) {
            Some(literal) => Ok(literal),
            None => Self::from_call(&expr)?.ok_or_else(|| wrong(expr.span())),
        }
    }

    fn from_expr(expr: &Expr, negative: bool) -> Option<Self> {
        let sign = if negative { "-" } else { "" };
        match crate::value::peel(expr) {
            Expr::Unary(unary) if !negative && matches!(unary.op, syn::UnOp::Neg(_)) => {
                Self::from_expr(&unary.expr, true)
            }
            Expr::Path(path) if !negative && path.path.is_ident("null") => Some(Self::Null),
            Expr::Lit(literal) => match &literal.lit {
                Lit::Bool(bool) if !negative => Some(Self::Bool(bool.value)),
                Lit::Str(text) if !negative => Some(Self::Text(text.value())),
                Lit::Int(number) => format!("{sign}{}", number.base10_digits()).parse().ok().map(Self::Int),
                Lit::Float(number) => format!("{sign}{}", number.base10_digits()).parse().ok().map(Self::Double),
                _ => None,
            },
            _ => None,
        }
    }

    /// `date("..")` or `object_id("..")`
    fn from_call(expr: &Expr) -> syn::Result<Option<Self>> {
        let Expr::Call(call) = crate::value::peel(expr) else { return Ok(None) };
        let Expr::Path(function) = &*call.func else { return Ok(None) };
        let text = match call.args.first() {
            Some(Expr::Lit(literal)) if call.args.len() == 1 => match &literal.lit {
                Lit::Str(text) => text,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        if function.path.is_ident("date") {
            return Ok(Some(Self::Date(text.clone())));
        }
        if !function.path.is_ident("object_id") {
            return Ok(None);
        }
        let value = text.value();
        let byte = |at: usize| u8::from_str_radix(value.get(2 * at..2 * at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..12).map(byte).collect();
        let plain = value.len() == 24 && value.bytes().all(|digit| digit.is_ascii_hexdigit());
        match bytes.and_then(|bytes| <[u8; 12]>::try_from(bytes).ok()).filter(|_| plain) {
            Some(bytes) => Ok(Some(Self::Id(bytes))),
            None => Err(syn::Error::new(
                text.span(),
                "an object id has 24 hexadecimal digits: write `object_id(\"65a1b2c3d4e5f60718293a4b\")`",
            )),
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}
