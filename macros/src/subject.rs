//! The function under an attribute, and the path from its expansion to the runtime.
//!
//! May use: diag, options, signature.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Path};

use crate::{
    options::{Options, Value},
    signature::{Function, Params, Returns},
};

/// The annotated function, read once for all checks and expansions.
pub(crate) struct Subject {
    pub(crate) function: Function,
    pub(crate) params: Params,
    pub(crate) returns: Returns,
    pub(crate) door: Door,
    /// The cache to use, from `on = expr`.
    pub(crate) on: Option<Expr>,
}

impl Subject {
    pub(crate) fn new(function: Function, options: &Options) -> Self {
        Self {
            params: Params::new(&function.sig),
            returns: Returns::new(&function.sig),
            function,
            door: Door::new(options),
            on: if options.has("on") { options.expr("on").cloned() } else { None },
        }
    }
}

/// The one path through which expanded code reaches the runtime: `::fastness::__private`.
pub(crate) struct Door(Option<Path>);

impl Door {
    /// Reads `crate = path`.
    pub(crate) fn new(options: &Options) -> Self {
        Self(match options.value("crate") {
            Some(Value::Path(path)) => Some(path.clone()),
            _ => None,
        })
    }
}

impl ToTokens for Door {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let private = self.0.as_ref().map(|path| quote!(#path::__private));
        tokens.extend(private.unwrap_or_else(|| quote!(::fastness::__private)));
    }
}
