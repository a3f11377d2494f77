//! URIs of requests in a form that is safe to log.

use std::fmt::{self, Write as _};

use http::Uri;

/// Maximum number of characters that are written of one URI.
const MAX_CHARS: usize = 1_024;

/// Path and query of a request, for a log: without values that look secret, and without characters that could be mistaken for another part
/// of the line.
///
/// - The value of a parameter is written as `***` if a word in its name is `token`, `password`, `secret`, `key`, `code`, `session`,
///   `signature`, `authorization`, or similar: `access_token`, `apiKey`, `user[password]`, `X-Amz-Signature`.
/// - Characters other than visible ASCII, and quotes, backslashes, angle brackets and braces, are percent-encoded.
/// - Output is cut off after 1024 characters, and `...` is written.
///
/// Secrets in the path, or under a name without such a word (`?a=`), cannot be recognised.
///
/// ```
/// use fastness::http::LogUri;
///
/// let uri: http::Uri = "/orders?page=2&access_token=7f3a".parse().unwrap();
/// assert_eq!(LogUri::new(&uri).to_string(), "/orders?page=2&access_token=***");
/// ```
#[derive(Clone, Copy)]
pub struct LogUri<'a> {
    uri: &'a Uri,
}

impl<'a> LogUri<'a> {
    /// Wraps a URI.
    pub fn new(uri: &'a Uri) -> Self {
        Self { uri }
    }
}

impl fmt::Display for LogUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = LimitedWriter { out: f, left: MAX_CHARS };
        let written = self.write(&mut out);
        let full = out.left == 0;
        match written {
            Err(fmt::Error) if full => f.write_str("..."),
            written => written,
        }
    }
}

impl fmt::Debug for LogUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl LogUri<'_> {
    fn write(self, out: &mut LimitedWriter<'_, '_>) -> fmt::Result {
        out.escaped(self.uri.path())?;
        let Some(query) = self.uri.query() else { return Ok(()) };
        out.plain("?")?;
        for pair in query.split_inclusive(['&', ';']) {
            let (pair, separator) = match pair.strip_suffix(['&', ';']) {
                Some(bare) => (bare, &pair[bare.len()..]),
                None => (pair, ""),
            };
            match pair.split_once('=') {
                Some((name, value)) if !value.is_empty() && is_secret(name) => {
                    out.escaped(name)?;
                    out.plain("=***")?;
                }
                _ => out.escaped(pair)?,
            }
            out.plain(separator)?;
        }
        Ok(())
    }
}

/// Writer that fails after a number of characters.
struct LimitedWriter<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    left: usize,
}

impl LimitedWriter<'_, '_> {
    fn plain(&mut self, text: &str) -> fmt::Result {
        if self.left < text.len() {
            self.left = 0;
            return Err(fmt::Error);
        }
        self.left -= text.len();
        self.out.write_str(text)
    }

    fn escaped(&mut self, text: &str) -> fmt::Result {
        let safe = |byte: u8| byte.is_ascii_graphic() && !br#""'\<>{}`"#.contains(&byte);
        let mut rest = text;
        while !rest.is_empty() {
            let safe_to = rest.bytes().position(|byte| !safe(byte)).unwrap_or(rest.len());
            let (plain, other) = rest.split_at(safe_to);
            let shown = plain.len().min(self.left);
            self.plain(&plain[..shown])?;
            if shown < plain.len() {
                self.left = 0;
                return Err(fmt::Error);
            }
            rest = other;
            if let Some(character) = rest.chars().next() {
                let mut utf8 = [0; 4];
                for byte in character.encode_utf8(&mut utf8).bytes() {
                    let mut code = String::with_capacity(3);
                    write!(code, "%{byte:02X}")?;
                    self.plain(&code)?;
                }
                rest = &rest[character.len_utf8()..];
            }
        }
        Ok(())
    }
}

