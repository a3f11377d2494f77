//! `#[cacheable]`: answer a call from the cache, or run the body and store its value.
//!
//! Flow: tokens -> [`Options`] (as written) -> [`model::Model`] (checked by [`rules`], [`form`] and [`owned`]) ->
//! [`expand::expand`] (cannot fail).
//!
//! May use: diag, duration, emit, key, nearest, options, nesting, signature, stacking, stored, subject, template.

mod batch;
mod expand;
mod form;
mod handle;
mod model;
mod owned;
mod rules;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::{diag, nesting, options::Options, signature::Function};

/// Expands `#[cacheable(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    nesting::nest("cacheable", args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let options = Options::parse("cacheable", args, diag);
                let function = Function::parse("cacheable", item.clone(), diag)?;
                model::Model::check(options, function, diag)
            },
            expand::expand,
        )
    })
}
