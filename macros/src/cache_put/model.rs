//! May use: args, diag, key, policy, signature, stack, stored, subject, template, value.
//!
//! A use of `#[cache_put]` that makes sense. Parameters may be missing from the key here: what is written is often more
//! than what names the entry.

use proc_macro2::Span;
use syn::Expr;

use super::args::Args;
use crate::{
    diag::Diag,
    key::{Key, Skips, only_self},
    policy::{SharingArgs, Storing, StoringArgs},
    signature::{Answer, Function, refuse},
    stack,
    stored::{Stored, capacity, tags, version},
    subject::Subject,
    template::Use,
    value,
};

const TTL_MISSING: &str = "`ttl` is missing: write `ttl = 300` (seconds) or `ttl = \"5m\"`";
const KEY_MISSING: &str = "`key` is missing: write the key of the function \
    that reads the value, as `key = \"user:{id}\"`";

/// A checked use.
pub(crate) struct Model {
    pub(crate) subject: Subject,
    pub(crate) stored: Stored,
}

impl Model {
    pub(crate) fn check(args: &Args, function: Function, diag: &mut Diag) -> Option<Self> {
        stack::check(&function.attrs, stack::BELOW_PUT, diag);
        let mut subject = Subject::new(function, &args.krate, &args.on, diag);
        let local = matches!(args.tier.value(), Some(Expr::Path(path)) if path.path.is_ident("local"));
        if args.codec.is_given() || args.local_ttl.is_given() || (args.tier.is_given() && !local) {
            subject.returns.answer = Answer::Future;
        }
        signature(&mut subject, diag);
        let stored = stored(args, &subject, diag)?;
        Some(Self { subject, stored })
    }
}

fn signature(subject: &mut Subject, diag: &mut Diag) {
    let Subject { function, returns, .. } = subject;
    refuse::unusual("cache_put", &function.sig, diag);
    refuse::nothing(&function.sig, returns, diag);
    refuse::nothing_in_result(returns, diag);
    refuse::unnamed(returns, diag);
    refuse::borrowed(returns, diag);
}

fn stored(args: &Args, subject: &Subject, diag: &mut Diag) -> Option<Stored> {
    let params = &subject.params;
    only_self(args.skip.value(), diag);
    let skips = Skips::new(args.skip.value(), params, diag);
    let key = key(args, subject, diag);
    if let Some(key) = &key {
        skips.refuse_receiver_in(key, diag);
    }
    let tags = tags(&args.tags, params, diag);
    let named = |index| key.iter().chain(&tags).any(|key| key.names_param(index));
    refuse::conditional_in("cache_put", params, named, diag);
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

fn key(args: &Args, subject: &Subject, diag: &mut Diag) -> Option<Key> {
    let Some(expr) = args.key.value() else {
        diag.error(Span::call_site(), KEY_MISSING);
        return None;
    };
    Key::parse(value::string("key", "user:{id}", expr, diag)?, Use::Key, &subject.params, diag)
}
