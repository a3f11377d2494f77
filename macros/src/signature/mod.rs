//! The annotated function: its parts, its parameters, and its kind of result.
//!
//! Flow: tokens -> [`Function::parse`] -> [`Params`] (every name that a parameter binds) and [`Returns`] (kind and value type), then
//! the rules in [`refuse`], of which each attribute uses some.
//!
//! Invariant: the body is never parsed. Its tokens are copied, and only searched for `self` where that matters. So any syntax in it
//! reaches the compiler unchanged, and expansions are fast.
//!
//! May use: diag.

mod function;
mod params;
pub(crate) mod refuse;
mod returns;
pub(crate) mod self_tokens;
mod spelled;
#[cfg(test)]
mod tests;

pub(crate) use function::Function;
pub(crate) use params::{Named, Param, Params, mentions};
pub(crate) use returns::{Answer, Kind, Returns, without_lifetimes};
pub(crate) use spelled::{has_impl, is_cfg, ungrouped};
