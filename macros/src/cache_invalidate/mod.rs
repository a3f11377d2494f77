//! May use: args, diag, order, key, signature, stack, stored, subject, template, value, emit.
//!
//! `#[cache_invalidate]`: run the body, then make sure that what it made stale is not served again.
//!
//! Flow: tokens -> [`args::Args`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).

mod args;
mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{diag, order, signature::Function, stack};

/// Expands `#[cache_invalidate(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    order::nest("cache_invalidate", stack::BELOW_INVALIDATE, args, item, |args, item| {
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
