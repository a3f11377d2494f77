//! Tests of the settings: every variable, every fault, and where control endpoints stand.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Config, ConfigError, Control, Environment, hints, variables};

fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_vars(|name| variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned()))
}

fn names(variables: &[(&str, &str)]) -> BTreeSet<String> {
    variables.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn all_but(left_out: &[&str]) -> BTreeSet<String> {
    variables().map(|variable| variable.name.to_owned()).filter(|name| !left_out.contains(&name.as_str())).collect()
}

#[test]
fn nothing_set_is_the_default() {
    let config = config(&[]).expect("defaults");
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let config = config(&[("PORT", ""), ("SEED", ""), ("REDIS_URL", "")]).expect("defaults");
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
}

#[cfg(feature = "servers")]
#[test]
fn every_variable_is_understood() {
    let secret = "5ec4e75e".repeat(8);
    let keyring = format!("names={secret} 2026-12={secret}");
    let variables = [
        ("HOST", "::1"),
        ("PORT", "8080"),
        ("ADMIN_ADDR", "[::1]:8081"),
        ("ADMIN_TOKEN", "s3cret-0123456789"),
        ("RUST_LOG", "demo_app=debug,tower_http=warn"),
        ("SEED", "False"),
        ("STORE_LATENCY_MS", "0"),
        ("REDIS_URL", "redis://:secret@one:7000, redis://two:7000"),
        ("REDIS_MODE", "sentinel"),
        ("REDIS_MASTER", "shop"),
        ("MONGODB_URI", "mongodb://me:secret@one,two/shop"),
        ("SUPPLIER_URL", "http://me:secret@ratings.example:4000/"),
        ("REDIS_POOL_SIZE", "4"),
        ("REDIS_KEYRING", &keyring),
        ("APP_ENV", "production"),
        ("ENABLE_PROFILING", "on"),
        ("SLOW_QUERY_THRESHOLD", "250"),
        ("COMPRESSION_LEVEL", "9"),
        ("MEMORY_LIMIT", "512MiB"),
        ("BODY_LIMIT", "64 KB"),
        ("BODY_MEMORY", "8MiB"),
        ("BODY_TIMEOUT", "7s"),
        ("REQUEST_TIMEOUT", "500ms"),
        ("SHUTDOWN_DELAY", "0s"),
        ("DRAIN_TIMEOUT", "2m"),
        ("RATE_LIMIT", "50"),
        ("HEADER_TIMEOUT", "3s"),
        ("WRITE_TIMEOUT", "4s"),
        ("MAX_CONNECTIONS", "200"),
        ("MAX_CONNECTIONS_PER_PEER", "20"),
        ("MEMORY_RESTART_AFTER", "0s"),
    ];
    assert_eq!(names(&variables), all_but(&["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB"]));
    let config = config(&variables).expect("good values");
    assert_eq!(config.listen.to_string(), "[::1]:8080");
    assert_eq!(config.log, "demo_app=debug,tower_http=warn");
    assert!(!config.seed);
    assert_eq!(config.store_latency, Duration::ZERO);
    let shown = format!("{config:?}");
    assert!(config.mongodb.is_some() && !shown.contains("secret") && !shown.contains("s3cret"), "{shown}");
    let supplier = config.supplier_url.as_ref().expect("an address");
    assert_eq!(supplier.expose(), "http://me:secret@ratings.example:4000");
    assert_eq!(supplier.to_string(), "http://***@ratings.example:4000");
    assert_eq!(config.admin_addr.map(|address| address.to_string()).as_deref(), Some("[::1]:8081"));
    assert!(matches!(config.control(), Control::Private(_, Some(token)) if token.expose() == "s3cret-0123456789"));
    assert_eq!(config.environment, Environment::Production);
    assert!(config.enable_profiling);
    assert_eq!(config.slow_query_threshold, Duration::from_millis(250));
    assert_eq!((config.compression_level, config.memory_limit, config.body_limit), (9, Some(512 << 20), 64 << 10));
    assert_eq!((config.body_memory, config.body_timeout), (8 << 20, Duration::from_secs(7)));
    assert_eq!(config.request_timeout, Duration::from_millis(500));
    assert_eq!((config.shutdown_delay, config.drain), (Duration::ZERO, Duration::from_secs(120)));
    assert_eq!(config.rate_limit.map(NonZeroU32::get), Some(50));
    assert_eq!((config.header_timeout, config.write_timeout), (Duration::from_secs(3), Duration::from_secs(4)));
    assert_eq!(config.memory_restart_after, Duration::ZERO);
    assert_eq!((config.max_connections, config.max_connections_per_peer), (200, 20));
    let redis = format!("{:?}", config.redis);
    assert!(redis.contains("shop of sentinel one:7000,two:7000") && !redis.contains("secret"), "{redis}");
    assert!(!shown.contains("5ec4e7"), "{shown}");
}

#[cfg(feature = "servers")]
#[test]
fn every_bad_variable_is_reported_at_once() {
    let variables = [
        ("APP_ENV", "staging"),
        ("HOST", "my machine"),
        ("PORT", "65536"),
        ("ADMIN_ADDR", "3001"),
        ("ADMIN_TOKEN", "s3cret"),
        ("RUST_LOG", "demo_app=loud"),
        ("SEED", "maybe"),
        ("STORE_LATENCY_MS", "-1"),
        ("REDIS_MODE", "twins"),
        ("REDIS_URL", "http://:secret@host"),
        ("MONGODB_URI", "postgres://me:secret@host"),
        ("SUPPLIER_URL", "ratings.example"),
        ("REDIS_POOL_SIZE", "0"),
        ("REDIS_KEYRING", "names=secret"),
        ("ENABLE_PROFILING", "2"),
        ("SLOW_QUERY_THRESHOLD", "0"),
        ("COMPRESSION_LEVEL", "10"),
        ("MEMORY_LIMIT", "1 TB"),
        ("BODY_LIMIT", "0"),
        ("BODY_MEMORY", "much"),
        ("BODY_TIMEOUT", "0s"),
        ("REQUEST_TIMEOUT", "0s"),
        ("SHUTDOWN_DELAY", "5"),
        ("DRAIN_TIMEOUT", "25h"),
        ("RATE_LIMIT", "0"),
        ("HEADER_TIMEOUT", "0s"),
        ("WRITE_TIMEOUT", "0s"),
        ("MAX_CONNECTIONS", "0"),
        ("MAX_CONNECTIONS_PER_PEER", "many"),
        ("MEMORY_RESTART_AFTER", "soon"),
    ];
    let parts = ["REDIS_MASTER", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB"];
    assert_eq!(names(&variables), all_but(&parts), "the parts of an address have a test of their own");
    let error = config(&variables).expect_err("all are bad").to_string();
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "APP_ENV is `staging`; expected development, production or test",
            "PORT is `65536`; expected a port number from 0 to 65535",
            "HOST is `my machine`; expected an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost",
            "ADMIN_ADDR is `3001`; expected an IP address and a port, such as 127.0.0.1:3001",
            "ADMIN_TOKEN is not understood; expected 16 to 256 letters, digits or any of -._~+/=, such as what `openssl rand \
             -hex 32` prints",
            "RUST_LOG is `demo_app=loud`; expected log directives such as info or demo_app=debug,tower_http=warn",
            "SEED is `maybe`; expected true or false",
            "STORE_LATENCY_MS is `-1`; expected milliseconds from 0 to 10000",
            "REDIS_MODE is `twins`; expected single, sentinel or cluster",
            "REDIS_POOL_SIZE is `0`; expected a number of connections from 1 to 64",
            "REDIS_KEYRING is not understood; expected names=SECRET ID=SECRET, each secret 64 hexadecimal digits as `openssl rand -hex 32` prints them",
            "REDIS_URL is not understood; expected redis://[user][:password@]host[:port][/database], several with commas \
             between for sentinel and cluster",
            "MONGODB_URI is not understood; expected mongodb://[user:password@]host[:port][/database]",
            "SUPPLIER_URL is not understood; expected the start of an address, such as http://ratings.example:4000",
            "ENABLE_PROFILING is `2`; expected true or false",
            "SLOW_QUERY_THRESHOLD is `0`; expected milliseconds from 1 to 3600000",
            "COMPRESSION_LEVEL is `10`; expected a whole number from 0 (no compression) to 9 (smallest)",
            "MEMORY_LIMIT is `1 TB`; expected bytes, such as 1048576, 512KiB, 10MiB or 2GiB",
            "BODY_LIMIT is `0`; expected bytes, such as 1048576, 512KiB, 10MiB or 2GiB",
            "BODY_MEMORY is `much`; expected bytes, such as 1048576, 512KiB, 10MiB or 2GiB",
            "BODY_TIMEOUT is `0s`; expected a time such as 500ms, 30s or 2m, above zero",
            "REQUEST_TIMEOUT is `0s`; expected a time such as 500ms, 30s or 2m, above zero",
            "RATE_LIMIT is `0`; expected a whole number from 1, of requests a second",
            "HEADER_TIMEOUT is `0s`; expected a time such as 500ms, 30s or 2m, above zero",
            "WRITE_TIMEOUT is `0s`; expected a time such as 500ms, 30s or 2m, above zero",
            "MAX_CONNECTIONS is `0`; expected a whole number from 1 to 1000000",
            "MAX_CONNECTIONS_PER_PEER is `many`; expected a whole number from 1 to 1000000",
            "MEMORY_RESTART_AFTER is `soon`; expected a time such as 0s, 500ms, 30s or 2m",
            "SHUTDOWN_DELAY is `5`; expected a time such as 0s, 500ms, 30s or 2m",
            "DRAIN_TIMEOUT is `25h`; expected a time such as 0s, 500ms, 30s or 2m",
        ]
    );
}

