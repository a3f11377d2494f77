use std::time::Duration;

use super::{Config, ConfigError};

fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_vars(|name| variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned()))
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

#[test]
fn every_variable_is_understood() {
    let variables = [
        ("HOST", "::1"),
        ("PORT", "8080"),
        ("RUST_LOG", "demo_app=debug,tower_http=warn"),
        ("SEED", "False"),
        ("STORE_LATENCY_MS", "0"),
        ("REDIS_URL", "redis://:secret@one:7000, redis://two:7000"),
        ("REDIS_MODE", "sentinel"),
        ("REDIS_MASTER", "shop"),
        ("MONGODB_URI", "mongodb://me:secret@one,two/shop"),
        ("SUPPLIER_URL", "http://ratings.example:4000/"),
    ];
    let config = config(&variables).expect("good values");
    assert_eq!(config.listen.to_string(), "[::1]:8080");
    assert_eq!(config.log, "demo_app=debug,tower_http=warn");
    assert!(!config.seed);
    assert_eq!(config.store_latency, Duration::ZERO);
    assert!(config.mongodb.is_some() && !format!("{config:?}").contains("secret"));
    assert_eq!(config.supplier_url.as_deref(), Some("http://ratings.example:4000"));
    let redis = format!("{:?}", config.redis);
    assert!(redis.contains("shop of sentinel one:7000,two:7000") && !redis.contains("secret"), "{redis}");
}

#[test]
fn every_bad_variable_is_reported_at_once() {
    let variables = [
        ("HOST", "my machine"),
        ("PORT", "65536"),
        ("RUST_LOG", "demo_app=loud"),
        ("SEED", "maybe"),
        ("STORE_LATENCY_MS", "-1"),
        ("REDIS_MODE", "twins"),
        ("REDIS_URL", "http://:secret@host"),
        ("MONGODB_URI", "postgres://me:secret@host"),
        ("SUPPLIER_URL", "ratings.example"),
    ];
    let error = config(&variables).expect_err("all are bad").to_string();
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "PORT is `65536`; expected a port number from 0 to 65535",
            "HOST is `my machine`; expected an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost",
            "RUST_LOG is `demo_app=loud`; expected log directives such as info or demo_app=debug,tower_http=warn",
            "SEED is `maybe`; expected true or false",
            "STORE_LATENCY_MS is `-1`; expected milliseconds from 0 to 10000",
            "REDIS_MODE is `twins`; expected single, sentinel or cluster",
            "REDIS_URL is not understood; expected redis://[user][:password@]host[:port][/database], several with commas \
             between for sentinel and cluster",
            "MONGODB_URI is not understood; expected mongodb://[user:password@]host[:port][/database]",
            "SUPPLIER_URL is `ratings.example`; expected the start of an address, such as http://ratings.example:4000",
        ]
    );
}
