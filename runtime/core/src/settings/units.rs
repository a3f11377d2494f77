//! Durations and bytes as text, written as attributes take them.

use std::time::Duration;

/// The units of a duration, each with its length in milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest duration, in milliseconds: the most that 64 bits of nanoseconds hold.
const LONGEST: u64 = u64::MAX / 1_000_000;

/// Reads `1h30m`: whole numbers, each with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let malformed =
        || format!("`\"{text}\"` is not a duration: write whole numbers with units, as `\"250ms\"` or `\"1h30m\"`");
    let (mut total, mut rest) = (Some(0_u64), text.trim());
    if rest.is_empty() {
        return Err(malformed());
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit());
        let (unit, after) = split(after, char::is_alphabetic);
        if number.is_empty() {
            return Err(malformed());
        }
        if unit.is_empty() {
            let is_whole = after.is_empty() && rest.len() == text.trim().len();
            let no_unit = || format!("`\"{text}\"` has no unit: write `\"{number}s\"`, or `{number}` for seconds");
            return Err(if is_whole { no_unit() } else { malformed() });
        }
        let Some((_, millis)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            return Err(format!("`{unit}` is not a unit of time: write one of `ms`, `s`, `m`, `h`, `d`"));
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
        total = total.zip(part).and_then(|(total, part)| total.checked_add(part));
        rest = after;
    }
    checked(total)
}

/// Reads a number of whole seconds.
pub(super) fn seconds(number: u64) -> Result<Duration, String> {
    checked(number.checked_mul(1_000))
}

fn checked(millis: Option<u64>) -> Result<Duration, String> {
    match millis {
        Some(0) => Err("this is zero: write a duration of at least `\"1ms\"`".to_owned()),
        Some(millis) if millis <= LONGEST => Ok(Duration::from_millis(millis)),
        _ => Err(format!("this is too long: write at most `\"{}d\"`", LONGEST / 86_400_000)),
    }
}

/// Reads `64MiB`: a whole number with its unit.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let units = [("KiB", 1_usize << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    let read = units.iter().find_map(|(unit, bytes)| {
        let number = text.strip_suffix(unit)?.trim_end();
        let is_number = !number.is_empty() && number.bytes().all(|letter| letter.is_ascii_digit());
        number.parse::<usize>().ok().filter(|_| is_number)?.checked_mul(*bytes)
    });
    match read {
        Some(0) => Err("this is zero, so nothing could be stored: write `\"64MiB\"`, or `enabled = false`".to_owned()),
        Some(bytes) => Ok(bytes),
        None => {
            Err(format!("`\"{text}\"` is no number of bytes in B, KiB, MiB or GiB: write `\"64MiB\"`, or `67108864`"))
        }
    }
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_attributes() {
        let millis = |text| duration(text).map(|time| time.as_millis());
        for (text, expected) in [("250ms", 250), ("1h30m", 5_400_000), (" 2d", 172_800_000), ("1m1s", 61_000)] {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("", "is not a duration"),
            ("s", "is not a duration"),
            ("1s 2", "is not a duration"),
            ("1.5s", "is not a duration"),
            ("-1s", "is not a duration"),
            ("30", "write `\"30s\"`, or `30` for seconds"),
            ("3 s", "is not a duration"),
            ("5min", "`min` is not a unit of time"),
            ("0s", "this is zero"),
            ("999999999999999999999d", "too long"),
            ("300000d", "too long: write at most `\"213503d\"`"),
        ] {
            let message = millis(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert_eq!(seconds(300), Ok(Duration::from_secs(300)));
        assert!(seconds(0).is_err() && seconds(u64::MAX).is_err());
    }

    #[test]
    fn bytes_are_read_as_in_attributes() {
        for (text, expected) in [("64MiB", 64 << 20), ("2 KiB", 2_048), ("7B", 7), ("1GiB", 1 << 30)] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "64", "64MB", "+1KiB", "1.5GiB", "0B", "99999999999999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
