//! `#[derive(Indexed)]`: a model's MongoDB indexes, the scopes of its documents' changes, and its fields as checked paths.
//!
//! Flow: tokens -> [`record::Record`] (the struct, and its fields' stored names by `serde`'s attributes) and [`args`] (the
//! indexes as written, by the syntax of [`syntax`] and [`condition`]) -> [`model::Model`] (checked by [`rules`] and [`scopes`]) -> [`expand::expand`] (cannot
//! fail).
//!
//! Invariant: what a struct's own tokens can tell is checked here and reported together, on the user's tokens; what takes
//! another type is left to the compiler, by code that fails on the user's tokens.
//!
//! May use: diag, duration, nearest, options, subject, template, value.

mod args;
mod condition;
mod expand;
mod index;
mod model;
mod record;
mod resolve;
mod rules;
mod scopes;
mod serde;
mod syntax;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Diag;

/// Expands `#[derive(Indexed)] item`. After an error in the indexes, the fields are there all the same.
pub(crate) fn derive(item: &TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let model = check(item, &mut diag);
    let expansion = model.map(|model| expand::expand(&model));
    let errors = diag.into_tokens();
    quote!(#expansion #errors)
}

fn check(item: &TokenStream, diag: &mut Diag) -> Option<model::Model> {
    match syn::parse2(item.clone()) {
        Ok(input) => {
            let record = record::Record::read(input, diag)?;
            let args = args::Args::parse(&record, diag);
            Some(model::Model::check(args, record, diag))
        }
        Err(error) => {
            diag.add(error);
            None
        }
    }
}
