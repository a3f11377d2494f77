//! May use: args.
//!
//! The options of `#[timed]` as they were written.

use syn::{Expr, Ident, Token, parse::ParseStream, parse::Parser, punctuated::Punctuated};

use crate::args::{FromGiven, Value, options};

options! {
    /// The options that were given to `#[timed(..)]`.
    struct Args for "timed" {
        "name" => name: Expr,
        "slow" => slow: Expr,
        "labels" => labels: Labels,
        "ok_if" => ok_if: Expr,
        "error_if" => error_if: Expr,
        "crate" => krate: Expr,
    }
}

/// `labels(tier = user.tier, cached = hit)`
pub(crate) struct Labels(pub(crate) Vec<(Ident, Expr)>);

impl FromGiven for Labels {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        let wrong = || {
            let what = format_args!("`{name}` takes names and values: write `{name}(tier = user.tier)`");
            syn::Error::new(name.span(), what)
        };
        let Value::List(tokens) = value else {
            return Err(wrong());
        };
        let label = |input: ParseStream<'_>| {
            let label = input.parse()?;
            input.parse::<Token![=]>()?;
            Ok((label, input.parse()?))
        };
        let labels = |input: ParseStream<'_>| Punctuated::<_, Token![,]>::parse_terminated_with(input, label);
        let labels = labels.parse2(tokens).map_err(|_| wrong())?;
        if labels.is_empty() { Err(wrong()) } else { Ok(Self(labels.into_iter().collect())) }
    }
}
