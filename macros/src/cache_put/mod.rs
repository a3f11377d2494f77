//! `#[cache_put]`: always run the body, then store its value.
//!
//! Flow: tokens -> [`Options`] (as written) -> [`model::Model`] (checked) -> [`expand::expand`] (cannot fail).
//!
//! May use: diag, emit, key, options, nesting, signature, stacking, stored, subject, template.

mod expand;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{diag, nesting, options::Options, signature::Function};

/// Expands `#[cache_put(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    nesting::nest("cache_put", args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let options = Options::parse("cache_put", args, diag);
                let function = Function::parse("cache_put", item.clone(), diag)?;
                model::Model::check(options, function, diag)
            },
            expand::expand,
        )
    })
}
