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
    pub(crate) sharing: Sharing,
}

/// Which tiers hold a value, and how.
pub(crate) struct Sharing {
    /// `both`, `local` or `shared`, if it was said.
    pub(crate) tier: Option<(&'static str, Expr)>,
    pub(crate) local_ttl: Option<Time>,
    /// `messagepack`, `json` or `bincode`, if it was said.
    pub(crate) codec: Option<(&'static str, Expr)>,
}

impl Sharing {
    /// Whether values stay in the process.
    pub(crate) fn is_local(&self) -> bool {
        self.tier.as_ref().is_some_and(|(tier, _)| *tier == "local")
    }
}

/// The slots that [`Sharing`] is made from.
pub(crate) struct SharingArgs<'a> {
    pub(crate) tier: &'a Slot<Expr>,
    pub(crate) local_ttl: &'a Slot<Expr>,
    pub(crate) codec: &'a Slot<Expr>,
}

impl SharingArgs<'_> {
    fn check(&self, blocks: bool, diag: &mut Diag) -> Sharing {
        let word = |name, words: &[&'static str], slot: &Slot<Expr>, diag: &mut Diag| {
            let expr = slot.value()?;
            value::word(name, words, expr, diag).map(|word| (word, expr.clone()))
        };
        let sharing = Sharing {
            tier: word("tier", &["both", "local", "shared"], self.tier, diag),
            local_ttl: time("local_ttl", self.local_ttl, diag),
            codec: word("codec", &["messagepack", "json", "bincode"], self.codec, diag),
        };
        if sharing.is_local() {
            self.codec.refuse("`tier = local` encodes nothing: remove `codec`", diag);
            self.local_ttl.refuse("with `tier = local`, `ttl` says it all: remove `local_ttl`", diag);
        }
        if sharing.tier.as_ref().is_some_and(|(tier, _)| *tier == "shared") {
            self.local_ttl.refuse("`tier = shared` keeps nothing in this process: remove `local_ttl`", diag);
        }
        if blocks {
            let why = "a sync function uses this process's tier only, because the shared one has to be awaited: make it `async`";
            if !sharing.is_local() {
                self.tier.refuse(why, diag);
            }
            self.codec.refuse(why, diag);
            self.local_ttl.refuse(why, diag);
        }
        sharing
    }
}

/// The slots that [`Storing`] is made from.
pub(crate) struct StoringArgs<'a> {
    pub(crate) ttl: &'a Slot<Expr>,
    pub(crate) jitter: &'a Slot<Expr>,
    pub(crate) negative_ttl: &'a Slot<Expr>,
    pub(crate) unless: &'a Slot<Expr>,
    pub(crate) sharing: SharingArgs<'a>,
    pub(crate) blocks: bool,
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
        let sharing = args.sharing.check(args.blocks, diag);
        Some(Self { ttl: ttl?, jitter, negative_ttl, unless, sharing })
    }
}

/// How a value is loaded.
#[allow(clippy::struct_excessive_bools)] // each is an option of the attribute
pub(crate) struct Loading {
    /// Which errors are stored, and for how long.
    pub(crate) cache_err: Option<(Expr, Time)>,
    pub(crate) stale: Option<Time>,
    pub(crate) stale_if_error: Option<Time>,
    pub(crate) early: bool,
    pub(crate) single_flight: bool,
    /// One load at a time among all processes.
    pub(crate) fleet: Option<Expr>,
    pub(crate) share_error: Option<Expr>,
    pub(crate) load_timeout: Option<Time>,
    /// `refresh = background`: a refresh does not hold up the caller who noticed that it is due.
    pub(crate) background: bool,
    /// `load = task`: a load goes on when its caller does not wait for it any more.
    pub(crate) task: bool,
}

impl Loading {
    /// Whether the function says itself how its errors are copied.
    pub(crate) fn shares_errors(&self) -> bool {
        self.share_error.is_some()
    }

    /// The option for which a body may run in a task of its own, as it is written, and the one with which it does not.
    pub(crate) fn owned_for(&self) -> Option<(&'static str, &'static str)> {
        match (self.background, self.task) {
            (true, _) => Some(("refresh = background", "refresh = caller")),
            (false, true) => Some(("load = task", "load = caller")),
            (false, false) => None,
        }
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
