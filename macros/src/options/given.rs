//! One option as the user wrote it: `name`, `name = value` or `name(a, b)`.
//!
//! May use: diag, options/row.

use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprLit, Ident, Lit, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    token,
};

use super::row::UNNAMED;
use crate::diag::Diag;

/// An option: its name, and the value or list that was given to it.
pub(crate) struct Given {
    pub(crate) name: Ident,
    pub(crate) form: OptionForm,
}

/// The forms of an option.
pub(crate) enum OptionForm {
    /// `name`
    Nothing,
    /// `name = value`
    Expr(Box<Expr>),
    /// `name(a, b)`
    List(TokenStream),
}

impl Given {
    /// Reads one option.
    pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Lit) {
            let lit: Lit = input.parse()?;
            let name = Ident::new(UNNAMED, lit.span());
            return Ok(Self { name, form: OptionForm::Expr(Box::new(Expr::Lit(ExprLit { attrs: Vec::new(), lit }))) });
        }
        let name = Ident::parse_any(input)
            .map_err(|error| syn::Error::new(error.span(), "this is not an option: write `name = value`"))?;
        let form = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(syn::Error::new(name.span(), format_args!("`{name}` has no value: write `{name} = ..`")));
            }
            OptionForm::Expr(input.parse()?)
        } else if input.peek(token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            OptionForm::List(content.parse()?)
        } else {
            OptionForm::Nothing
        };
        Ok(Self { name, form })
    }
}

/// Returns whether an option comes next, rather than a value without a name: `name = ..` or `name(..)`.
pub(crate) fn is_option(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    Ident::parse_any(&ahead).is_ok() && (ahead.peek(token::Paren) || (ahead.peek(Token![=]) && !ahead.peek(Token![==])))
}

/// Reads a list with commas, one element at a time. An element that cannot be read is reported and skipped.
pub(crate) fn read_all(
    tokens: TokenStream,
    diag: &mut Diag,
    mut read: impl FnMut(ParseStream<'_>, &mut Diag) -> syn::Result<()>,
) {
    let parser = |input: ParseStream<'_>| -> syn::Result<()> {
        while !input.is_empty() {
            if let Err(error) = read(input, diag).and_then(|()| separator(input)) {
                diag.add(locate(error));
                skip_to_comma(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    // Errors of elements were reported by the closure; only an error between elements comes out of it.
    if let Err(error) = parser.parse2(tokens) {
        diag.add(locate(error));
    }
}

fn separator(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        Ok(())
    } else {
        Err(input.error("the options have nothing between them: write `,`"))
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// Rewords the error about an early end of the input, and puts it at the attribute, whose end it is.
fn locate(error: syn::Error) -> syn::Error {
    let text = error.to_string();
    match text.strip_prefix("unexpected end of input, ") {
        Some(rest) => syn::Error::new(Span::call_site(), format_args!("the attribute ends too early: {rest}")),
        None => error,
    }
}
