//! May use: args, diag, order, duration, signature, stack, subject, value, emit.
//!
//! `#[timed]`: run the body, and record how long it took and how it ended.
//!
//! Flow: tokens -> [`args::Args`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).

mod args;
mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{args::OptionSet as _, diag, order, signature::Function, stack};

/// Expands `#[timed(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    order::nest("timed", stack::BELOW_TIMED, args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let args = args::Args::parse(args, diag);
                let function = Function::parse("timed", item.clone(), diag)?;
                Some(model::Model::check(&args, function, diag))
            },
            expand::expand,
        )
    })
}
