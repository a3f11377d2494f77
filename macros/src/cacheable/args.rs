//! May use: args.
//!
//! The options of `#[cacheable]` as they were written.

use syn::Expr;

use crate::args::{Names, options};

options! {
    /// What was given to `#[cacheable(..)]`.
    struct Args for "cacheable" {
        "ttl" => ttl: Expr,
        "key" => key: Expr,
        "prefix" => prefix: Expr,
        "skip" => skip: Names,
        "tags" => tags: Expr,
        "condition" => condition: Expr,
        "unless" => unless: Expr,
        "negative_ttl" => negative_ttl: Expr,
        "cache_err" => cache_err: Expr,
        "err_ttl" => err_ttl: Expr,
        "stale" => stale: Expr,
        "refresh" => refresh: Expr,
        "stale_if_error" => stale_if_error: Expr,
        "early" => early: Expr,
        "jitter" => jitter: Expr,
        "single_flight" => single_flight: Expr,
        "share_error" => share_error: Expr,
        "load" => load: Expr,
        "load_timeout" => load_timeout: Expr,
        "capacity" => capacity: Expr,
        "version" => version: Expr,
        "batch" => batch: Names,
        "handle" => handle: Expr,
        "tier" => tier: Expr,
        "local_ttl" => local_ttl: Expr,
        "codec" => codec: Expr,
        "on" => on: Expr,
        "crate" => krate: Expr,
    }
}
