//! Identity of a request: its key, its sender, and the fingerprint of its content.

use http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, HeaderValue, IF_MATCH, IF_UNMODIFIED_SINCE};
use http::request::Parts;
use http::{Method, StatusCode};

use super::digest::{RequestDigest, digest};
use super::shared::IdempotencyConfig;
use crate::http::original_uri::original_uri;
use crate::http::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const MAX_CHARS: usize = 255;

const MALFORMED: &str = "write one `Idempotency-Key` header: 1 to 255 visible ASCII characters, as they are or in quotes, such as \"8e03978e-40d5\"";
const MISSING: &str =
    "this request needs an `Idempotency-Key` header: 1 to 255 visible ASCII characters, new for each request";

/// Returns whether the layer protects requests of this method.
pub(super) fn is_protected(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE)
}

/// Returns the digest of a request's key, its sender and its host; `None` if the request is not protected.
pub(super) fn from_request(parts: &Parts, shared: &IdempotencyConfig) -> Result<Option<RequestDigest>, Problem> {
    if !is_protected(&parts.method) {
        return Ok(None);
    }
    let mut sent = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (sent.next(), sent.next()) {
        (None, _) if shared.required => return Err(Problem::new(StatusCode::BAD_REQUEST, MISSING)),
        (None, _) => return Ok(None),
        (Some(key), None) => parse(key.as_bytes()),
        (Some(_), Some(_)) => None,
    };
    let key = key.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, MALFORMED))?;
    Ok(Some(digest(|add| {
        add_sender(parts, shared, add);
        add(&host(parts));
        add(&key);
    })))
}

/// Adds the sender of a request: as the application's function returns it, or else all headers with credentials.
fn add_sender(parts: &Parts, shared: &IdempotencyConfig, add: &mut dyn FnMut(&[u8])) {
    if let Some(principal) = &shared.principal {
        match principal(parts) {
            Some(principal) => [b"principal", principal.as_bytes()].map(add),
            None => [b"anonymous", &[][..]].map(add),
        };
        return;
    }
    for name in [AUTHORIZATION, COOKIE] {
        for value in parts.headers.get_all(&name) {
            add(name.as_str().as_bytes());
            add(value.as_bytes());
        }
    }
}

/// Returns the host of a request, as one process may serve several.
fn host(parts: &Parts) -> Vec<u8> {
    let line = || parts.headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    original_uri(&parts.extensions, &parts.uri)
        .authority()
        .map_or_else(line, |authority| authority.as_str().as_bytes())
        .to_ascii_lowercase()
}

/// Returns the fingerprint of a request: method, path, query, body and preconditions. With other preconditions, it is another request.
pub(super) fn fingerprint(parts: &Parts, body: &[u8]) -> RequestDigest {
    digest(|add| {
        add(parts.method.as_str().as_bytes());
        add(original_uri(&parts.extensions, &parts.uri).path().as_bytes());
        add(original_uri(&parts.extensions, &parts.uri).query().unwrap_or_default().as_bytes());
        add(body);
        for name in [IF_MATCH, IF_UNMODIFIED_SINCE] {
            for value in parts.headers.get_all(&name) {
                add(name.as_str().as_bytes());
                add(value.as_bytes());
            }
        }
    })
}

/// Parses a string of structured fields (RFC 9651), or the same without quotes.
fn parse(sent: &[u8]) -> Option<Vec<u8>> {
    let key = match sent {
        [b'"', inner @ .., b'"'] => unquoted(inner)?,
        _ if sent.iter().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(byte)) => sent.to_vec(),
        _ => return None,
    };
    (1..=MAX_CHARS).contains(&key.len()).then_some(key)
}

fn unquoted(inner: &[u8]) -> Option<Vec<u8>> {
    let (mut key, mut bytes) = (Vec::new(), inner.iter());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'"' => return None,
            b'\\' => bytes.next().filter(|escaped| b"\"\\".contains(escaped))?,
            byte => byte,
        };
        key.push(*byte);
    }
    key.iter().all(u8::is_ascii_graphic).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_and_without_quotes() {
        for (sent, key) in [
            (&b"8e03978e-40d5"[..], Some(&b"8e03978e-40d5"[..])),
            (b"\"8e03978e-40d5\"", Some(b"8e03978e-40d5")),
            (br#""a\"b\\c""#, Some(br#"a"b\c"#)),
            (b"", None),
            (b"\"\"", None),
            (b"\"", None),
            (b"a b", None),
            (b"\"a b\"", None),
            (b"a\"b", None),
            (br#""a\b""#, None),
            (br#""a\"#, None),
            (br#""a"b""#, None),
            (b"\"a\"; x=1", None),
            ("schl\u{fc}ssel".as_bytes(), None),
            (b"\xff\xfe", None),
        ] {
            assert_eq!(parse(sent).as_deref(), key, "{}", sent.escape_ascii());
        }
        assert!(parse(&[b'a'; MAX_CHARS]).is_some() && parse(&[b'a'; MAX_CHARS + 1]).is_none());
    }

    #[test]
    fn the_parts_of_a_key_are_kept_apart() {
        let all = |parts: &[&str]| digest(|add| parts.iter().for_each(|part| add(part.as_bytes())));
        assert_ne!(all(&["ab", "c"]), all(&["a", "bc"]));
        assert_ne!(all(&["a", ""]), all(&["a"]));
        assert_eq!(all(&["a", "b"]), all(&["a", "b"]));
    }
}
