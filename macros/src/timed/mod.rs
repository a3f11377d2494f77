//! `#[timed]`: run the body, and record how long it took and how it ended.
//!
//! Flow: tokens -> [`Options`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).
//!
//! May use: diag, duration, emit, options, nesting, signature, stacking, subject.

mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{diag, nesting, options::Options, signature::Function};

/// Expands `#[timed(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    nesting::nest("timed", args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let options = Options::parse("timed", args, diag);
                let function = Function::parse("timed", item.clone(), diag)?;
                Some(model::Model::check(&options, function, diag))
            },
            expand::expand,
        )
    })
}
