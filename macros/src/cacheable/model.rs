//! May use: args, diag, key, policy, signature, stack, stored, subject, template, value.
//!
//! A use of `#[cacheable]` that makes sense: a list of independent questions, then a value that cannot be wrong.

use syn::Ident;

use super::{args::Args, rules};
use crate::{
    args::Slot,
    diag::Diag,
    key::{self, Key, Skips},
    policy::{Loading, SharingArgs, Storing, StoringArgs, function, time},
    signature::{Function, refuse},
    stack,
    stored::{Stored, capacity, tags, version},
    subject::Subject,
    template::Use,
    value,
};

const TTL_MISSING: &str = "`ttl` is missing: write `#[cacheable(ttl = 300)]` (seconds) or `ttl = \"5m\"`";

/// A checked use.
pub(crate) struct Model {
    pub(crate) subject: Subject,
    pub(crate) stored: Stored,
    pub(crate) loading: Loading,
    pub(crate) form: Form,
}

/// The three forms of a cached function.
pub(crate) enum Form {
    Plain,
    /// The parameter of this index is a list; each element has an entry of its own.
    Batch(usize),
    /// A typed handle of this name stands beside the function.
    Handle(Ident),
}

impl Model {
    pub(crate) fn check(args: &Args, function: Function, diag: &mut Diag) -> Option<Self> {
        stack::check(&function.attrs, stack::BELOW_CACHEABLE, diag);
        let mut subject = Subject::new(function, &args.krate, &args.on, diag);
        rules::answer(args, &mut subject);
        signature(args, &mut subject, diag);
        let form = rules::form(args, &subject, diag);
        let loading = loading(args, &subject, diag);
        let stored = stored(args, &subject, diag);
        rules::conditional(args, &subject, stored.as_ref(), diag);
        let (form, loading, stored) = (form?, loading?, stored?);
        rules::batch_key(&form, &subject, &stored, diag);
        rules::handle_tags(&form, &subject, &stored, diag);
        Some(Self { subject, stored, loading, form })
    }
}

fn signature(args: &Args, subject: &mut Subject, diag: &mut Diag) {
    let Subject { function, params, returns, .. } = subject;
    refuse::unusual("cacheable", &function.sig, diag);
    refuse::mutable(&function.sig, params, args.skip.value().map_or(&[], |names| &names.0), diag);
    refuse::hidden_names(&function.sig, diag);
    refuse::nothing(&function.sig, returns, diag);
    refuse::unnamed(returns, diag);
    refuse::borrowed(returns, diag);
}

fn stored(args: &Args, subject: &Subject, diag: &mut Diag) -> Option<Stored> {
    let skips = Skips::new(args.skip.value(), &subject.params, diag);
    let key = key(args, subject, &skips, diag);
    let tags = tags(&args.tags, &subject.params, diag);
    let capacity = capacity(&args.capacity, diag);
    let version = version(&args.version, diag);
    let slots = StoringArgs {
        ttl: &args.ttl,
        jitter: &args.jitter,
        negative_ttl: &args.negative_ttl,
        unless: &args.unless,
        sharing: SharingArgs { tier: &args.tier, local_ttl: &args.local_ttl, codec: &args.codec },
        blocks: subject.returns.blocks(),
    };
    let storing = Storing::check(&slots, TTL_MISSING, diag);
    Some(Stored {
        key: key?,
        tags,
        skips,
        condition: args.condition.value().cloned(),
        capacity,
        version,
        storing: storing?,
    })
}

fn key(args: &Args, subject: &Subject, skips: &Skips, diag: &mut Diag) -> Option<Key> {
    let params = &subject.params;
    if let Some(expr) = args.key.value() {
        args.prefix.refuse("`prefix` is of the default key, and `key` replaces that: keep one of the two", diag);
        let key = Key::parse(value::string("key", "user:{id}", expr, diag)?, Use::Key, params, diag)?;
        key::coverage(&key, skips, params, diag);
        return Some(key);
    }
    let prefix = match args.prefix.value() {
        Some(expr) => rules::prefix(value::string("prefix", "users", expr, diag)?, diag)?,
        None => key::default_prefix(&subject.function.name()).to_owned(),
    };
    Some(key::default_key(&prefix, params, skips, diag))
}

fn loading(args: &Args, subject: &Subject, diag: &mut Diag) -> Option<Loading> {
    let before = diag.count();
    let cache_err = function("cache_err", "|error| error.is_not_found()", &args.cache_err, diag);
    let err_ttl = time("err_ttl", &args.err_ttl, diag);
    let flight = chosen("single_flight", &["process", "fleet", "off"], &args.single_flight, diag);
    let loading = Loading {
        cache_err: cache_err.zip(err_ttl),
        stale: time("stale", &args.stale, diag),
        stale_if_error: time("stale_if_error", &args.stale_if_error, diag),
        early: chosen("early", &["xfetch", "off"], &args.early, diag) != Some("off"),
        single_flight: flight != Some("off"),
        fleet: args.single_flight.value().filter(|_| flight == Some("fleet")).cloned(),
        share_error: function("share_error", "|error| error.clone()", &args.share_error, diag),
        load_timeout: time("load_timeout", &args.load_timeout, diag),
        background: chosen("refresh", &["caller", "background"], &args.refresh, diag) == Some("background"),
        task: chosen("load", &["caller", "task"], &args.load, diag) == Some("task"),
    };
    rules::pairs(args, diag);
    rules::refresh(args, &loading, diag);
    rules::asynchronous(args, &loading, subject, diag);
    (diag.count() == before).then_some(loading)
}

fn chosen(name: &str, words: &[&'static str], slot: &Slot<syn::Expr>, diag: &mut Diag) -> Option<&'static str> {
    slot.value().and_then(|expr| value::word(name, words, expr, diag))
}
