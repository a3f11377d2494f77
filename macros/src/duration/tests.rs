use syn::Expr;

use super::{Time, read, read_lifetime};
use crate::diag::Diag;

fn millis(text: &str) -> Result<u64, String> {
    let expr: Expr = syn::parse_str(text).expect("an expression");
    let mut diag = Diag::default();
    match read("ttl", &expr, &mut diag) {
        Some(Time::Fixed(millis)) => Ok(millis),
        Some(Time::Expr(_)) => Err("an expression".into()),
        Some(Time::Function(_) | Time::Forever) => Err("a lifetime".into()),
        None => Err(diag.messages().remove(0)),
    }
}

#[test]
fn numbers_are_seconds() {
    assert_eq!(millis("300"), Ok(300_000));
    assert_eq!(millis("1_000"), Ok(1_000_000));
    assert_eq!(millis("300u64"), Ok(300_000));
}

#[test]
fn strings_have_units() {
    for (text, expected) in [
        ("\"250ms\"", 250),
        ("\"5s\"", 5_000),
        ("\"5m\"", 300_000),
        ("\"2h\"", 7_200_000),
        ("\"1d\"", 86_400_000),
        ("\"1h30m\"", 5_400_000),
        ("\"1m250ms\"", 60_250),
    ] {
        assert_eq!(millis(text), Ok(expected), "{text}");
    }
}

#[test]
fn every_mistake_says_what_to_write() {
    for (text, expected) in [
        ("\"300\"", "`\"300\"` has no unit: write `ttl = \"300s\"`, or `ttl = 300` for seconds"),
        ("300s", "`300s` needs quotes: write `ttl = \"300s\"`"),
        ("0.25", "`ttl` takes whole numbers: write `ttl = \"250ms\"`"),
        ("\"5 m\"", "`\"5 m\"` is not a duration: write whole numbers with units, as `ttl = \"250ms\"` or `\"1h30m\"`"),
        ("\"5y\"", "`y` is not a unit of time: write one of `ms`, `s`, `m`, `h`, `d`"),
        (
            "\"soon\"",
            "`\"soon\"` is not a duration: write whole numbers with units, as `ttl = \"250ms\"` or `\"1h30m\"`",
        ),
        ("\"\"", "`\"\"` is not a duration: write whole numbers with units, as `ttl = \"250ms\"` or `\"1h30m\"`"),
        ("0", "`ttl` is zero: write a duration of at least `\"1ms\"`"),
        ("\"0s\"", "`ttl` is zero: write a duration of at least `\"1ms\"`"),
        ("-5", "`ttl` cannot be negative: write `ttl = 300` (seconds) or `ttl = \"5m\"`"),
        ("|value| value.ttl", "`ttl` is a duration and takes no closure: write `ttl = \"5m\"`"),
        ("true", "`ttl` is a duration: write `ttl = 300` (seconds) or `ttl = \"5m\"`"),
        ("18446744073709551615", "`ttl` is too long: write at most `\"213503d\"`"),
        ("99999999999999999999", "`ttl` is too long: write at most `\"213503d\"`"),
        ("\"99999999999999999999d\"", "`ttl` is too long: write at most `\"213503d\"`"),
    ] {
        assert_eq!(millis(text).as_ref().map_err(String::as_str), Err(expected), "{text}");
    }
}

#[test]
fn other_expressions_pass() {
    assert_eq!(millis("CONFIG.ttl()"), Err("an expression".into()));
    assert_eq!(millis("Duration::from_secs(1)"), Err("an expression".into()));
}

#[test]
fn only_lifetimes_take_a_closure() {
    let expr: Expr = syn::parse_str("|value| value.ttl").expect("an expression");
    let mut diag = Diag::default();
    assert!(matches!(read_lifetime("ttl", &expr, &mut diag), Some(Time::Function(_))));
    assert_eq!(diag.messages(), [""; 0]);
}
