//! The pieces of expanded code that the attributes share. Nothing here can fail, because every input was checked.
//!
//! Invariants: local names of an expansion begin with `__` and are hygienic ([`code!`]), so they neither see nor shadow the user's
//! names; paths are absolute, or begin with a name that the block [`imports`]; the user's body is emitted once, outside of such blocks.
//!
//! May use: duration, key, options, signature, stored, subject, template, value.

use proc_macro2::TokenStream;

use crate::subject::Door;

mod body;
mod calls;
mod keys;
mod kind;
mod operand;
mod policy;
mod site;
mod spawned;

pub(crate) use body::{Run, blocking_body, body, in_place, inner, return_type, whole};
pub(crate) use calls::{argument, at_least_one, calls, is_evaluated};
pub(crate) use keys::{
    View, key, key_beside, local, named, named_never, namespace, pieces, required_namespace, tag_list, tags,
};
pub(crate) use kind::{finished, kind, probe};
pub(crate) use operand::{borrowed, operand};
pub(crate) use policy::{plain_ttl, policy, shape, wire};
pub(crate) use site::{Site, at_value, instance, on, receiver};
pub(crate) use spawned::Owned;

/// `quote!` with the hygiene of `macro_rules!`: local variables are invisible to the user's code, other names are looked up in it.
macro_rules! code {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use code;

/// The first statement of a block: imports the traits that find out what a type can do, and names of the runtime, which begin with
/// `__fastness_`. Glob imports are not hygienic, so expressions of the user in the block see them too.
pub(crate) fn imports(door: &Door) -> TokenStream {
    code! {
        #[allow(unused_imports)]
        use #door::prelude::*;
    }
}
