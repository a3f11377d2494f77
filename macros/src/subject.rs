//! May use: args, diag, value, signature.
//!
//! What the three attributes have in common: the function they stand on, and where they reach the runtime.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Path};

use crate::{
    args::Slot,
    diag::Diag,
    signature::{Function, Params, Returns},
    value,
};

/// The annotated function, read once for all checks and expansions.
pub(crate) struct Subject {
    pub(crate) function: Function,
    pub(crate) params: Params,
    pub(crate) returns: Returns,
    pub(crate) door: Door,
    /// An explicit handle of the cache, from `on = expr`.
    pub(crate) on: Option<Expr>,
}

impl Subject {
    pub(crate) fn new(function: Function, krate: &Slot<Expr>, on: &Slot<Expr>, diag: &mut Diag) -> Self {
        Self {
            params: Params::new(&function.sig),
            returns: Returns::new(&function.sig),
            function,
            door: Door::new(krate, diag),
            on: on.value().cloned(),
        }
    }
}

/// The one path through which expanded code reaches the runtime: `::fastness::__private`.
pub(crate) struct Door(Option<Path>);

impl Door {
    pub(crate) fn new(krate: &Slot<Expr>, diag: &mut Diag) -> Self {
        Self(krate.value().and_then(|krate| value::path("crate", "my::fastness", krate, diag)).cloned())
    }
}

impl ToTokens for Door {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let private = self.0.as_ref().map(|path| quote!(#path::__private));
        tokens.extend(private.unwrap_or_else(|| quote!(::fastness::__private)));
    }
}