#[cfg(feature = "servers")]
#[test]
fn redis_can_be_given_in_parts() {
    let parts = [("REDIS_HOST", "one"), ("REDIS_PORT", "7000"), ("REDIS_PASSWORD", "s3c:r@t/#?"), ("REDIS_DB", "3")];
    let redis = format!("{:?}", config(&parts).expect("good parts").redis.expect("a server"));
    assert!(redis.contains("one:7000") && !redis.contains("s3c"), "{redis}");
    let redis = config(&[("REDIS_HOST", "::1")]).expect("an address").redis.expect("a server");
    assert!(format!("{redis:?}").contains("::1"), "{redis:?}");
}

#[cfg(feature = "servers")]
#[test]
fn redis_is_given_in_one_way() {
    let both = [("REDIS_URL", "redis://:s3cret@one"), ("REDIS_HOST", "one"), ("REDIS_PASSWORD", "s3cret")];
    assert_eq!(
        config(&both).expect_err("twice").to_string(),
        "REDIS_URL and REDIS_HOST, REDIS_PASSWORD are both set; drop REDIS_HOST, REDIS_PASSWORD, or drop REDIS_URL"
    );
    let hostless = [("REDIS_PASSWORD", "s3cret"), ("REDIS_PORT", "tcp://10.0.0.1:6379")];
    assert_eq!(
        config(&hostless).expect_err("no host").to_string().lines().collect::<Vec<_>>(),
        [
            "REDIS_PORT is `tcp://10.0.0.1:6379`; expected a port number from 1 to 65535",
            "REDIS_HOST is not set, but other parts of the address are; set it, or REDIS_URL",
        ]
    );
    let cluster = [("REDIS_MODE", "cluster"), ("REDIS_HOST", "one"), ("REDIS_DB", "2")];
    assert_eq!(
        config(&cluster).expect_err("no such database").to_string(),
        "REDIS_DB is `2`; a cluster has database 0 alone"
    );
}

