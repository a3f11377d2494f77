//! `#[cache_invalidate]`: run the body, then make sure that what it made stale is not served again.
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

/// Reads what stands between the parentheses, for the test that compares the README with it.
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
