//! Checks a use of `#[cache_put]`, and holds it once it is right. Parameters may be missing from the key: the value that is written
//! is usually a parameter too, and only its id names the entry.
//!
//! May use: diag, key, named, options, signature, stacking, stored, subject, template.

use proc_macro2::Span;

use crate::{
    diag::Diag,
    key::{Key, Skips, only_self},
    named,
    options::Options,
    signature::{Function, refuse},
    stacking,
    stored::{self, Stored},
    subject::Subject,
    template::Use,
};

const TTL_MISSING: &str = "`ttl` is missing: write `ttl = 300` (seconds) or `ttl = \"5m\"`";
const KEY_MISSING: &str = "`key` is missing: write the key of the function \
    that reads the value, as `key = \"user:{id}\"`";

/// A checked use.
pub(super) struct Model {
    pub(super) subject: Subject,
    pub(super) stored: Stored,
}

impl Model {
    pub(super) fn check(options: Options, function: Function, diag: &mut Diag) -> Option<Self> {
        stacking::check("cache_put", &function.attrs, diag);
        let mut subject = Subject::new(function, &options);
        named::read(&options, &mut subject, diag);
        stored::answer(&options, &mut subject);
        signature(&mut subject, diag);
        let stored = stored(options, &subject, diag)?;
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

fn stored(options: Options, subject: &Subject, diag: &mut Diag) -> Option<Stored> {
    let params = &subject.params;
    only_self(options.params("skip"), diag);
    let skips = Skips::new(options.params("skip"), params, diag);
    if !options.is_given("key") {
        diag.error(Span::call_site(), KEY_MISSING);
    }
    let key = options.text("key").and_then(|literal| Key::parse(literal, Use::Key, params, diag));
    if let Some(key) = &key {
        skips.refuse_receiver_in(key, diag);
    }
    let tags = stored::tags(&options, params, diag);
    if key.is_some() {
        named::unused(params, &key.iter().chain(&tags).collect::<Vec<_>>(), diag);
    }
    let tag_patterns = stored::tag_patterns(&options, diag);
    let named = |index| key.iter().chain(&tags).any(|key| key.names_param(index));
    refuse::conditional_in("cache_put", params, named, diag);
    stored::check(&options, subject, TTL_MISSING, diag);
    Some(Stored { key: key?, tags, tag_patterns, skips, options })
}