/// A deployment whose address is misspelt would store nothing encrypted, and say nothing.
#[cfg(feature = "servers")]
#[test]
fn a_keyring_without_redis_is_a_fault() {
    let secret = "5ec4e75e".repeat(8);
    let keyring = format!("names={secret} 2026-12={secret}");
    let error = config(&[("REDIS_KEYRING", &keyring), ("REDIS_URL", "")]).expect_err("nothing to encrypt").to_string();
    assert_eq!(
        error,
        "REDIS_KEYRING is set, and there is no Redis whose values it would encrypt; set REDIS_URL or REDIS_HOST, or unset it"
    );
}

#[test]
fn the_environment_decides_what_is_not_set() {
    let of = |environment| config(&[("APP_ENV", environment)]).expect("a good environment");
    let production = of("production");
    assert!(!production.seed && production.shutdown_delay == Duration::from_secs(5));
    assert_eq!(of("test").log, "warn");
    let set = config(&[("APP_ENV", "production"), ("SEED", "true"), ("SHUTDOWN_DELAY", "1s")]).expect("good values");
    assert!(set.seed && set.shutdown_delay == Duration::from_secs(1), "what is set wins");
}

#[test]
fn misspelt_names_are_hinted_at() {
    let given =
        ["REDIS_ULR", "MONGODB_URL", "REDIS_URL", "PATH", "HOSTNAME", "CARGO_HOME", "COMPRESSION_LEVLE", "LC_ALL"];
    assert_eq!(
        hints(given.map(str::to_owned)),
        [
            "COMPRESSION_LEVLE is not known; did you mean COMPRESSION_LEVEL?",
            "MONGODB_URL is not known; did you mean MONGODB_URI?",
            "REDIS_ULR is not known; did you mean REDIS_URL?",
        ]
    );
}