/// Words in a name that mark its value as a secret.
const WORDS: [&str; 26] = [
    "assertion",
    "pin",
    "apikey",
    "auth",
    "authorization",
    "code",
    "credential",
    "credentials",
    "jwt",
    "key",
    "otp",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "secrets",
    "session",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "token",
    "tokens",
    "jsessionid",
];
/// Texts that mark it also as a part of a longer word (`accesstoken`).
const PARTS: [&str; 10] = [
    "accesskey",
    "apikey",
    "authorization",
    "credential",
    "passw",
    "privatekey",
    "secret",
    "session",
    "signature",
    "token",
];

/// Returns whether the value of a parameter is likely a secret, by its name as written in the query.
fn is_secret(name: &str) -> bool {
    let name = decoded(name);
    let secret = |word: &str| WORDS.contains(&word) || PARTS.iter().any(|part| word.contains(part));
    let mut word = String::new();
    let mut after_lower = false;
    for character in name.chars() {
        let begins = !character.is_alphanumeric() || (character.is_uppercase() && after_lower);
        if begins && secret(&std::mem::take(&mut word)) {
            return true;
        }
        after_lower = character.is_lowercase() || character.is_numeric();
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
    }
    let squashed: String =
        name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    secret(&word) || secret(&squashed)
}

/// Decodes percent-encoding.
fn decoded(name: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(byte));
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(uri: &[u8]) -> String {
        LogUri::new(&Uri::try_from(uri).unwrap()).to_string()
    }

    #[test]
    fn values_of_names_that_look_secret_are_not_written() {
        for name in [
            "pin",
            "privatekey",
            "token",
            "password",
            "secret",
            "key",
            "api_key",
            "apikey",
            "apiKey",
            "API-KEY",
            "authorization",
            "code",
            "session",
            "signature",
            "access_token",
            "accesstoken",
            "refreshToken",
            "id_token",
            "X-Amz-Signature",
            "client_secret",
            "sig",
            "sid",
            "JSESSIONID",
            "PHPSESSID2session",
            "user%5Bpassword%5D",
            "user[password]",
            "pass%77ord",
            "%74oken",
            "filter.token",
            "to_ken_token",
            "newPassword1",
            "api.key",
            "a+key",
        ] {
            let shown = shown(format!("/a?x=1&{name}=hunter2&y=2").as_bytes());
            assert!(!shown.contains("hunter2") && shown.ends_with("=***&y=2"), "{name}: {shown}");
        }
    }

    #[test]
    fn everything_else_is_written_as_it_is() {
        for uri in [
            "/",
            "/api/users/7",
            "/api/users?page=2&limit=10",
            "/a?keyboard=x&postcode=1&monkey=2&barcode=3&encoding=4&design=5&sides=6&compass=7&author=8",
            "/a?token&token=&=x&&b",
            "/a%20b?q=%C3%9F",
        ] {
            assert_eq!(shown(uri.as_bytes()), uri);
        }
    }

    #[test]
    fn no_value_can_be_taken_for_another_part_of_the_line() {
        // NEL, CSI and a right-to-left override in UTF-8, which addresses may have.
        let uri = "/a\u{85}b\u{9b}c\u{202e}d\"?q={}'".as_bytes();
        assert_eq!(shown(uri), "/a%C2%85b%C2%9Bc%E2%80%AEd%22?q=%7B%7D%27");
        let uri: Uri = "http://ann:hunter2@a.example/b".parse().unwrap();
        assert_eq!(LogUri::new(&uri).to_string(), "/b", "the authority may have a password");
    }

    #[test]
    fn a_logged_uri_has_a_bounded_length() {
        for long in [format!("/{}", "a".repeat(10_000)), format!("/?{}", "b&".repeat(10_000)), "/\u{85}".repeat(10_000)]
        {
            let shown = shown(long.as_bytes());
            assert!(shown.ends_with("...") && shown.len() <= MAX_CHARS + 3, "{}", shown.len());
        }
        let exact = format!("/{}", "a".repeat(MAX_CHARS - 1));
        assert_eq!(shown(exact.as_bytes()), exact);
    }
}
