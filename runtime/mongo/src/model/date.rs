//! Dates as text, read at compile time.

/// Reads an RFC 3339 date, such as `2024-01-31T12:00:00.5+01:00`, or a day alone, which begins at midnight UTC. Returns the milliseconds
/// since 1970; `None` for any other text.
pub(super) const fn read(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    let day = match (number(text, 0, 4), number(text, 5, 2), number(text, 8, 2)) {
        (Some(year), Some(month), Some(day)) if is(text, 4, b'-') && is(text, 7, b'-') => {
            match days(year, month, day) {
                Some(days) => days * 86_400_000,
                None => return None,
            }
        }
        _ => return None,
    };
    if text.len() == 10 {
        return Some(day);
    }
    let (Some(hour @ 0..=23), Some(minute @ 0..=59), Some(second @ 0..=59)) =
        (number(text, 11, 2), number(text, 14, 2), number(text, 17, 2))
    else {
        return None;
    };
    if !((is(text, 10, b'T') || is(text, 10, b' ')) && is(text, 13, b':') && is(text, 16, b':')) {
        return None;
    }
    let Some((millis, at)) = fraction(text) else { return None };
    match offset(text, at) {
        Some(offset) => Some(day + ((hour * 60 + minute - offset) * 60 + second) * 1_000 + millis),
        None => None,
    }
}

const fn is(text: &[u8], at: usize, expected: u8) -> bool {
    at < text.len() && text[at] == expected
}

/// Reads this many digits.
const fn number(text: &[u8], from: usize, digits: usize) -> Option<i64> {
    let (mut at, mut number) = (from, 0);
    while at < from + digits {
        if at >= text.len() || !text[at].is_ascii_digit() {
            return None;
        }
        number = number * 10 + (text[at] - b'0') as i64;
        at += 1;
    }
    Some(number)
}

/// Reads the fraction of a second behind its 19 characters, and returns the position behind it. Digits below milliseconds are dropped.
const fn fraction(text: &[u8]) -> Option<(i64, usize)> {
    if !is(text, 19, b'.') {
        return Some((0, 19));
    }
    let (mut at, mut millis, mut weight) = (20, 0, 100);
    while at < text.len() && text[at].is_ascii_digit() {
        millis += (text[at] - b'0') as i64 * weight;
        weight /= 10;
        at += 1;
    }
    if at == 20 { None } else { Some((millis, at)) }
}

/// Reads `Z` or an offset from UTC at the end of the text, in minutes.
const fn offset(text: &[u8], at: usize) -> Option<i64> {
    if is(text, at, b'Z') && text.len() == at + 1 {
        return Some(0);
    }
    if text.len() != at + 6 || !is(text, at + 3, b':') {
        return None;
    }
    match (number(text, at + 1, 2), number(text, at + 4, 2)) {
        (Some(hours @ 0..=23), Some(minutes @ 0..=59)) if text[at] == b'+' => Some(hours * 60 + minutes),
        (Some(hours @ 0..=23), Some(minutes @ 0..=59)) if text[at] == b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

/// Returns the days since 1970; `None` for a day that no calendar has.
const fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // The year is taken to begin in March, so that a leap day is its last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_date_is_read_as_the_driver_reads_it() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999Z",
            "2000-03-01T00:00:00+01:30",
            "1999-12-31T12:34:56.5-11:00",
            "2100-02-28T00:00:00.123456Z",
            "1600-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            let expected = bson::DateTime::parse_rfc3339_str(text).unwrap().timestamp_millis();
            assert_eq!(read(text), Some(expected), "{text}");
        }
        assert_eq!(read("2024-02-29"), read("2024-02-29T00:00:00Z"));
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "now",
            "2024",
            "2024-13-01",
            "2023-02-29",
            "2024-01-00",
            "2024-01-01T",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00+01:60",
            "01-01-2024T00:00:00Z",
            "2024/01/01",
            "2024-01-01x00:00:00Z",
            "é024-01-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
