//! The pieces of expanded code that the attributes share. Nothing here can fail: every input was checked.
//!
//! Invariants: names of ours are `__`-prefixed and hygienic ([`code!`]), so they neither see nor shadow the user's; paths
//! are absolute, or of what a block [`imports`]; the user's body is emitted once, and nothing is imported around it.
//!
//! May use: duration, key, options, signature, stored, subject, template.

use proc_macro2::TokenStream;

use crate::subject::Door;

mod body;
mod calls;
mod keys;
mod kind;
mod policy;
mod site;
mod spawned;

pub(crate) use body::{Run, blocking_body, body, in_place, inner, return_type, whole};
pub(crate) use calls::{at_least_one, calls};
pub(crate) use keys::{View, key, namespace, pieces, required_namespace, tag_list, tags};
pub(crate) use kind::{finished, kind, probe};
pub(crate) use policy::{plain_ttl, policy, shape, wire};
pub(crate) use site::{Site, at_value, borrowed, instance, on, operand, receiver};
pub(crate) use spawned::Owned;

/// `quote!` with the hygiene of `macro_rules!`: locals are ours, everything else is looked up where the user stands.
macro_rules! code {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use code;

/// The first statement of a block: the traits by which types are asked, and names of the runtime, each with `__fastness_` before it. They
/// are visible to the arguments in the block, because glob imports are not hygienic.
pub(crate) fn imports(door: &Door) -> TokenStream {
    code! {
        #[allow(unused_imports)]
        use #door::prelude::*;
    }
}
