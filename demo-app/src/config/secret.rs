//! Text that must not be printed, and URLs that may hold some.

use std::fmt;

/// Text that is never printed, such as a password or a token.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for its recipient.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// URL that is printed with `***` in place of user and password.
#[derive(Clone)]
pub struct Url(Secret);

impl Url {
    /// The URL as it was given, to connect with.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<String> for Url {
    fn from(text: String) -> Self {
        Self(Secret(text))
    }
}

impl From<&str> for Url {
    fn from(text: &str) -> Self {
        Self(Secret::new(text))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(self.expose()))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `text` with `***` in place of what stands between its scheme, if it has one, and its last `@`. A password that was not
/// escaped may hold any character, so the last one counts.
pub(super) fn redacted(text: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
    format!("{scheme}***@{host}")
}
