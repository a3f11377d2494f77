//! Stacks of attributes that make no sense. An attribute sees those below it, which run inside it.
//!
//! Flow: the attributes that are still on the function -> one row of a table each -> an error on that attribute.
//!
//! Invariant: only orders whose outcome would surprise are refused; unknown attributes are none of our business.
//!
//! May use: diag.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Ident, Meta};

use crate::diag::Diag;

/// An attribute below another, and what is wrong with that.
type Refusal = (&'static str, &'static str);

/// The attributes of this crate, each with those that are refused below it.
const BELOW: &[(&str, &[Refusal])] = &[
    (
        "cacheable",
        &[
            ("cacheable", "`cacheable` is here twice: keep one"),
            ("cache_put", "a hit would skip `cache_put`: put it on the function that writes, or keep only `cacheable`"),
            ("cache_invalidate", "a hit would skip `cache_invalidate`: put it on the function that writes"),
            ("fallback", "its fallback would be cached as if it were true: put `#[fallback]` above `#[cacheable]`"),
        ],
    ),
    (
        "cache_put",
        &[
            ("cache_put", "`cache_put` is here twice: keep one"),
            ("cacheable", "`cacheable` stores the value already, and a hit would be stored again: keep one of the two"),
            ("fallback", "its fallback would be cached as if it were true: put `#[fallback]` above `#[cache_put]`"),
        ],
    ),
    (
        "cache_invalidate",
        &[
            ("cache_invalidate", "`cache_invalidate` is here twice: write one with both patterns"),
            ("cacheable", "every hit would invalidate: put `#[cache_invalidate]` on the function that writes"),
        ],
    ),
    (
        "circuit_breaker",
        &[
            ("circuit_breaker", "`circuit_breaker` is here twice: keep one"),
            ("cacheable", "a hit would count as a success: put `#[cacheable]` above `#[circuit_breaker]`"),
            ("fallback", "its fallback would count as a success: put `#[fallback]` above `#[circuit_breaker]`"),
        ],
    ),
    (
        "retry",
        &[
            ("retry", "`retry` is here twice: keep one, or the attempts multiply"),
            ("cacheable", "a hit needs no retry: put `#[cacheable]` above `#[retry]`"),
            ("fallback", "its fallback would end the retries: put `#[fallback]` above `#[retry]`"),
            ("hedge", "each attempt would be hedged: put `#[hedge]` above `#[retry]`, or keep one of the two"),
        ],
    ),
    (
        "hedge",
        &[
            ("hedge", "`hedge` is here twice: keep one"),
            ("cacheable", "both tries would wait for one load: put `#[cacheable]` above `#[hedge]`"),
            ("fallback", "its fallback would win: put `#[fallback]` above `#[hedge]`"),
        ],
    ),
    (
        "timeout",
        &[
            (
                "timeout",
                "`timeout` is here twice, with nothing between that runs the rest again or waits: keep the shorter one, \
        or put `#[retry]` between them, for a bound of all attempts and one of each",
            ),
            ("cacheable", "a caller who gives up would not end the load: put `#[cacheable]` above `#[timeout]`"),
        ],
    ),
    (
        "bulkhead",
        &[
            ("bulkhead", "`bulkhead` is here twice: keep one"),
            ("cacheable", "hits would take places too: put `#[cacheable]` above `#[bulkhead]`"),
            (
                "retry",
                "a call would keep its place while it waits for the next attempt: put `#[retry]` above `#[bulkhead]`",
            ),
        ],
    ),
    (
        "rate_limit",
        &[
            ("rate_limit", "`rate_limit` is here twice: keep one"),
            ("cacheable", "hits would be counted too: put `#[cacheable]` above `#[rate_limit]`"),
            ("retry", "only the first attempt would be counted: put `#[retry]` above `#[rate_limit]`"),
        ],
    ),
    ("fallback", &[("fallback", "`fallback` is here twice: keep one")]),
    // It may stand above or below `cacheable`: there it times every call, here the loads alone.
    (
        "timed",
        &[(
            "timed",
            "`timed` is here twice: keep one, with both labels; to time a part, give it a function of its own",
        )],
    ),
];

/// Returns whether an attribute of this name is ours.
pub(crate) fn is_ours(name: &Ident) -> bool {
    BELOW.iter().any(|(ours, _)| name == ours)
}

/// Attributes that take time of their own, so that a bound above them is another than one below them.
const APART: [&str; 4] = ["retry", "hedge", "fallback", "bulkhead"];

/// Reports each attribute of `attrs` that must not stand below ours of this name.
pub(crate) fn check(ours: &str, attrs: &[Attribute], diag: &mut Diag) {
    let below = BELOW.iter().find(|(name, _)| *name == ours).map_or(&[][..], |(_, below)| below);
    let mut is_apart = false;
    // Those that are deferred stand above.
    for attr in attrs.iter().filter(|attr| !deferred(attr)) {
        let Some(name) = name(attr) else { continue };
        is_apart |= APART.iter().any(|apart| name == apart);
        if let Some((_, message)) = below.iter().find(|(refused, _)| name == refused)
            && !(name == "timeout" && is_apart)
        {
            diag.at(attr.path(), message);
        }
    }
}

/// Returns whether another `#[timeout]` stands above the one that is expanded.
pub(crate) fn timeout_above(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| deferred(attr) && name(attr).is_some_and(|name| name == "timeout"))
}

fn name(attr: &Attribute) -> Option<&Ident> {
    attr.path().segments.last().map(|segment| &segment.ident)
}

/// Leads the arguments of an attribute that was above others of ours, and waits until they are expanded.
pub(crate) const DEFERRED: &str = "__deferred";

/// Returns whether the attribute stands above the one that sees it, and waits for its turn.
pub(crate) fn deferred(attr: &Attribute) -> bool {
    matches!(&attr.meta, Meta::List(list) if is_deferred(&list.tokens))
}

/// Returns whether these arguments are those of an attribute that was deferred.
pub(crate) fn is_deferred(args: &TokenStream) -> bool {
    matches!(args.clone().into_iter().next(), Some(TokenTree::Ident(first)) if first == DEFERRED)
}
