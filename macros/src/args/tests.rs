use syn::Expr;

use super::{Names, OptionSet as _, options};
use crate::diag::Diag;

options! {
    /// Some options.
    struct Args for "test" {
        "ttl" => ttl: Expr,
        "skip" => skip: Names,
        "before" => before: (),
        "crate" => krate: Expr,
    }
}

fn parse(text: &str) -> (Args, Vec<String>) {
    let mut diag = Diag::default();
    let args = Args::parse(text.parse().expect("tokens"), &mut diag);
    (args, diag.messages())
}

#[test]
fn every_form_is_read() {
    let (args, errors) = parse("ttl = |a, b| a + b, skip(a, self, r#type), before, crate = ::x,");
    assert!(errors.is_empty(), "{errors:?}");
    assert!(args.ttl.is_given() && args.before.is_given() && args.krate.is_given());
    assert_eq!(args.skip.value().map(|names| names.0.len()), Some(3));
}

#[test]
fn one_bad_option_costs_only_itself() {
    let (args, errors) = parse("ttl = , skip = 3, before(x), crate = = , ttl = 4");
    assert!(args.ttl.is_given());
    assert_eq!(
        errors,
        [
            "`ttl` has no value: write `ttl = ..`",
            "`skip` takes names of parameters: write `skip(id)`",
            "`before` takes no value: write `before` alone",
            "expected an expression",
        ]
    );
}

#[test]
fn mistakes_in_names() {
    for (text, expected) in [
        ("tll = 3", "`test` has no option `tll`: did you mean `ttl`?"),
        ("colour = 3", "`test` has no option `colour`: write one of `ttl`, `skip`, `before`, `crate`"),
        (
            "max_stale = 3",
            "`max_stale` is of the whole cache: give it to `Fastness::builder()`; for one function, write `local_ttl = \"1s\"`",
        ),
        ("ttl_secs = 3", "`test` has no option `ttl_secs`: did you mean `ttl`?"),
        ("3", "`test` takes its options by name: write `ttl = ..`"),
        ("\"a:{b}\"", "`test` takes its options by name: write `ttl = ..`"),
        ("before, before", "`before` is given twice: keep one"),
        ("skip()", "`skip` takes names of parameters: write `skip(id)`"),
        ("skip(a.b)", "`skip` takes names of parameters: write `skip(id)`"),
        ("ttl", "`ttl` takes a value: write `ttl = ..`"),
        ("before crate = x", "expected `,` between the options"),
    ] {
        assert_eq!(parse(text).1, [expected], "{text}");
    }
}
