//! Keys: arguments become text and scopes.
//!
//! A call site borrows its arguments as [`args::Args`]; a hit needs only their hash and equality. A miss renders the template into text
//! in which every argument is escaped, and hashes the scopes of that text.
//!
//! | part | purpose |
//! |---|---|
//! | `writer` | the text of a key, and the escaping of arguments |
//! | `part`, `containers`, `short` | arguments that can be in a key; their owned forms |
//! | `text`, `arg` | arguments by their `Display`; the choice of a part by an argument's type |
//! | `derived` | the text of types that derive `KeyPart` |
//! | `namespace`, `args`, `template` | the receiver's namespace; the arguments of a call; the key template and its rendering |
//! | `digest` | digests of arguments and of long keys |
//! | `scopes`, `pattern` | the hashes by which a key is invalidated |
//! | `hashed` | owned keys with their hash |
//! | `parsed` | `Key` and `Scope` of direct calls |
//!
//! Invariants: different arguments of one template never render to the same text; an argument never leaves its segment; text and scope
//! hashes are the same in every build.
//!
//! May use: `error`.

pub(crate) mod arg;
pub(crate) mod args;
mod containers;
pub(crate) mod derived;
#[cfg(feature = "hash")]
pub(crate) mod digest;
pub(crate) mod hashed;
pub(crate) mod namespace;
mod parsed;
pub(crate) mod part;
pub(crate) mod pattern;
pub(crate) mod scopes;
mod short;
pub(crate) mod template;
pub(crate) mod text;
mod writer;

pub use namespace::KeyNamespace;
pub use parsed::{Key, Scope};
pub use part::KeyPart;
pub use writer::KeyWriter;

pub(crate) use hashed::{AnyKey, CallKey, Hashed, KeyText, OwnedKey, Prehashed};
pub use pattern::Pattern;
pub(crate) use scopes::Scopes;

#[cfg(test)]
mod tests;
