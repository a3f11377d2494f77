//! The entry that `cacheable` and `cache_put` store: its key, its tags, and the options that both have.
//!
//! May use: diag, duration, key, once, options, signature, subject, template.

use proc_macro2::Span;

use crate::{
    diag::Diag,
    duration::Time,
    key::{Key, Skips},
    once,
    options::Options,
    signature::{Answer, Params},
    subject::Subject,
    template::{Template, Use},
};

/// A checked entry.
pub(crate) struct Stored {
    pub(crate) key: Key,
    pub(crate) tags: Vec<Key>,
    /// The templates of the tags that values state.
    pub(crate) tag_patterns: Vec<String>,
    pub(crate) skips: Skips,
    pub(crate) options: Options,
}

/// Checks the options that do not concern the key. `missing` is the message about a missing `ttl`.
pub(crate) fn check(options: &Options, subject: &Subject, missing: &str, diag: &mut Diag) {
    if !options.is_given("ttl") {
        diag.error(Span::call_site(), missing);
    }
    if is_forever(options) {
        options.refuse("jitter", "`ttl = forever` has no end to bring forward: remove `jitter`", diag);
    }
    once::check(options, subject, diag);
    tiers(options, subject.returns.blocks(), diag);
}

/// Returns whether the entries never expire.
pub(crate) fn is_forever(options: &Options) -> bool {
    matches!(options.time("ttl"), Some(Time::Forever))
}

/// Returns whether the entries may go to the shared tier. Those of a plain function go there only where it says so, because it then blocks
/// its thread.
pub(crate) fn may_share(options: &Options, blocks: bool) -> bool {
    if blocks { names_shared(options) } else { !options.is("tier", "local") }
}

/// Returns whether the options name the shared tier.
pub(crate) fn names_shared(options: &Options) -> bool {
    options.is_given("tier") && !options.is("tier", "local")
}

/// Reports options of a tier that the entry is not stored in.
fn tiers(options: &Options, blocks: bool, diag: &mut Diag) {
    let is_local = options.is("tier", "local");
    if is_local {
        options.refuse("codec", "`tier = local` encodes nothing: remove `codec`", diag);
        options.refuse("erase", "`tier = local` stores nothing that outlives its invalidation: remove `erase`", diag);
        options.refuse("local_ttl", "with `tier = local`, `ttl` is the lifetime already: remove `local_ttl`", diag);
    }
    if options.is("tier", "shared") {
        options.refuse("local_ttl", "`tier = shared` stores nothing in this process: remove `local_ttl`", diag);
        let why = "`tier = shared` stores nothing in this process, and `idle` counts its reads: remove `idle`";
        options.refuse("idle", why, diag);
        for name in ["max_bytes", "weigh"] {
            let why = format!("`tier = shared` stores nothing in this process: remove `{name}`");
            options.refuse(name, &why, diag);
        }
    }
    if blocks && !options.is_given("tier") {
        for name in ["codec", "local_ttl", "erase"] {
            let why = format!(
                "`{name}` is about the shared tier, which a sync function uses only where it says so, because it blocks \
                the thread: add `tier = both`, or remove `{name}`"
            );
            options.refuse(name, &why, diag);
        }
    }
}

/// Requires a future if an option needs the shared tier, which a plain function has to name.
pub(crate) fn answer(options: &Options, subject: &mut Subject) {
    let needs_tier = ["codec", "local_ttl", "erase"].iter().any(|name| options.is_given(name));
    if !options.is_given("tier") && needs_tier {
        subject.returns.answer = Answer::Future;
    }
}

/// The checked tags of an entry, or the tags to invalidate.
pub(crate) fn tags(options: &Options, params: &Params, diag: &mut Diag) -> Vec<Key> {
    options.texts("tags").iter().filter_map(|literal| Key::parse(literal, Use::Tag, params, diag)).collect()
}

/// The checked templates of the tags that values state.
pub(crate) fn tag_patterns(options: &Options, diag: &mut Diag) -> Vec<String> {
    match (options.tags_of("tags"), options.is_given("tag_patterns")) {
        (Some(function), false) => {
            let why = "the tags of a value need their patterns, by which `audit()` knows them: \
                add `tag_patterns = [\"team:{id}\"]`";
            diag.at(function, why);
        }
        (None, true) => {
            let why = "`tag_patterns` describes the tags that a function in `tags` returns: \
                add one, as `tags = |value| value.tags()`, or remove `tag_patterns`";
            options.refuse("tag_patterns", why, diag);
        }
        _ => {}
    }
    let templates = options.texts("tag_patterns").iter().filter_map(|literal| Template::parse(literal, Use::Tag, diag));
    templates.map(|template| template.text).collect()
}
