//! `#[cache_invalidate]`: run the body, then invalidate the entries that its write made wrong. `#[cache_refresh]` differs in its record
//! alone: it expires them.
//!
//! Flow: tokens -> [`args::Args`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).
//!
//! May use: diag, emit, key, options, nesting, signature, stacking, stored, subject, template.

mod args;
mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{diag, nesting, signature::Function};

/// Reads the tokens between the parentheses, for the test that checks the README.
#[cfg(test)]
pub(crate) fn read(attribute: &'static str, args: TokenStream, diag: &mut diag::Diag) {
    args::Args::parse(attribute, args, diag);
}

/// Expands `#[cache_invalidate(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    expanded(args::INVALIDATE, args, item)
}

/// Expands `#[cache_refresh(args)] item`.
pub(crate) fn refresh(args: TokenStream, item: &TokenStream) -> TokenStream {
    expanded(args::REFRESH, args, item)
}

fn expanded(attribute: &'static str, args: TokenStream, item: &TokenStream) -> TokenStream {
    nesting::nest(attribute, args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let args = args::Args::parse(attribute, args, diag);
                let function = Function::parse(attribute, item.clone(), diag)?;
                Some(model::Model::check(attribute, &args, function, diag))
            },
            expand::expand,
        )
    })
}
