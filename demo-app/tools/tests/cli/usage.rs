//! Messages to a person who types or configures something wrong.

use crate::program::run;

#[tokio::test]
async fn help_names_the_commands_and_every_variable() {
    let help = run(&["--help"], &[]).await;
    assert_eq!(help.code, Some(0), "{help:?}");
    for word in ["indexes", "seed", "load", "MONGODB_URI", "REDIS_PASSWORD", "SLOW_QUERY_THRESHOLD", "Exit codes"] {
        assert!(help.out.contains(word), "{word} is missing in {}", help.out);
    }
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_an_error_and_not_a_plan_with_changes() {
    let wrong = run(&["indexes", "plam"], &[]).await;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.err.contains("plan"), "{wrong:?}");
}

#[tokio::test]
async fn a_bad_variable_is_named_and_no_secret_is_shown() {
    let bad = run(&["indexes", "plan"], &[("MONGODB_URI", "postgres://me:s3cret@host"), ("PORT", "http")]).await;
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(["PORT is", "MONGODB_URI is"].iter().all(|name| bad.err.contains(name)), "{}", bad.err);
    assert!(!format!("{bad:?}").contains("s3cret"), "{bad:?}");
}

#[tokio::test]
async fn without_a_database_it_says_what_to_write() {
    for command in [&["indexes", "plan"][..], &["indexes", "apply"], &["indexes", "advise"], &["seed"]] {
        let run = run(command, &[]).await;
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("write MONGODB_URI=mongodb://"), "{run:?}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_an_error_without_its_password() {
    // Port 1 has no listener.
    let uri = "mongodb://me:s3cret@127.0.0.1:1/shop?serverSelectionTimeoutMS=100";
    let run = run(&["indexes", "plan"], &[("MONGODB_URI", uri)]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("does not answer") && !run.err.contains("s3cret"), "{run:?}");
}
