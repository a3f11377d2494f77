//! The attributes of fastness.

mod args;
mod cache_invalidate;
mod cache_put;
mod cacheable;
mod diag;
mod duration;
mod emit;
mod key;
mod nearest;
mod policy;
mod signature;
#[cfg(test)]
mod snapshot;
mod stack;
mod stored;
mod subject;
mod template;
mod value;

use proc_macro::TokenStream;

/// x
#[proc_macro_attribute]
pub fn cacheable(args: TokenStream, item: TokenStream) -> TokenStream {
    cacheable::attribute(args.into(), &item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn cache_invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_invalidate::attribute(args.into(), &item.into()).into()
}

/// x
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_put::attribute(args.into(), &item.into()).into()
}
