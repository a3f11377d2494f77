//! `#[derive(Indexed)]`: a model's MongoDB indexes, the scopes that a change of its documents invalidates, and checked paths to its
//! fields.
//!
//! Flow: tokens -> [`record::Record`] (the struct, with stored names from `serde`'s attributes) and [`args`] (indexes as written, read
//! by [`syntax`] and [`condition`]) -> [`model::Model`] (checked by [`rules`] and [`scopes`]) -> [`expand::expand`] (cannot fail).
//!
//! Invariant: rules that need only the tokens of this struct are checked here and reported together. Rules that need other types are
//! left to the compiler, by code whose errors appear at the user's tokens.
//!
//! May use: diag, duration, nearest, options, subject, template, value.

mod args;
mod collation;
mod condition;
mod expand;
mod field;
mod index;
mod model;
mod record;
mod resolve;
mod rules;
mod scopes;
mod serde;
mod storage;
mod syntax;
#[cfg(test)]
mod tests;
mod variants;
mod wildcards;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Diag;

/// Expands `#[derive(Indexed)] item`. After an error in the indexes, the paths to the fields are still declared.
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
