//! Dates of HTTP, read as caches may read them (RFC 9111 section 4.2): whatever the case of their letters.

use std::time::SystemTime;

use http::HeaderValue;

/// Names of the days, of which two forms of a date have the first three letters only.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Parses a date in one of the three forms of RFC 9110 section 5.6.7. `None` if it is none.
pub(super) fn parse(value: &HeaderValue) -> Option<SystemTime> {
    let text = value.to_str().ok()?;
    httpdate::parse_http_date(text).ok().or_else(|| parse_leniently(text))
}

/// Parses a date with letters in another case, or with the name of another day than the date is.
fn parse_leniently(text: &str) -> Option<SystemTime> {
    let end = text.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let (day, rest) = text.split_at(end);
    let short = day.len() == 3;
    let name_of = |known: &'static str| if short { &known[..3] } else { known };
    if !DAYS.iter().any(|known| name_of(known).eq_ignore_ascii_case(day)) {
        return None;
    }
    let rest = in_usual_case(rest);
    DAYS.iter().find_map(|known| httpdate::parse_http_date(&[name_of(known), &rest].concat()).ok())
}

/// Returns the text with each word in lower case but for its first letter, and `GMT` in upper case.
fn in_usual_case(text: &str) -> String {
    let mut begins = true;
    let letters = text.chars().map(|letter| {
        let usual = if begins { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        begins = !letter.is_ascii_alphabetic();
        usual
    });
    letters.collect::<String>().replace("Gmt", "GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<SystemTime> {
        parse(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn rfc9111_4_2_dates_are_read_in_any_case_and_whatever_their_day_is_called() {
        let expected = parsed("Thu, 18 Aug 2050 02:01:18 GMT");
        assert!(expected.is_some());
        for text in [
            "THU, 18 Aug 2050 02:01:18 GMT",
            "thu, 18 aug 2050 02:01:18 gmt",
            "Thu, 18 AUG 2050 02:01:18 gMT",
            "Mon, 18 Aug 2050 02:01:18 GMT",
            "Thu Aug 18 02:01:18 2050",
            "mon aug 18 02:01:18 2050",
            "THURSDAY, 18-AUG-50 02:01:18 gmt",
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn rfc9111_5_3_texts_that_are_no_dates_are_refused() {
        for text in [
            "",
            "0",
            "-1",
            "tomorrow",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 2050 02:01:18 AEST",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            "Day, 18 Aug 2050 02:01:18 GMT",
            "Thu, 32 Aug 2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 25:01:18 GMT",
            "\u{e9}, 18 Aug 2050 02:01:18 GMT",
        ] {
            assert_eq!(HeaderValue::from_str(text).ok().and_then(|text| parse(&text)), None, "{text}");
        }
    }
}
