//! Refuses options of `#[cacheable]` that contradict each other or the function, one function for each rule.
//!
//! May use: diag, duration, options, signature, stored, subject, cacheable/owned.

use syn::{FnArg, ext::IdentExt};

use super::owned::owned_for;
use crate::{
    diag::Diag,
    duration::Time,
    options::{Options, Value},
    signature::{Answer, Kind, refuse},
    stored::{self, Stored},
    subject::Subject,
};

/// Reports options that lack the other half of their pair.
pub(super) fn pairs(options: &Options, diag: &mut Diag) {
    if !options.is_given("err_ttl") {
        options.refuse("cache_err", "`cache_err` needs a lifetime for the errors: add `err_ttl = \"5s\"`", diag);
    }
    // A closure chooses by itself: zero stores nothing.
    if !options.is_given("cache_err") && !matches!(options.time("err_ttl"), Some(Time::Function(_))) {
        let why = "`err_ttl` needs a choice of errors: add `cache_err = |error| ..`, \
            or write a closure, as `err_ttl = |error| ..`, that returns zero for the others";
        options.refuse("err_ttl", why, diag);
    }
    previous(options, diag);
    if stored::is_forever(options) {
        forever(options, diag);
    } else if options.is("early", "off") && !options.is_given("stale") {
        let why = "without `stale` and with `early = off` nothing is refreshed: add `stale = \"1m\"`, or remove `early = off`";
        options.refuse("refresh", why, diag);
    }
}

/// Reports options of merging where nothing is merged.
pub(super) fn merging(options: &Options, diag: &mut Diag) {
    if !options.is_given("batch") {
        let why = "`merge` merges calls of a function for many ids: add `batch(ids)`, the list of ids";
        options.refuse("merge", why, diag);
    }
    if !options.is_given("merge") {
        let why = "`merge_max` bounds what `merge` brings together: add `merge = \"2ms\"`";
        options.refuse("merge_max", why, diag);
    }
    if options.is("single_flight", "off") {
        let why = "`merge` shares one run of the body, and `single_flight = off` gives each call its own: keep one of the two";
        options.refuse("merge", why, diag);
    }
}

/// Reports `previous` without a value that stays for it, and the reverse.
fn previous(options: &Options, diag: &mut Diag) {
    let stays = ["keep_expired", "stale", "stale_if_error"].into_iter().any(|name| options.is_given(name));
    if !stays && !stored::is_forever(options) {
        let why = "`previous` needs a value that stays when its ttl has passed: add `keep_expired = \"1h\"`";
        options.refuse("previous", why, diag);
    }
    if !options.is_given("previous") {
        let why = "`keep_expired` keeps a value for `previous` alone: add `previous(old)`, or remove it";
        options.refuse("keep_expired", why, diag);
    }
}

/// Reports a name for the replaced value that hides a parameter.
pub(super) fn hides(options: &Options, subject: &Subject, diag: &mut Diag) {
    let Some(Value::Ident(name)) = options.value("previous") else { return };
    let text = name.unraw().to_string();
    if subject.params.find(&text).is_some() {
        diag.at(name, format_args!("there is a parameter `{text}` already: give the replaced value another name"));
    }
}

/// Options that count from the end of the ttl, where it has none.
fn forever(options: &Options, diag: &mut Diag) {
    for name in ["stale", "stale_if_error", "early", "refresh", "keep_expired"] {
        let why = format!("`{name}` has no effect, because `ttl = forever` never ends: remove it, or write a ttl");
        options.refuse(name, &why, diag);
    }
}

/// Reports parameters under `#[cfg]` that a key or a tag names, or that the expansion copies or binds again.
pub(super) fn conditional(options: &Options, subject: &Subject, stored: Option<&Stored>, diag: &mut Diag) {
    let inputs = &subject.function.sig.inputs;
    if options.is_given("batch") || options.is_given("handle") || owned_for(options).is_some() {
        refuse::conditional("cacheable", inputs, diag);
        return;
    }
    refuse::conditional("cacheable", inputs.iter().filter(|input| matches!(input, FnArg::Receiver(_))), diag);
    if let Some(Stored { key, tags, .. }) = stored {
        let named = |index| std::iter::once(key).chain(tags).any(|key| key.names_param(index));
        refuse::conditional_in("cacheable", &subject.params, named, diag);
    }
}

/// Sets what the options require of a return type that only the compiler knows.
pub(super) fn answer(options: &Options, subject: &mut Subject) {
    // The body must run after the look-up in the cache, and with a future that the function makes itself it runs before.
    if ["handle", "batch", "previous"].into_iter().any(|name| options.is_given(name)) {
        if subject.returns.kind == Kind::Asked {
            subject.returns.kind = Kind::Sync;
            subject.returns.answer = Answer::Value;
        }
        return;
    }
    let fleet = options.is("single_flight", "fleet") && !stored::names_shared(options);
    if options.is_given("load_timeout") || fleet || owned_for(options).is_some() {
        subject.returns.answer = Answer::Future;
    }
    stored::answer(options, subject);
}

/// Reports options that need a future, on a function that blocks.
pub(super) fn asynchronous(options: &Options, subject: &Subject, diag: &mut Diag) {
    if !subject.returns.blocks() {
        return;
    }
    let why = "`load_timeout` cannot interrupt a sync function: make it `async`, or bound the work inside";
    options.refuse("load_timeout", why, diag);
    if options.is("single_flight", "fleet") && !stored::names_shared(options) {
        let why = "`single_flight = fleet` needs the shared tier, which a sync function uses only where it says so: \
            add `tier = both`, or write `single_flight = process`";
        options.refuse("single_flight", why, diag);
    }
    options.refuse("merge", "`merge` waits for other calls, which needs an `async fn`: make it one", diag);
    for (name, word, instead) in [("refresh", "background", "caller"), ("load", "task", "caller")] {
        if options.is(name, word) {
            let why = format!("`{name} = {word}` needs an `async fn`: make it one, or write `{name} = {instead}`");
            options.refuse(name, &why, diag);
        }
    }
}
