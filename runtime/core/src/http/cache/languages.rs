//! `Accept-Language` in a normal form (RFC 9110 section 12.5.4).

/// Writes the languages in the order of their weights, those of one weight in alphabetical order: `da>de+en>!fr`. A response with a
/// language is as good for every client with the same order. Returns false, with nothing written, if a line is malformed.
pub(super) fn write<'a>(lines: impl Iterator<Item = &'a str>, out: &mut String) -> bool {
    let mut languages = Vec::with_capacity(8);
    for item in lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty()) {
        let (range, parameters) = item.split_once(';').map_or((item, None), |(range, rest)| (range.trim(), Some(rest)));
        let is_range = range.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*'));
        let weight = parameters.map_or(Some(1_000), weight);
        match weight {
            Some(weight) if is_range && !range.is_empty() => languages.push((weight, range)),
            _ => return false,
        }
    }
    let letters = |range: &'a str| range.bytes().map(|byte| byte.to_ascii_lowercase());
    languages.sort_unstable_by(|&(weight, range), &(other, second)| {
        other.cmp(&weight).then_with(|| letters(range).cmp(letters(second)))
    });
    languages.dedup_by(|one, other| one.0 == other.0 && one.1.eq_ignore_ascii_case(other.1));
    let mut last = None;
    for (weight, range) in languages {
        out.push_str(last.map_or("", |last| if last == weight { "+" } else { ">" }));
        out.push_str(if weight == 0 { "!" } else { "" });
        out.extend(letters(range).map(char::from));
        last = Some(weight);
    }
    true
}

/// Parses a weight, in thousandths.
fn weight(parameter: &str) -> Option<u16> {
    let parameter = parameter.trim();
    let text = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain([b'0'; 3]).take(3);
    let thousandths = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(lines: &[&str]) -> Option<String> {
        let mut out = String::new();
        write(lines.iter().copied(), &mut out).then_some(out)
    }

    #[test]
    fn rfc9110_12_5_4_languages_are_compared_by_their_order_of_preference() {
        for (line, expected) in [
            ("en", "en"),
            ("", ""),
            ("en-GB, en;q=0.9, *;q=0.1", "en-gb>en>*"),
            ("EN;q=0.8,de", "de>en"),
            (" de ; q=1.000 ,en;q=0.5,, fr;q=0.50", "de>en+fr"),
            ("en, de", "de+en"),
            ("en, en", "en"),
            ("fr;q=0, en;Q=0.001", "en>!fr"),
            ("a;q=0,b;q=0", "!a+!b"),
        ] {
            assert_eq!(normal(&[line]).as_deref(), Some(expected), "{line}");
        }
        assert_eq!(normal(&["en", "de;q=0.1"]), normal(&["en, de;q=0.1"]), "lines are one list");
    }

    #[test]
    fn malformed_lines_have_no_normal_form() {
        for line in
            ["en;q=2", "en;q=", "en;q=1.001", "en;q=0.1234", "en;x=1", "e n", "en;q=0.x", "=", ";q=1", "en;q=-1"]
        {
            assert_eq!(normal(&[line]), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_form_begins_with_the_most_wanted_language(line in "[a-c]{1,2}(;q=0\\.[0-9]{1,3})?(,[a-c]{1,2}(;q=0\\.[0-9]{1,3})?){0,3}") {
            let best = line.split(',').map(|item| {
                item.split_once(";q=").map_or((1.0, item), |(range, weight)| (weight.parse::<f64>().unwrap(), range))
            });
            let most = best.clone().map(|(weight, _)| weight).fold(0.0, f64::max);
            let form = normal(&[&line]).unwrap();
            let first = form.split(['+', '>']).next().unwrap().trim_start_matches('!').to_owned();
            prop_assert!(best.filter(|(weight, _)| *weight >= most).any(|(_, range)| range == first), "{line}: {form}");
        }
    }
}
