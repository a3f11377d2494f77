//! Splits a function into signature and body, or reports an item that is no function with a body.
//!
//! May use: diag.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Ident, Signature, Token, Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
};

use crate::diag::Diag;

/// A function with a body, free or in an `impl` or trait block.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    default: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// The `#![..]` at the start of the body, which must stay at the start of the function's new body.
    inner: Vec<Attribute>,
    /// The body with its braces, without its inner attributes.
    pub(crate) body: Group,
}

impl Function {
    /// Reads the item under `attribute`.
    pub(crate) fn parse(attribute: &str, item: TokenStream, diag: &mut Diag) -> Option<Self> {
        if let Some((keyword, message)) = not_a_function(attribute, item.clone()) {
            diag.error(keyword, message);
            return None;
        }
        let parser = |input: ParseStream<'_>| parse(attribute, input);
        match parser.parse2(item) {
            Ok(function) => Some(function),
            Err(error) => {
                diag.add(error);
                None
            }
        }
    }

    /// The function's name without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// The function with other statements as its body.
    pub(crate) fn with_body(&self, statements: &TokenStream) -> TokenStream {
        let Self { attrs, vis, default, sig, inner, .. } = self;
        let mut body = Group::new(Delimiter::Brace, quote!(#(#inner)* #statements));
        body.set_span(self.body.span());
        quote!(#(#attrs)* #vis #default #sig #body)
    }
}

fn parse(attribute: &str, input: ParseStream<'_>) -> syn::Result<Function> {
    let attrs = Attribute::parse_outer(input)?;
    let vis = input.parse()?;
    let default = input.parse()?;
    let sig: Signature = input.parse()?;
    if input.peek(Token![;]) {
        return Err(syn::Error::new_spanned(
            &sig.ident,
            format_args!("`{}` has no body here: put `#[{attribute}]` on the implementation", sig.ident),
        ));
    }
    let block: Group = input.parse()?;
    if block.delimiter() != Delimiter::Brace {
        return Err(syn::Error::new(block.span(), "this is not the body of a function: write it in braces"));
    }
    let (inner, statements) = split_inner.parse2(block.stream())?;
    let mut body = Group::new(Delimiter::Brace, statements);
    body.set_span(block.span());
    Ok(Function { attrs, vis, default, sig, inner, body })
}

fn split_inner(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    Ok((Attribute::parse_inner(input)?, TokenStream::parse(input)?))
}

/// The keyword of an item that is no function, and the message about it.
fn not_a_function(attribute: &str, item: TokenStream) -> Option<(Span, String)> {
    let mut words = item.into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    });
    let (word, place) = words.find_map(|word: Ident| {
        let place = match word.to_string().as_str() {
            "fn" => "",
            "impl" | "trait" | "mod" => "the functions inside",
            "struct" | "enum" | "union" | "type" | "static" | "use" | "macro_rules" | "let" => "a function",
            _ => return None,
        };
        Some((word, place))
    })?;
    let message = format!("`{}` is not a function: put `#[{attribute}]` on {place}", word.to_token_stream());
    (!place.is_empty()).then(|| (word.span(), message))
}
