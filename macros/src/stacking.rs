//! Refuses orders of attributes that make no sense. An attribute sees the attributes below it, which run inside it.
//!
//! Flow: the attributes that are still on the function -> the table of refusals -> an error on the refused attribute.
//!
//! Invariant: only orders with a surprising outcome are refused; attributes of other crates are ignored.
//!
//! May use: diag.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Ident, Meta};

use crate::diag::Diag;

/// The name of an attribute below another one, and the message that refuses it.
type Refusal = (&'static str, &'static str);

/// The attributes of this crate, each with the attributes that are refused below it.
const BELOW: &[(&str, &[Refusal])] = &[
    (
        "cacheable",
        &[
            ("cacheable", "`cacheable` is here twice: keep one"),
            ("cache_put", "a hit would skip `cache_put`: put it on the function that writes, or keep only `cacheable`"),
            ("cache_invalidate", "a hit would skip `cache_invalidate`: put it on the function that writes"),
            ("cache_refresh", "a hit would skip `cache_refresh`: put it on the function that writes"),
            ("fallback", "the answer of the fallback would be cached: put `#[fallback]` above `#[cacheable]`"),
        ],
    ),
    (
        "cache_put",
        &[
            ("cache_put", "`cache_put` is here twice: keep one"),
            ("cacheable", "`cacheable` stores the value already, and a hit would be stored again: keep one of the two"),
            ("fallback", "the answer of the fallback would be cached: put `#[fallback]` above `#[cache_put]`"),
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
        "cache_refresh",
        &[
            ("cache_refresh", "`cache_refresh` is here twice: write one with both patterns"),
            ("cacheable", "every hit would refresh: put `#[cache_refresh]` on the function that writes"),
        ],
    ),
    (
        "circuit_breaker",
        &[
            ("circuit_breaker", "`circuit_breaker` is here twice: keep one"),
            ("cacheable", "a hit would count as a success: put `#[cacheable]` above `#[circuit_breaker]`"),
            (
                "fallback",
                "the answer of the fallback would count as a success: put `#[fallback]` above `#[circuit_breaker]`",
            ),
        ],
    ),
    (
        "retry",
        &[
            ("retry", "`retry` is here twice, and the attempts would multiply: keep one"),
            ("cacheable", "a hit needs no retry: put `#[cacheable]` above `#[retry]`"),
            ("fallback", "the answer of the fallback would end the retries: put `#[fallback]` above `#[retry]`"),
            ("hedge", "each attempt would be hedged: put `#[hedge]` above `#[retry]`, or keep one of the two"),
        ],
    ),
    (
        "hedge",
        &[
            ("hedge", "`hedge` is here twice: keep one"),
            ("cacheable", "both calls would wait for one load: put `#[cacheable]` above `#[hedge]`"),
            ("fallback", "the answer of the fallback would come first: put `#[fallback]` above `#[hedge]`"),
        ],
    ),
    (
        "timeout",
        &[
            (
                "timeout",
                "`timeout` is here twice, and only the shorter one has an effect: keep that one, \
        or put `#[retry]` between them, for one bound on all attempts and one on each",
            ),
            (
                "cacheable",
                "a timeout would end the wait of the caller but not the load: put `#[cacheable]` above `#[timeout]`",
            ),
        ],
    ),
    (
        "bulkhead",
        &[
            ("bulkhead", "`bulkhead` is here twice: keep one"),
            ("cacheable", "hits would take places of the bulkhead: put `#[cacheable]` above `#[bulkhead]`"),
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
    // `timed` may stand above `cacheable`, where it times every call, or below it, where it times the loads alone.
    (
        "timed",
        &[(
            "timed",
            "`timed` is here twice: keep one, with the labels of both; to time a part of the body, move it into a function",
        )],
    ),
];

/// Returns whether this crate has an attribute of this name.
pub(crate) fn is_ours(name: &Ident) -> bool {
    BELOW.iter().any(|(ours, _)| name == ours)
}

/// Attributes that repeat the body or wait, so that a timeout above them bounds something else than one below them.
const APART: [&str; 4] = ["retry", "hedge", "fallback", "bulkhead"];

/// Reports each attribute of `attrs` that must not stand below the attribute `ours`.
pub(crate) fn check(ours: &str, attrs: &[Attribute], diag: &mut Diag) {
    let below = BELOW.iter().find(|(name, _)| *name == ours).map_or(&[][..], |(_, below)| below);
    let mut is_apart = false;
    // Deferred attributes stood above this one.
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

/// Returns the name that `previous(old)` of an attribute above gives to the body.
pub(crate) fn previous_above(attrs: &[Attribute]) -> Option<Ident> {
    attrs.iter().filter(|attr| deferred(attr)).find_map(|attr| {
        let Meta::List(list) = &attr.meta else { return None };
        let tokens: Vec<_> = list.tokens.clone().into_iter().collect();
        // The mark and a comma come first. Nothing but an option follows a comma and has its value in parentheses.
        tokens.windows(3).find_map(|three| match three {
            [TokenTree::Punct(comma), TokenTree::Ident(option), TokenTree::Group(value)]
                if comma.as_char() == ',' && option == "previous" =>
            {
                syn::parse2(value.stream()).ok()
            }
            _ => None,
        })
    })
}

fn name(attr: &Attribute) -> Option<&Ident> {
    attr.path().segments.last().map(|segment| &segment.ident)
}

/// The mark in front of the arguments of a deferred attribute: it stood above others of this crate, which are expanded first.
pub(crate) const DEFERRED: &str = "__deferred";

/// Returns whether the attribute is deferred: it stood above the one that is being expanded.
pub(crate) fn deferred(attr: &Attribute) -> bool {
    matches!(&attr.meta, Meta::List(list) if is_deferred(&list.tokens))
}

/// Returns whether these are the arguments of a deferred attribute.
pub(crate) fn is_deferred(args: &TokenStream) -> bool {
    matches!(args.clone().into_iter().next(), Some(TokenTree::Ident(first)) if first == DEFERRED)
}
