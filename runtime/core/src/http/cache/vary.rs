//! Variants: selects among the stored responses of a resource by `Vary` (RFC 9111 section 4.1).

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{ACCEPT_LANGUAGE, VARY};

use super::cookies::IgnoredCookies;
use super::languages;

/// Content codings that are distinguished, and the other values that `Accept-Encoding` may have for them, in alphabetical order.
const CODINGS: [&str; 7] = ["*", "br", "deflate", "gzip", "identity", "x-gzip", "zstd"];
const GZIP: usize = 3;

/// Returns the names of the fields in `Vary`, in lower case and sorted.
pub(super) fn names(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(VARY).iter().filter_map(|vary| vary.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the values of these fields in a request, in a normal form: equal forms are interchangeable. Empty for no fields.
pub(super) fn variant(names: &[String], request: &HeaderMap, ignored: &IgnoredCookies) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut variant = String::with_capacity(64);
    for name in names {
        variant.push_str(name);
        let values = request.get_all(name.as_str());
        let is_written = match name.as_str() {
            "accept-encoding" => {
                let mut lines = values.iter().peekable();
                // Without the header any coding is acceptable; with an empty one, none is.
                variant.push(if lines.peek().is_some() { '=' } else { '-' });
                codings(lines.filter_map(|line| line.to_str().ok()), &mut variant);
                true
            }
            "accept-language" => accepted_languages(request, &mut variant),
            "cookie" => other_cookies(request, ignored, &mut variant),
            _ => false,
        };
        if !is_written {
            // The number of lines is part of the form, so that a comma in a value is not taken for two lines.
            values.iter().for_each(|value| escaped(value.as_bytes(), &mut variant));
        }
        variant.push(';');
    }
    variant
}

/// Writes a value after an equals sign.
fn escaped(value: &[u8], out: &mut String) {
    out.push('=');
    for byte in value.trim_ascii() {
        match byte {
            b'=' | b'%' | b';' => _ = write!(out, "%{byte:02x}"),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => _ = write!(out, "%{byte:02x}"),
        }
    }
}

/// Writes the accepted languages in their normal form, after a sign that no value begins with. Returns false if they have none.
fn accepted_languages(request: &HeaderMap, out: &mut String) -> bool {
    let lines = || request.get_all(ACCEPT_LANGUAGE).iter().map(|line| line.to_str().ok());
    if lines().any(|line| line.is_none()) {
        return false;
    }
    // Without the header any language is acceptable, as with an empty list.
    let before = out.len();
    out.push('~');
    let is_written = languages::write(lines().flatten(), out);
    if !is_written {
        out.truncate(before);
    }
    is_written
}

/// Writes the cookies that are not ignored. Returns false if all are to be written as they are.
fn other_cookies(request: &HeaderMap, ignored: &IgnoredCookies, out: &mut String) -> bool {
    let Some(others) = ignored.others(request) else { return false };
    if !others.is_empty() {
        escaped(others.join("; ").as_bytes(), out);
    }
    true
}

/// Returns whether [`variant`] distinguishes clients that accept this coding; the empty text is no coding.
pub(super) fn is_known_coding(coding: &str) -> bool {
    coding.is_empty() || CODINGS.iter().any(|known| *known != "*" && coding.eq_ignore_ascii_case(known))
}

/// Writes the acceptable codings in one order, without their weights: a response with one of them is acceptable to every client that
/// accepts the same ones. So there are few variants, however clients order and weight them.
fn codings<'a>(lines: impl Iterator<Item = &'a str>, out: &mut String) {
    let (mut accepted, mut refused) = ([false; CODINGS.len()], [false; CODINGS.len()]);
    for item in lines.flat_map(|line| line.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let coding = coding.trim();
        let Some(known) = CODINGS.iter().position(|known| coding.eq_ignore_ascii_case(known)) else { continue };
        let weight = parameters.trim().strip_prefix("q=").or_else(|| parameters.trim().strip_prefix("Q="));
        if weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)) {
            refused[known] = true;
            continue;
        }
        match CODINGS[known] {
            // Accepted unless it is refused.
            "identity" => {}
            "x-gzip" => accepted[GZIP] = true,
            _ => accepted[known] = true,
        }
    }
    let mut between = "";
    for (sign, named) in [("!", refused), ("", accepted)] {
        for (coding, _) in CODINGS.iter().zip(named).filter(|(_, is_named)| *is_named) {
            out.extend([between, sign, coding]);
            between = "+";
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn by(name: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        variant(&[name.to_owned()], &headers, &IgnoredCookies::default())
    }

    #[test]
    fn rfc9110_12_5_5_names_in_vary_are_a_set() {
        let mut headers = request(&[("vary", "Accept-Encoding, accept")]);
        headers.append(VARY, "ACCEPT".parse().unwrap());
        assert_eq!(names(&headers), ["accept", "accept-encoding"]);
        assert!(names(&HeaderMap::new()).is_empty());
        assert_eq!(variant(&[], &headers, &IgnoredCookies::default()), "");
    }

    #[test]
    fn rfc9111_4_1_requests_with_other_values_are_other_variants() {
        let all = [
            by("x", &[]),
            by("x", &[("x", "")]),
            by("x", &[("x", "a")]),
            by("x", &[("x", "A")]),
            by("x", &[("x", "a, b")]),
            by("x", &[("x", "a"), ("x", "b")]),
            by("x", &[("x", "a=b")]),
            by("x", &[("x", "a;y=b")]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other != one), "{one}");
        }
        assert_eq!(by("x", &[("x", " a ")]), by("x", &[("x", "a")]), "white space around a value");
        assert_eq!(by("x", &[("x", "a"), ("y", "1")]), by("x", &[("y", "2"), ("x", "a")]), "only what it varies by");
    }

    #[test]
    fn encodings_that_accept_the_same_codings_are_one_variant() {
        let of = |text| by("accept-encoding", &[("accept-encoding", text)]);
        for same in ["br, gzip", "gzip, br;q=0.5", "GZIP,br", "gzip, br, made-up", "x-gzip, br, identity"] {
            assert_eq!(of(same), of("gzip, br"), "{same}");
        }
        for other in ["gzip", "br", "", "gzip;q=0, br", "gzip, br, identity;q=0", "*", "gzip, br, *;q=0"] {
            assert_ne!(of(other), of("gzip, br"), "{other}");
        }
        assert_ne!(of(""), by("accept-encoding", &[]));
    }

    #[test]
    fn rfc9110_12_5_4_languages_of_one_order_are_one_variant() {
        let of = |text| by("accept-language", &[("accept-language", text)]);
        for same in ["de, en;q=0.5", "en;q=0.8,  DE", "de;q=0.9, en;q=0.1"] {
            assert_eq!(of(same), "accept-language~de>en;", "{same}");
        }
        assert_eq!(of(""), by("accept-language", &[]));
        assert_eq!(of("en;q=x"), "accept-language=en%3bq%3dx;", "a malformed value is compared as it is");
        assert_ne!(of("en, de;q=0"), of("en"), "refused");
    }

    #[test]
    fn rfc9111_4_1_ignored_cookies_make_no_variants() {
        let ignored = IgnoredCookies::new(vec!["_ga*".to_owned()]);
        let of = |line: &str| variant(&["cookie".to_owned()], &request(&[("cookie", line)]), &ignored);
        let none = variant(&["cookie".to_owned()], &HeaderMap::new(), &ignored);
        assert_eq!(of("_ga=1; _ga_X=2"), none);
        assert_eq!(of("_ga=1; theme=dark"), of("theme=dark"));
        assert_ne!(of("theme=dark"), of("theme=light"));
        assert_ne!(of("theme=dark"), none);
    }

    #[test]
    fn codings_are_written_in_one_order() {
        let of = |text| by("accept-encoding", &[("accept-encoding", text)]);
        assert_eq!(of("zstd, x-gzip, br, deflate, *"), "accept-encoding=*+br+deflate+gzip+zstd;");
        assert_eq!(of("gzip;q=0, identity;q=0.0, x-gzip ; Q=0, br"), "accept-encoding=!gzip+!identity+!x-gzip+br;");
        assert_eq!(by("accept-encoding", &[]), "accept-encoding-;");
    }

    proptest! {
        #[test]
        fn two_values_are_one_variant_only_if_they_are_equal(one in "[ -~]{0,12}", other in "[ -~]{0,12}") {
            let of = |value: &str| by("x", &[("x", value)]);
            prop_assert_eq!(of(&one) == of(&other), one.trim() == other.trim());
        }
    }
}
