use super::Options;
use crate::diag::Diag;

fn parse(attribute: &'static str, text: &str) -> (Options, Vec<String>) {
    let mut diag = Diag::default();
    let options = Options::parse(attribute, text.parse().expect("tokens"), &mut diag);
    (options, diag.messages())
}

#[test]
fn every_form_is_read() {
    let (options, errors) = parse("bulkhead", "max = 64, adaptive, wait = \"1s\", crate = ::x,");
    assert!(errors.is_empty(), "{errors:?}");
    assert!(options.is_given("adaptive") && options.is_given("crate") && options.time("wait").is_some());
    let (options, errors) = parse("cacheable", "tags = [\"a\"], skip(a, self, r#type), unless = |a, b| a + b, ttl = 3");
    assert!(errors.is_empty() && options.expr("unless").is_some(), "{errors:?}");
    assert_eq!((options.params("skip").len(), options.texts("tags").len()), (3, 1));
}

#[test]
fn a_wrong_option_does_not_hide_the_others() {
    let (options, errors) = parse("cacheable", "ttl = , skip = 3, crate = = , stale = on, early = off, ttl = 4");
    assert!(options.is("early", "off") && options.time("ttl").is_some() && options.is_given("stale"));
    assert_eq!(
        errors,
        [
            "`ttl` has no value: write `ttl = ..`",
            "`skip` takes names of parameters: write `skip(id)`",
            "expected an expression",
        ]
    );
    let (options, errors) = parse("bulkhead", "adaptive(x), max = 0, max = 2");
    assert!(options.is_given("max") && options.count("max").is_none());
    assert_eq!(
        errors,
        [
            "`adaptive` takes no value: write `adaptive` alone",
            "`max` is zero: write at least 1",
            "`max` is given twice: keep one",
        ]
    );
}

#[test]
fn an_unknown_or_misplaced_option_is_an_error() {
    for (attribute, text, expected) in [
        ("cacheable", "tll = 3", "`cacheable` has no option `tll`: did you mean `ttl`?"),
        ("label", "colour = 3", "`label` has no option `colour`: write one of `crate`"),
        (
            "cacheable",
            "max_stale = 3",
            "`max_stale` is a setting of the whole cache: give it to `Fastness::builder()`, or write `local_ttl = \"1s\"` for one function",
        ),
        ("cacheable", "ttl_secs = 3", "`cacheable` has no option `ttl_secs`: did you mean `ttl`?"),
        ("index", "ttl = 3", "`index` has no option `ttl`: did you mean `expire_after`?"),
        ("cacheable", "3", "`cacheable` takes its options by name: write `ttl = ..`"),
        ("cacheable", "\"a:{b}\"", "`cacheable` takes its options by name: write `key = ..`"),
        ("timed", "\"a:{b}\"", "`timed` takes its options by name: write `name = ..`"),
        ("bulkhead", "adaptive, adaptive", "`adaptive` is given twice: keep one"),
        ("cacheable", "skip()", "`skip` takes names of parameters: write `skip(id)`"),
        ("cacheable", "skip(a.b)", "`skip` takes names of parameters: write `skip(id)`"),
        ("cacheable", "ttl", "`ttl` takes a value: write `ttl = ..`"),
        ("bulkhead", "adaptive crate = x", "the options have nothing between them: write `,`"),
    ] {
        assert_eq!(parse(attribute, text).1, [expected], "{text}");
    }
}

#[test]
fn the_error_about_an_option_of_another_attribute_names_that_attribute() {
    for (attribute, text, expected) in [
        ("label", "labels(a = b)", "`label` has no option `labels`, but `timed` has: write it there, or remove it"),
        (
            "label",
            "unless = f",
            "`label` has no option `unless`, but `cacheable` and `cache_put` have: write it there, or remove it",
        ),
        (
            "timeout",
            "\"1s\", budget = 5",
            "`timeout` has no option `budget`, but `retry` and `hedge` have: write it there, or remove it",
        ),
    ] {
        assert_eq!(parse(attribute, text).1, [expected], "{text}");
    }
}
