//! Address of Redis: one text, or the parts of one.

use fastness::Redis;

use super::reader::Reader;

const REDIS: &str =
    "redis://[user][:password@]host[:port][/database], several with commas between for sentinel and cluster";
const MODE: &str = "single, sentinel or cluster";
const PARTS: [&str; 4] = ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Single,
    Sentinel,
    Cluster,
}

fn mode(text: &str) -> Option<Mode> {
    match text {
        "single" => Some(Mode::Single),
        "sentinel" => Some(Mode::Sentinel),
        "cluster" => Some(Mode::Cluster),
        _ => None,
    }
}

/// The addresses may hold a password, so no message repeats them.
pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Redis> {
    let mode = reader.read("REDIS_MODE", MODE, mode).unwrap_or(Mode::Single);
    let master = reader.text("REDIS_MASTER");
    let connections = reader.read("REDIS_POOL_SIZE", "a number of connections from 1 to 64", |text| {
        text.parse().ok().filter(|connections| (1..=64).contains(connections))
    });
    let parts = from_parts(reader, mode);
    let urls = match (reader.text("REDIS_URL"), parts) {
        (Some(_), Some(_)) => {
            let set: Vec<_> = PARTS.into_iter().filter(|name| reader.text(name).is_some()).collect();
            let set = set.join(", ");
            reader.fault(format!("REDIS_URL and {set} are both set; drop {set}, or drop REDIS_URL"));
            return None;
        }
        (Some(urls), None) => urls,
        (None, parts) => parts??,
    };
    let mut list = urls.split(',').map(str::trim);
    let redis = match mode {
        Mode::Single => Redis::single(&urls),
        Mode::Sentinel => Redis::sentinel(list.by_ref(), master.as_deref().unwrap_or("mymaster")),
        Mode::Cluster => Redis::cluster(list.by_ref()),
    };
    let fault = format!("REDIS_URL is not understood; expected {REDIS}");
    let redis = redis.map_err(|_| reader.fault(fault)).ok()?;
    Some(match connections {
        Some(connections) => redis.connections(connections),
        None => redis,
    })
}

/// Reads an address from its parts: `None` if no part is set, `Some(None)` if one of them is wrong.
#[expect(clippy::option_option, reason = "what is set and wrong is not what is not set")]
fn from_parts<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>, mode: Mode) -> Option<Option<String>> {
    if PARTS.iter().all(|name| reader.text(name).is_none()) {
        return None;
    }
    let host = reader.read("REDIS_HOST", "a host name or an IP address", host);
    let port = reader
        .read("REDIS_PORT", "a port number from 1 to 65535", |text| text.parse::<u16>().ok().filter(|port| *port > 0));
    let database =
        reader.read("REDIS_DB", "a whole number from 0", |text| text.parse::<u16>().ok()).unwrap_or_default();
    if reader.text("REDIS_HOST").is_none() {
        reader.fault("REDIS_HOST is not set, but other parts of the address are; set it, or REDIS_URL".to_owned());
    }
    if mode == Mode::Cluster && database != 0 {
        reader.fault(format!("REDIS_DB is `{database}`; a cluster has database 0 alone"));
    }
    let user = reader.text("REDIS_PASSWORD").map(|password| format!(":{}@", escaped(&password))).unwrap_or_default();
    Some(host.map(|host| format!("redis://{user}{host}:{}/{database}", port.unwrap_or(6379))))
}

fn host(text: &str) -> Option<String> {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(format!("[{text}]"));
    }
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)).then(|| text.to_owned())
}

/// The password as a URL needs it.
fn escaped(password: &str) -> String {
    use std::fmt::Write as _;
    password.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to a string");
        }
        escaped
    })
}
