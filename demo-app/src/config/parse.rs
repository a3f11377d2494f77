//! Values of variables from their text, and what was expected where the text has none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use super::environment::Environment;
use super::secret::{Secret, Url};

pub(super) const ENVIRONMENT: &str = "development, production or test";
pub(super) const HOST: &str = "an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost";
pub(super) const ADMIN: &str = "an IP address and a port, such as 127.0.0.1:3001";
pub(super) const TOKEN: &str =
    "16 to 256 letters, digits or any of -._~+/=, such as what `openssl rand -hex 32` prints";
#[cfg(feature = "servers")]
pub(super) const MONGODB: &str = "mongodb://[user:password@]host[:port][/database]";
pub(super) const LOG: &str = "log directives such as info or demo_app=debug,tower_http=warn";
pub(super) const FLAG: &str = "true or false";
pub(super) const LATENCY: &str = "milliseconds from 0 to 10000";
pub(super) const SUPPLIER: &str = "the start of an address, such as http://ratings.example:4000";
pub(super) const THRESHOLD: &str = "milliseconds from 1 to 3600000";
pub(super) const LEVEL: &str = "a whole number from 0 (no compression) to 9 (smallest)";
pub(super) const BYTES: &str = "bytes, such as 1048576, 512KiB, 10MiB or 2GiB";
pub(super) const COUNT: &str = "a whole number from 1 to 1000000";
pub(super) const SPAN: &str = "a time such as 500ms, 30s or 2m, above zero";
pub(super) const DELAY: &str = "a time such as 0s, 500ms, 30s or 2m";

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

pub(super) fn latency(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|ms| *ms <= 10_000).map(Duration::from_millis)
}

pub(super) fn threshold(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|ms| (1..=3_600_000).contains(ms)).map(Duration::from_millis)
}

pub(super) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| (1..=1_000_000).contains(count))
}

pub(super) fn level(text: &str) -> Option<u32> {
    text.parse().ok().filter(|level| *level <= 9)
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
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
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

fn number_and_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}
