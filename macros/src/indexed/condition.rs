//! The tokens between the parentheses of `partial(..)`, as they were written.
//!
//! May use: value, indexed/syntax.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Expr, Ident, Lit, Token, bracketed, parenthesized, parse::ParseStream, punctuated::Punctuated, spanned::Spanned,
    token,
};

use super::syntax::{Path, within};

/// A condition of a partial index.
pub(super) struct Condition {
    pub(super) path: Path,
    /// The variant of `Operator`.
    pub(super) operator: &'static str,
    pub(super) literals: Vec<Literal>,
}

/// A value in a condition.
pub(super) enum Literal {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

const CONDITIONS: &str = "write `=`, `>`, `>=`, `<`, `<=`, `in [..]` or `exists(..)`";

impl Condition {
    /// `status = "active"`, `total > 10`, `status in ["active", "new"]` or `exists(email)`.
    pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Ident) && input.peek2(token::Paren) {
            return Self::exists(input);
        }
        let path = Path::parse(input)?;
        let span = input.span();
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
        Ok(Self { path, operator, literals: vec![Literal::parse(input)?] })
    }

    fn exists(input: ParseStream<'_>) -> syn::Result<Self> {
        let word: Ident = input.parse()?;
        if word != "exists" {
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
            Err(input
                .error("`exists` takes one field: write `exists(email)`, and another `exists(..)` for another field"))
        })?;
        Ok(Self { path, operator: "Exists", literals: Vec::new() })
    }
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
        let expr: Expr = input.parse()?;
        Self::from_expr(&expr, false).ok_or_else(|| {
            syn::Error::new(
                expr.span(),
                "a condition compares with a literal: write `true`, `10`, `2.5` or `\"active\"`",
            )
        })
    }

    fn from_expr(expr: &Expr, negative: bool) -> Option<Self> {
        let sign = if negative { "-" } else { "" };
        match crate::value::peel(expr) {
            Expr::Unary(unary) if !negative && matches!(unary.op, syn::UnOp::Neg(_)) => {
                Self::from_expr(&unary.expr, true)
            }
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

    pub(super) fn tokens(&self, door: &TokenStream) -> TokenStream {
        match self {
            Self::Bool(value) => quote!(#door::Literal::Bool(#value)),
            Self::Int(value) => quote!(#door::Literal::Int(#value)),
            Self::Double(value) => quote!(#door::Literal::Double(#value)),
            Self::Text(value) => quote!(#door::Literal::Text(#value)),
        }
    }
}
