//! May use: args, diag, order, key, policy, signature, stack, stored, subject, template, value, emit.
//!
//! `#[cache_put]`: always run the body, then store its value.
//!
//! Flow: tokens -> [`args::Args`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).

mod args;
mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{args::OptionSet as _, diag, order, signature::Function, stack};

/// Expands `#[cache_put(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    order::nest("cache_put", stack::BELOW_PUT, args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let args = args::Args::parse(args, diag);
                let function = Function::parse("cache_put", item.clone(), diag)?;
                model::Model::check(&args, function, diag)
            },
            expand::expand,
        )
    })
}
