//! Expansions compile under the strictest lints, without the standard prelude, and with raw identifiers.
#![forbid(unsafe_code)]
#![deny(warnings)]
#![no_implicit_prelude]

extern crate std;

use ::fastness::key::KeyPart;
use ::fastness::resilience::{Rejected, TimedOut};
use ::fastness::timing::Label;
use ::fastness::{bulkhead, cache_invalidate, cache_put, cacheable, circuit_breaker, hedge, retry, timed, timeout};
use ::std::option::Option::{self, Some};
use ::std::prelude::v1::test;
use ::std::result::Result::{self, Ok};
use ::std::string::String;
use ::std::{assert, assert_eq};

#[cacheable(ttl = 300)]
async fn plain(r#type: u64) -> Result<u64, String> {
    Ok(r#type)
}

#[cacheable(ttl = "1h30m", key = "r#fn:{r#fn}", negative_ttl = 5, tags = ["all"])]
fn r#match(r#fn: &str) -> Option<u64> {
    Some(r#fn.len() as u64)
}

static PLACES: ::std::sync::LazyLock<usize> = ::std::sync::LazyLock::new(|| 4);
const FEW: u32 = 2;

#[timeout(within)]
async fn within(within: ::std::time::Duration) -> Result<u8, TimedOut> {
    Ok(1)
}

#[retry(attempts = FEW + 1, backoff = constant)]
async fn again(r#type: u64) -> Result<u64, String> {
    Ok(r#type)
}

#[hedge(after = LIFETIME, budget = FEW)]
async fn twice() -> Result<u64, String> {
    Ok(1)
}

#[bulkhead(max = *PLACES, wait = LIFETIME)]
async fn few() -> Result<u64, Rejected> {
    Ok(1)
}

#[circuit_breaker(name = "strict", min_calls = FEW, open_for = LIFETIME, per = "{type}", keys = *PLACES)]
fn guarded(r#type: u64) -> Result<u64, Rejected> {
    Ok(r#type)
}

const LIFETIME: ::std::time::Duration = ::std::time::Duration::from_secs(1);

fn lifetime<T>(_: &T) -> ::std::time::Duration {
    LIFETIME
}

#[cacheable(ttl = |_| LIFETIME, err_ttl = lifetime::<String>, cache_err = |_| true)]
async fn states_its_lifetime(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[cacheable(ttl = LIFETIME, err_ttl = LIFETIME, cache_err = |_| true)]
fn has_a_constant(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[cacheable(ttl = 5, tags = ["all", |text: &String| [::std::clone::Clone::clone(text)]], tag_patterns = ["text:{text}"])]
async fn states_its_tags(n: u64) -> Result<String, u64> {
    Result::Err(n)
}

#[cacheable(ttl = 5, tags = texts, tag_patterns = ["text:{text}"])]
fn has_the_tags_of_a_function() -> Option<String> {
    Option::None
}

#[allow(clippy::ptr_arg)]
fn texts(text: &String) -> [&String; 1] {
    [text]
}

#[cacheable(ttl = forever)]
async fn has_no_end(n: u64) -> u64 {
    n
}

#[cache_put(key = "r#fn:{name}", ttl = 5)]
async fn put(name: String) -> Result<u64, String> {
    Ok(name.len() as u64)
}

#[cache_invalidate("r#fn:*", tags = ["all"])]
async fn forget() {}

#[derive(::std::clone::Clone, ::std::marker::Copy, KeyPart)]
enum Part<'a> {
    Whole,
    Of {
        id: u64,
        #[key(lower)]
        name: &'a str,
    },
    Debug(#[key(debug)] f64),
}

#[cacheable(ttl = 5, key = "part:{part}:{kind:debug}:{n}", with(n = r#type + 1), condition = r#type > 0)]
fn has_parts(part: Part<'_>, kind: &str, r#type: u64) -> u64 {
    match part {
        Part::Whole => r#type,
        Part::Of { id, name } => id + name.len() as u64,
        Part::Debug(_) => kind.len() as u64,
    }
}

#[derive(Label)]
enum Size {
    Small,
}

#[timed(name = "strict", slow = "1s", labels(r#type = r#type), ok_if = |found| found.is_some_and(|size| size < 9))]
fn times(r#type: Size) -> Option<u64> {
    Some(r#type as u64)
}

#[timed]
#[cacheable(ttl = 5)]
async fn times_hits(r#type: u64) -> Result<u64, String> {
    Ok(r#type)
}

// A function that is not compiled must leave no code behind.
#[cacheable(ttl = 5, handle = never_entry)]
#[cfg(any())]
async fn never(id: Missing) -> Missing {
    id
}

macro_rules! cached {
    ($name:ident, $arg:ident) => {
        /// A function that a macro writes.
        #[cacheable(ttl = 5)]
        pub async fn $name($arg: u64) -> u64 {
            $arg
        }
    };
}

cached!(by_macro, value);

#[test]
fn functions_under_strict_lints_can_be_called() {
    let _ = (plain(1), put(String::new()), forget(), by_macro(1), times_hits(1), states_its_lifetime(1), has_no_end(1));
    let _ = (within(LIFETIME), again(1), twice(), few(), states_its_tags(1));
    assert_eq!((has_a_constant(1), has_the_tags_of_a_function()), (Ok(1), Option::None));
    let parts = [Part::Whole, Part::Of { id: 2, name: "" }, Part::Debug(0.5)];
    assert_eq!(parts.map(|part| has_parts(part, "kind", 1)), [1, 2, 4]);
    assert!(guarded(1).is_ok());
    assert_eq!((r#match("x"), times(Size::Small)), (Some(1), Some(0)));
}
