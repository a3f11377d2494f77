//! May use: args, diag, order, key, policy, signature, stack, stored, subject, template, value, emit.
//!
//! `#[cacheable]`: answer from the cache, or run the body and store its value.
//!
//! Flow: tokens -> [`args::Args`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).

mod args;
mod batch;
mod expand;
mod handle;
mod model;
mod rules;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{args::OptionSet as _, diag, order, signature::Function, stack};

/// Expands `#[cacheable(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    order::nest("cacheable", stack::BELOW_CACHEABLE, args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let args = args::Args::parse(args, diag);
                let function = Function::parse("cacheable", item.clone(), diag)?;
                model::Model::check(&args, function, diag)
            },
            expand::expand,
        )
    })
}