#[cfg(feature = "servers")]
#[test]
fn the_list_of_variables_is_what_is_read() {
    let asked = std::cell::RefCell::new(BTreeSet::new());
    Config::from_vars(|name| {
        asked.borrow_mut().insert(name.to_owned());
        // Else the other parts are not asked for.
        (name == "REDIS_HOST").then(|| "one".to_owned())
    })
    .expect("defaults");
    assert_eq!(asked.into_inner(), all_but(&[]));
}

#[test]
fn control_endpoints_stand_where_the_settings_say_and_never_open_to_others() {
    let of = |variables: &[(&str, &str)]| format!("{:?}", config(variables).expect("good values").control());
    let token = ("ADMIN_TOKEN", "0123456789abcdef");
    assert_eq!(of(&[]), "Open");
    assert_eq!(of(&[("HOST", "::1")]), "Open");
    assert_eq!(of(&[("HOST", "0.0.0.0")]), "Closed");
    assert_eq!(of(&[("APP_ENV", "production")]), "Closed");
    assert_eq!(of(&[token]), "Token(***)");
    assert_eq!(of(&[("HOST", "0.0.0.0"), token]), "Token(***)");
    assert_eq!(of(&[("HOST", "0.0.0.0"), ("ADMIN_ADDR", "localhost:0")]), "Private(127.0.0.1:0, None)");
    assert_eq!(of(&[("ADMIN_ADDR", "0.0.0.0:3001"), token]), "Private(0.0.0.0:3001, Some(***))");
    assert_eq!(
        config(&[("ADMIN_ADDR", "0.0.0.0:3001")]).expect_err("open to all").to_string(),
        "ADMIN_ADDR is `0.0.0.0:3001`, which others can reach, and ADMIN_TOKEN is not set; set ADMIN_TOKEN, or take an address \
         such as 127.0.0.1:3001"
    );
}

#[cfg(feature = "servers")]
#[test]
fn no_fault_repeats_a_password() {
    let variables = [
        ("HOST", "tcp://me:s3cret@one"),
        ("ADMIN_ADDR", "http://me:s3c@ret@one:3001"),
        ("ADMIN_TOKEN", "s3cret s3cret s3cret"),
        ("REDIS_HOST", "redis://:s3cret@one"),
        ("REDIS_PORT", "tcp://:s3cret@one:6379"),
        ("MONGODB_URI", "me:s3cret@one"),
        ("SUPPLIER_URL", "https://me:s3cret@one"),
    ];
    let error = config(&variables).expect_err("all are bad");
    assert_eq!(error.to_string().lines().count(), variables.len(), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3c"), "{error}");
    assert!(error.to_string().contains("REDIS_HOST is `redis://***@one`; expected"), "{error}");
}

#[cfg(not(feature = "servers"))]
#[test]
fn a_server_without_its_driver_is_named_with_what_to_run() {
    let named = [
        ("MONGODB_URI", "mongodb://me:s3cret@host"),
        ("REDIS_URL", ""),
        ("REDIS_DB", "1"),
        ("REDIS_HOST", "host"),
        ("REDIS_KEYRING", "names=s3cret"),
    ];
    let refusal =
        |what| format!("{what}, and this build has no driver for it: run `cargo run --features servers`, or unset it");
    assert_eq!(
        config(&named).expect_err("no drivers").to_string().lines().collect::<Vec<_>>(),
        ["MONGODB_URI names a server", "REDIS_HOST names a server", "REDIS_KEYRING encrypts the values of a server"]
            .map(refusal)
    );
}
