//! Address of Redis: one text, or the parts of one. It may hold a password, so no message repeats it.

use fastness::Redis;
use fastness::tier::Keyring;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::parse::within;
use super::reader::Reader;

const PARTS: [&str; 4] = ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB"];

pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Redis> {
    let mode = |text: &str| ["single", "sentinel", "cluster"].into_iter().find(|mode| *mode == text);
    let mode = reader.or_default("REDIS_MODE", mode);
    let master = reader.or_default("REDIS_MASTER", |text| Some(text.to_owned()));
    let connections = reader.or_default("REDIS_POOL_SIZE", |text| within(text, 1..=64));
    let keyring = reader.read("REDIS_KEYRING", |text| text.parse::<Keyring>().ok());
    let parts: Vec<_> = PARTS.into_iter().filter(|name| reader.text(name).is_some()).collect();
    let address = if parts.is_empty() { None } else { from_parts(reader, mode == "cluster") };
    if reader.text("REDIS_URL").is_some() && !parts.is_empty() {
        let set = parts.join(", ");
        reader.fault(format!("REDIS_URL and {set} are both set; drop {set}, or drop REDIS_URL"));
        return None;
    }
    if reader.text("REDIS_KEYRING").is_some() && reader.text("REDIS_URL").is_none() && parts.is_empty() {
        let fault = "REDIS_KEYRING is set, and there is no Redis whose values it would encrypt; set REDIS_URL or REDIS_HOST, or unset it";
        reader.fault(fault.to_owned());
    }
    let parse = |urls: &str| {
        let list = urls.split(',').map(str::trim);
        let redis = match mode {
            "sentinel" => Redis::sentinel(list, &master),
            "cluster" => Redis::cluster(list),
            _ => Redis::single(urls),
        };
        let redis = redis.ok()?.connections(connections);
        Some(match &keyring {
            Some(keyring) => redis.encrypt(keyring.clone()),
            None => redis,
        })
    };
    address.and_then(|address| parse(&address)).or_else(|| reader.read("REDIS_URL", parse))
}

/// The address that the parts make, of which one is set.
fn from_parts<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>, is_cluster: bool) -> Option<String> {
    let host = reader.read("REDIS_HOST", host);
    let port = reader.or_default("REDIS_PORT", |text| within(text, 1..=u16::MAX));
    let database = reader.or_default("REDIS_DB", |text| within(text, 0..=u16::MAX));
    if reader.text("REDIS_HOST").is_none() {
        reader.fault("REDIS_HOST is not set, but other parts of the address are; set it, or REDIS_URL".to_owned());
    }
    if is_cluster && database != 0 {
        reader.fault(format!("REDIS_DB is `{database}`; a cluster has database 0 alone"));
    }
    let password = reader.text("REDIS_PASSWORD");
    let user = password.map(|password| format!(":{}@", utf8_percent_encode(&password, NON_ALPHANUMERIC)));
    Some(format!("redis://{}{}:{port}/{database}", user.unwrap_or_default(), host?))
}

fn host(text: &str) -> Option<String> {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(format!("[{text}]"));
    }
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)).then(|| text.to_owned())
}
