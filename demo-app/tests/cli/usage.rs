//! Messages to a person who types or configures something wrong.

use crate::program::run;

#[tokio::test]
async fn help_names_every_variable_and_the_tools() {
    let help = run(&["--help"], &[]).await;
    assert_eq!(help.code, Some(0), "{help:?}");
    for word in ["demo-tools", "MONGODB_URI", "REDIS_PASSWORD", "SLOW_QUERY_THRESHOLD", "Exit codes"] {
        assert!(help.out.contains(word), "{word} is missing in {}", help.out);
    }
    let version = run(&["--version"], &[]).await;
    assert_eq!((version.code, &*version.out), (Some(0), concat!("demo-app ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[tokio::test]
async fn a_command_of_the_tools_is_an_error_that_says_where_it_is() {
    let wrong = run(&["seed", "--products", "7"], &[]).await;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.err.contains("cargo run -p demo-tools -- seed"), "{wrong:?}");
}

#[tokio::test]
async fn every_bad_variable_is_named_at_once_and_no_secret_is_shown() {
    let variables = [
        ("PORT", "http"),
        ("COMPRESSION_LEVEL", "11"),
        ("REDIS_URL", "http://me:s3cret@host"),
        ("MONGODB_URI", "postgres://me:s3cret@host"),
        ("REDIS_ULR", "redis://me:s3cret@host"),
    ];
    let bad = run(&[], &variables).await;
    assert_eq!(bad.code, Some(1), "{bad:?}");
    let servers = if cfg!(feature = "servers") {
        ["REDIS_URL is", "MONGODB_URI is"]
    } else {
        ["MONGODB_URI names a server", "REDIS_URL names a server"]
    };
    let names = ["PORT is", "COMPRESSION_LEVEL is", "did you mean REDIS_URL?"].into_iter().chain(servers);
    assert!(names.into_iter().all(|name| bad.err.contains(name)), "{}", bad.err);
    assert!(!format!("{bad:?}").contains("s3cret"), "{bad:?}");
}

/// A server whose driver the build lacks ends the start before anything listens.
#[cfg(not(feature = "servers"))]
#[tokio::test]
async fn a_server_without_its_driver_is_an_error_that_says_what_to_run() {
    for (name, value) in [("MONGODB_URI", "mongodb://me:s3cret@host"), ("REDIS_URL", "redis://:s3cret@host")] {
        let refused = run(&[], &[(name, value), ("PORT", "0")]).await;
        assert_eq!((refused.code, &*refused.out), (Some(1), ""), "it does not listen: {refused:?}");
        let sentence =
            format!("{name} names a server, and this build has no driver for it: run `cargo run --features servers`");
        assert!(refused.err.contains(&sentence) && !refused.err.contains("s3cret"), "{refused:?}");
    }
}
