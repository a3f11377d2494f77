//! Values of variables from their text.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use super::secret::{Secret, Url};

/// `APP_ENV`: where this server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Logs for people.
    Development,
    /// Logs as JSON, one object a line; the embedded store starts empty; stops five seconds after the signal, see
    /// [`Config::shutdown_delay`](super::Config::shutdown_delay).
    Production,
    /// Logs only what goes wrong.
    Test,
}

pub(super) fn environment(text: &str) -> Option<Environment> {
    match text {
        "development" => Some(Environment::Development),
        "production" => Some(Environment::Production),
        "test" => Some(Environment::Test),
        _ => None,
    }
}

pub(super) fn host(text: &str) -> Option<IpAddr> {
    if text == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { text.parse().ok() }
}

pub(super) fn log(text: &str) -> Option<String> {
    text.parse::<Targets>().ok().map(|_| text.to_owned())
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A number in `range`.
pub(super) fn within<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| range.contains(number))
}

pub(super) fn millis(text: &str, range: RangeInclusive<u64>) -> Option<Duration> {
    within(text, range).map(Duration::from_millis)
}

pub(super) fn admin(text: &str) -> Option<SocketAddr> {
    text.replacen("localhost", "127.0.0.1", 1).parse().ok()
}

/// The characters that RFC 6750 allows after `Bearer`.
pub(super) fn token(text: &str) -> Option<Secret> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    ((16..=256).contains(&text.len()) && text.bytes().all(allowed)).then(|| Secret::new(text))
}

/// Only the beginning is looked at: the driver reads the rest.
#[cfg(feature = "servers")]
pub(super) fn mongodb(text: &str) -> Option<Secret> {
    (text.starts_with("mongodb://") || text.starts_with("mongodb+srv://")).then(|| Secret::new(text))
}

pub(super) fn supplier(text: &str) -> Option<Url> {
    let host = text.strip_prefix("http://")?.trim_end_matches('/');
    (!host.is_empty() && !host.contains(['?', '#', ' '])).then(|| Url::from(format!("http://{host}")))
}

/// A number of bytes above zero, with or without a unit. KB, MB and GB mean the same as KiB, MiB and GiB.
pub(super) fn bytes<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let (number, unit) = number_and_unit(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    T::try_from(number.parse::<u64>().ok()?.checked_mul(1 << shift).filter(|bytes| *bytes > 0)?).ok()
}

/// A time with its unit, at most a day.
pub(super) fn span(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    let millis = number.parse::<u64>().ok()?.checked_mul(millis)?;
    (millis <= 86_400_000).then(|| Duration::from_millis(millis))
}

/// The same, above zero.
pub(super) fn time(text: &str) -> Option<Duration> {
    span(text).filter(|time| !time.is_zero())
}

fn number_and_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}
