//! The annotated function: what is under the attribute, its parameters, and what kind of result it gives.
//!
//! Flow: tokens -> [`Function::parse`] -> [`Params`] (every bound name) and [`Returns`] (kind and value type), then the
//! [`refuse`] rules that the attributes pick from.
//!
//! Invariant: the body is never parsed, only carried, and searched for its `self` where that matters. So whatever syntax it
//! holds reaches the compiler as it is, and a use costs little to expand.
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
pub(crate) use params::{Param, Params};
pub(crate) use returns::{Answer, Kind, Returns, without_lifetimes};
pub(crate) use spelled::{has_impl, is_cfg, ungrouped};
