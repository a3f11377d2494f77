//! Keys and scopes of direct calls, parsed once, so that no call can fail because of them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::part::KeyPart;
use super::pattern::Pattern;
use super::writer::KeyWriter;
use crate::error::{Error, ErrorDetail};

/// Hint at the form of a key, for error messages.
const KEY_FORM: &str = "write whole segments such as `user:42`, without `*`, and no colon at either end";
/// Hint at the forms of a scope, for error messages.
const SCOPE_FORM: &str = "write a key such as `user:42`, or a prefix such as `user:*`";
/// Hint for a scope with a misplaced `*`.
const WILDCARD: &str = "`*` may only stand alone behind the last colon, as in `user:*`; to invalidate across prefixes, give the entries a tag and invalidate that";

/// The key of one cached value, as text: segments separated by `:`.
///
/// A key is parsed once, so that no call of a [`Cache`](crate::Cache) can fail because of it. Make the fixed part a constant;
/// [`join`](Self::join) appends arguments, escaped as the attributes escape them. Parse text from elsewhere.
///
/// ```
/// use fastness::Key;
///
/// const USERS: Key = Key::from_static("user");
///
/// assert_eq!(USERS.join(7).join("orders").as_str(), "user:7:orders");
/// assert_eq!(USERS.join("7:orders").as_str(), "user:7%3Aorders", "an argument never leaves its segment");
/// assert_eq!("user:7".parse::<Key>()?, USERS.join(7));
/// assert!("user:".parse::<Key>().is_err());
/// # Ok::<_, fastness::Error>(())
/// ```
///
/// An annotated function's key has the same text, so a [`Key`] names the entries that functions store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Cow<'static, str>);

impl Key {
    /// Makes a key of a string literal.
    ///
    /// ```compile_fail
    /// const USERS: fastness::Key = fastness::Key::from_static("user:*"); // a prefix, not a key
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the text is malformed: empty, with a `*`, or with a colon at either end. In a `const` this is a compile error.
    #[track_caller]
    pub const fn from_static(key: &'static str) -> Self {
        assert!(
            is_key(key),
            "not a key: write whole segments such as `user:42`, without `*`, and no colon at either end"
        );
        Self(Cow::Borrowed(key))
    }

    /// Appends one segment: the argument, escaped as attributes escape it.
    ///
    /// ```
    /// use fastness::Key;
    ///
    /// let quote = Key::from_static("quote").join("EUR").join(2_026);
    /// assert_eq!(quote.to_string(), "quote:EUR:2026");
    /// ```
    #[must_use]
    pub fn join(&self, part: impl KeyPart) -> Self {
        let mut text = KeyWriter::with_usual_capacity();
        text.raw(&self.0);
        text.raw(":");
        part.write(&mut text);
        Self(Cow::Owned(text.into_string()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that a template was rendered to: a template is checked when it is compiled, and arguments are escaped.
    pub(crate) fn from_rendered(text: String) -> Self {
        debug_assert!(is_key(&text), "`{text}` was rendered and is not a key");
        Self(Cow::Owned(text))
    }
}

/// Returns whether a text is a key.
const fn is_key(text: &str) -> bool {
    is_prefix(text) && !matches!(text.as_bytes(), [.., b':'])
}

/// Returns whether keys can begin with these segments, of which the last may be empty.
const fn is_prefix(text: &str) -> bool {
    let (bytes, mut at) = (text.as_bytes(), 0);
    while at < bytes.len() {
        if bytes[at] == b'*' {
            return false;
        }
        at += 1;
    }
    !matches!(bytes, [] | [b':', ..])
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_key(text) {
            return Ok(Self(Cow::Owned(text.to_owned())));
        }
        Err(ErrorDetail::Key(format!("`{text}` is not a key: {KEY_FORM}")).into())
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

/// The reach of an invalidation or a refresh: one key, all keys below a prefix of whole segments, or a tag.
///
/// ```
/// use fastness::{Key, Scope};
///
/// const USERS: Key = Key::from_static("user");
///
/// assert_eq!(Scope::from(USERS.join(7)), "user:7".parse()?);
/// assert_eq!(Scope::from_prefix(USERS), "user:*".parse()?);
/// let team = Scope::from_tag(Key::from_static("team").join(7)); // entries with the tag `team:7`
/// # Ok::<_, fastness::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    kind: ScopeKind,
    key: Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ScopeKind {
    Key,
    Prefix,
    Tag,
}

impl Scope {
    /// Makes the scope of a key (`user:42`) or of a prefix (`user:*`) from a string literal.
    ///
    /// # Panics
    ///
    /// Panics if the text is neither. In a `const` this is a compile error.
    #[track_caller]
    pub const fn from_static(scope: &'static str) -> Self {
        let (kind, text) = read_scope(scope);
        assert!(is_scope(kind, text), "not a scope: write a key such as `user:42`, or a prefix such as `user:*`");
        Self { kind, key: Key(Cow::Borrowed(text)) }
    }

    /// Makes the scope of all keys that begin with these segments and have more.
    pub const fn from_prefix(segments: Key) -> Self {
        Self { kind: ScopeKind::Prefix, key: segments }
    }

    /// Makes the scope of all entries with this tag. Its text has the form of a key.
    pub const fn from_tag(tag: Key) -> Self {
        Self { kind: ScopeKind::Tag, key: tag }
    }

    /// Returns the text for events: `user:7` for a key, `user:*` for a prefix, `#team:7` for a tag.
    pub(crate) fn text(&self) -> String {
        match self.kind {
            ScopeKind::Key => self.key.as_str().to_owned(),
            ScopeKind::Prefix => format!("{}:*", self.key),
            ScopeKind::Tag => format!("#{}", self.key),
        }
    }

    /// Returns the pattern of a key or a prefix, or the text of a tag as `Err`.
    pub(crate) fn pattern(&self) -> Result<Pattern, &str> {
        match self.kind {
            ScopeKind::Key => Ok(Pattern::exact(self.key.as_str())),
            ScopeKind::Prefix => Ok(Pattern::prefix(self.key.as_str())),
            ScopeKind::Tag => Err(self.key.as_str()),
        }
    }
}

/// Returns the kind of scope that a text may be, and its key or segments.
const fn read_scope(text: &str) -> (ScopeKind, &str) {
    match text.as_bytes() {
        [segments @ .., b':', b'*'] => (ScopeKind::Prefix, text.split_at(segments.len()).0),
        _ => (ScopeKind::Key, text),
    }
}

/// Returns whether these segments are a scope of this kind.
const fn is_scope(kind: ScopeKind, segments: &str) -> bool {
    if matches!(kind, ScopeKind::Prefix) { is_prefix(segments) } else { is_key(segments) }
}

impl From<Key> for Scope {
    fn from(key: Key) -> Self {
        Self { kind: ScopeKind::Key, key }
    }
}

impl From<&Key> for Scope {
    fn from(key: &Key) -> Self {
        key.clone().into()
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (kind, key) = read_scope(text);
        if is_scope(kind, key) {
            return Ok(Self { kind, key: Key(Cow::Owned(key.to_owned())) });
        }
        let form = if key.contains('*') && !key.starts_with('*') { WILDCARD } else { SCOPE_FORM };
        Err(ErrorDetail::Key(format!("`{text}` is not a scope: {form}")).into())
    }
}
