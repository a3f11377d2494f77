//! May use: args, diag, duration, value.
//!
//! The options that say how long a value lives and how it is loaded, checked.
//!
//! Flow: the slots of an attribute -> [`Storing`] (all that store) and [`Loading`] (`cacheable` alone) -> `emit::policy`.
//!
//! Invariant: options that mean something only together are one field here.

use syn::Expr;

use crate::{
    args::Slot,
    diag::Diag,
    duration::{self, Time},
    value,
};

/// How a value is stored.
pub(crate) struct Storing {
    pub(crate) ttl: Time,
    pub(crate) jitter: Option<f64>,
    pub(crate) negative_ttl: Option<Time>,
    pub(crate) unless: Option<Expr>,
}

/// The slots that [`Storing`] is made from.
pub(crate) struct StoringArgs<'a> {
    pub(crate) ttl: &'a Slot<Expr>,
    pub(crate) jitter: &'a Slot<Expr>,
    pub(crate) negative_ttl: &'a Slot<Expr>,
    pub(crate) unless: &'a Slot<Expr>,
}

impl Storing {
    /// Checks the slots; without a `ttl`, reports `missing` and gives none.
    pub(crate) fn check(args: &StoringArgs<'_>, missing: &str, diag: &mut Diag) -> Option<Self> {
        if !args.ttl.is_given() {
            diag.error(proc_macro2::Span::call_site(), missing);
        }
        let ttl = time("ttl", args.ttl, diag);
        let jitter = args.jitter.value().and_then(|jitter| value::share("jitter", jitter, diag));
        let negative_ttl = time("negative_ttl", args.negative_ttl, diag);
        let unless = function("unless", "|value| value.is_empty()", args.unless, diag);
        Some(Self { ttl: ttl?, jitter, negative_ttl, unless })
    }
}

/// How a value is loaded.
pub(crate) struct Loading {
    /// Which errors are stored, and for how long.
    pub(crate) cache_err: Option<(Expr, Time)>,
    pub(crate) stale: Option<Time>,
    pub(crate) stale_if_error: Option<Time>,
    pub(crate) early: bool,
    pub(crate) single_flight: bool,
    pub(crate) share_error: Option<Expr>,
    pub(crate) load_timeout: Option<Time>,
    /// `refresh = background`: a refresh does not hold up the caller who noticed that it is due.
    pub(crate) background: bool,
}

impl Loading {
    /// Whether the function says itself how its errors are copied.
    pub(crate) fn shares_errors(&self) -> bool {
        self.share_error.is_some()
    }
}

/// The duration in a slot.
pub(crate) fn time(name: &str, slot: &Slot<Expr>, diag: &mut Diag) -> Option<Time> {
    slot.value().and_then(|expr| duration::read(name, expr, diag))
}

/// The function in a slot.
pub(crate) fn function(name: &str, example: &str, slot: &Slot<Expr>, diag: &mut Diag) -> Option<Expr> {
    slot.value().and_then(|expr| value::function(name, example, expr, diag)).cloned()
}
