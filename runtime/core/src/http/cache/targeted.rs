//! Targeted cache control (RFC 9213): fields such as `CDN-Cache-Control`, dictionaries of structured fields (RFC 9651).

use http::HeaderMap;
use http::header::HeaderName;

/// Value of a directive in a targeted field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetedValue<'a> {
    /// `true`, as of a directive without a value.
    Yes,
    /// `false`: the directive does not apply.
    No,
    /// A number of seconds that is not negative, in digits.
    Seconds(&'a str),
    /// Any other value.
    Other,
}

/// Returns the directives of the first of these fields that is in the head, not empty, and well-formed. `None` if there is none, so that
/// `Cache-Control` counts.
pub(super) fn directives<'a>(
    headers: &'a HeaderMap,
    fields: &[HeaderName],
) -> Option<Vec<(&'a str, TargetedValue<'a>)>> {
    fields.iter().find_map(|field| {
        let mut members = Vec::new();
        for line in headers.get_all(field) {
            members.extend(Reader(line.to_str().ok()?).dictionary()?);
        }
        // Of two members with one key the last counts.
        let mut last = Vec::<(&str, TargetedValue<'_>)>::new();
        for (key, value) in members {
            last.retain(|(known, _)| *known != key);
            last.push((key, value));
        }
        (!last.is_empty()).then_some(last)
    })
}

/// The rest of a text that is read as a dictionary.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    /// Reads all members; `None` if the text is no dictionary.
    fn dictionary(mut self) -> Option<Vec<(&'a str, TargetedValue<'a>)>> {
        let mut members = Vec::new();
        self.0 = self.0.trim_matches(' ');
        while !self.0.is_empty() {
            let key = self.key()?;
            let value = if self.skips('=') { self.member()? } else { TargetedValue::Yes };
            self.parameters()?;
            members.push((key, value));
            self.skip_white();
            if self.0.is_empty() {
                break;
            }
            if !self.skips(',') {
                return None;
            }
            self.skip_white();
            // No comma may be the last.
            if self.0.is_empty() {
                return None;
            }
        }
        Some(members)
    }

    fn key(&mut self) -> Option<&'a str> {
        let begins = self.0.starts_with(|first: char| first.is_ascii_lowercase() || first == '*');
        begins.then(|| {
            self.take_while(|one| {
                one.is_ascii_lowercase() || one.is_ascii_digit() || matches!(one, '_' | '-' | '.' | '*')
            })
        })
    }

    /// Reads an item, or a list of items.
    fn member(&mut self) -> Option<TargetedValue<'a>> {
        if !self.skips('(') {
            return self.item();
        }
        loop {
            self.take_while(|one| one == ' ');
            if self.skips(')') {
                return Some(TargetedValue::Other);
            }
            self.item()?;
            self.parameters()?;
            if !self.0.starts_with([' ', ')']) {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<TargetedValue<'a>> {
        match self.0.chars().next()? {
            '?' => self.boolean(),
            '"' => self.quoted(1),
            '%' => self.quoted(2),
            ':' => self.bytes(),
            '@' => {
                self.skips('@');
                self.number().map(|_| TargetedValue::Other)
            }
            '-' | '0'..='9' => self.number(),
            first if first.is_ascii_alphabetic() || first == '*' => {
                self.take_while(|one| one.is_ascii_graphic() && !r#"",;()=@?<>[]{}\"#.contains(one));
                Some(TargetedValue::Other)
            }
            _ => None,
        }
    }

    fn boolean(&mut self) -> Option<TargetedValue<'a>> {
        self.skips('?');
        let value = if self.skips('1') { Some(TargetedValue::Yes) } else { None };
        value.or_else(|| self.skips('0').then_some(TargetedValue::No))
    }

    fn number(&mut self) -> Option<TargetedValue<'a>> {
        let is_negative = self.skips('-');
        let digits = self.take_while(|one| one.is_ascii_digit());
        let is_decimal = self.skips('.');
        let fraction = if is_decimal { self.take_while(|one| one.is_ascii_digit()) } else { "" };
        match (digits.len(), fraction.len()) {
            (1..=15, 0) if !is_decimal && !is_negative => Some(TargetedValue::Seconds(digits)),
            (1..=15, 0) if !is_decimal => Some(TargetedValue::Other),
            (1..=12, 1..=3) => Some(TargetedValue::Other),
            _ => None,
        }
    }

    /// Reads a text in quotation marks, which begins after so many bytes.
    fn quoted(&mut self, opening: usize) -> Option<TargetedValue<'a>> {
        let text = self.0.get(opening..)?;
        if !self.0[..opening].ends_with('"') {
            return None;
        }
        let mut escaped = false;
        for (at, one) in text.char_indices() {
            match one {
                '"' if !escaped => {
                    self.0 = &text[at + 1..];
                    return Some(TargetedValue::Other);
                }
                _ if escaped && !matches!(one, '"' | '\\') => return None,
                '\\' if opening == 1 => escaped = !escaped,
                _ => escaped = false,
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<TargetedValue<'a>> {
        self.skips(':');
        self.take_while(|one| one.is_ascii_alphanumeric() || matches!(one, '+' | '/' | '='));
        self.skips(':').then_some(TargetedValue::Other)
    }

    /// Reads the parameters of a member, which mean nothing here.
    fn parameters(&mut self) -> Option<()> {
        while self.skips(';') {
            self.take_while(|one| one == ' ');
            self.key()?;
            if self.skips('=') {
                self.item()?;
            }
        }
        Some(())
    }

    fn skip_white(&mut self) {
        self.take_while(|one| matches!(one, ' ' | '\t'));
    }

    fn skips(&mut self, expected: char) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|one| !is_part(one)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const CDN: HeaderName = HeaderName::from_static("cdn-cache-control");

    fn head(lines: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        let headers = head(&[(&CDN, text)]);
        let found = directives(&headers, &[CDN])?;
        Some(found.iter().map(|(key, value)| ((*key).to_owned(), format!("{value:?}"))).collect())
    }

    fn values(text: &str) -> String {
        read(text).map_or("none".to_owned(), |members| {
            members.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
        })
    }

    #[test]
    fn rfc9651_4_2_2_dictionaries_are_read() {
        for (text, expected) in [
            ("max-age=60", "max-age=Seconds(\"60\")"),
            ("max-age=60, no-store", "max-age=Seconds(\"60\") no-store=Yes"),
            ("no-store=?1,\t private=?0", "no-store=Yes private=No"),
            ("max-age=60;a;b=1.5 , x=\"a, \\\"b\"", "max-age=Seconds(\"60\") x=Other"),
            (
                "a=(1 b;c \"d\"), e=:YQ==:, f=@1, g=-1, h=1.5, i=token/x",
                "a=Other e=Other f=Other g=Other h=Other i=Other",
            ),
            ("max-age=5, max-age=6", "max-age=Seconds(\"6\")"),
            ("a=%\"f%c3%bc\"", "a=Other"),
            ("  a  ", "a=Yes"),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn rfc9213_2_1_a_field_that_is_no_dictionary_is_ignored() {
        for text in [
            "",
            "max-age=60, &&&&&",
            "Max-Age=60",
            "max-age =60",
            "max-age= 60",
            "a,",
            "a b",
            "a=\"x",
            "a=?2",
            "a=1.",
            "a=1234567890123456",
            "a=(1",
            "a=(1\"b\")",
            "a=:x",
            "a=",
            ",a",
            "a=\"\\x\"",
            "a;=1",
            "a;",
            "a=%x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn rfc9213_2_2_the_first_field_of_the_list_that_can_be_used_counts() {
        let fields = [HeaderName::from_static("shop-cache-control"), CDN];
        let age = |lines: &[(&HeaderName, &str)]| {
            let headers = head(lines);
            directives(&headers, &fields).map(|members| format!("{members:?}"))
        };
        let both = age(&[(&CDN, "max-age=1"), (&fields[0], "max-age=2")]).unwrap();
        assert!(both.contains("\"2\""), "{both}");
        let broken = age(&[(&CDN, "max-age=1"), (&fields[0], "max-age=2,")]).unwrap();
        assert!(broken.contains("\"1\""), "{broken}");
        let lines = age(&[(&CDN, "max-age=1"), (&CDN, "private")]).unwrap();
        assert!(lines.contains("private") && lines.contains("\"1\""), "lines are one dictionary: {lines}");
        assert_eq!(age(&[]), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~]{0,40}") {
            read(&text);
        }
    }
}
