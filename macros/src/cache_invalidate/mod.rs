//! `#[cache_invalidate]`: run the body, then invalidate the entries that its write made wrong.
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
pub(crate) fn read(args: TokenStream, diag: &mut diag::Diag) {
    args::Args::parse(args, diag);
}

/// Expands `#[cache_invalidate(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    nesting::nest("cache_invalidate", args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let args = args::Args::parse(args, diag);
                let function = Function::parse("cache_invalidate", item.clone(), diag)?;
                Some(model::Model::check(&args, function, diag))
            },
            expand::expand,
        )
    })
}
