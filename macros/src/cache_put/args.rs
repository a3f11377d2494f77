//! May use: args, diag.
//!
//! The options of `#[cache_put]` as they were written.

use proc_macro2::TokenStream;
use syn::Expr;

use crate::{
    args::{Given, Names, options, read_all},
    diag::Diag,
};

options! {
    /// What was given to `#[cache_put(..)]`.
    struct Args for "cache_put" {
        "key" => key: Expr,
        "ttl" => ttl: Expr,
        "skip" => skip: Names,
        "tags" => tags: Expr,
        "condition" => condition: Expr,
        "unless" => unless: Expr,
        "negative_ttl" => negative_ttl: Expr,
        "jitter" => jitter: Expr,
        "capacity" => capacity: Expr,
        "version" => version: Expr,
        "tier" => tier: Expr,
        "local_ttl" => local_ttl: Expr,
        "codec" => codec: Expr,
        "on" => on: Expr,
        "crate" => krate: Expr,
    }
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, diag: &mut Diag) -> Self {
        let mut args = Self::default();
        read_all(tokens, diag, |input, diag| {
            args.put(Given::parse(input)?, diag);
            Ok(())
        });
        args
    }
}
