//! Keys and scopes of direct calls, from the texts in tests.

use fastness::{Key, Scope};

/// The key with this text.
pub fn named(text: impl AsRef<str>) -> Key {
    text.as_ref().parse().expect("a key")
}

/// The key or the prefix with this text.
pub fn reached(text: impl AsRef<str>) -> Scope {
    text.as_ref().parse().expect("a scope")
}

/// The tag with this text.
pub fn tagged(text: impl AsRef<str>) -> Scope {
    Scope::from_tag(named(text))
}

/// The same entries under the keys with these texts.
pub fn entries<V, const N: usize>(entries: [(&str, V); N]) -> [(Key, V); N] {
    entries.map(|(text, value)| (named(text), value))
}
