//! May use: args.
//!
//! The options of `#[cache_put]` as they were written.

use syn::Expr;

use crate::args::{Names, options};

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
