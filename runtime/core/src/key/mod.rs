//! Keys: from arguments to text and to scopes.
//!
//! May use: `error`.
//!
//! Flow: a call site borrows its arguments as [`args::Args`]; a hit needs only their hash and equality. A miss renders the
//! template into text in which every argument is escaped, and hashes the scopes of that text.
//!
//! Invariants: two different calls of one template never render to one text; an argument never reaches beyond its segment;
//! text and scope hashes are the same in every build.

pub(crate) mod arg;
pub(crate) mod args;
mod containers;
#[cfg(feature = "hash")]
pub(crate) mod digest;
pub(crate) mod hashed;
mod parsed;
pub(crate) mod part;
pub(crate) mod pattern;
pub(crate) mod scope;
pub(crate) mod scopes;
mod short;
pub(crate) mod template;
pub(crate) mod text;
mod writer;

pub use parsed::{Key, Scope};
pub use part::KeyPart;
pub use scope::KeyScope;
pub use writer::KeyWriter;

pub(crate) use hashed::{AnyKey, CallKey, Hashed, KeyText, OwnedKey, Prehashed};
pub use pattern::Pattern;
pub(crate) use scopes::Scopes;

#[cfg(test)]
mod tests;
