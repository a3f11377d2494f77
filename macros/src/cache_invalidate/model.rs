//! Checks a use of `#[cache_invalidate]` or `#[cache_refresh]`, and holds its targets once they are right.
//!
//! May use: diag, key, named, options, signature, stacking, stored, subject, template, args of its own folder.

use proc_macro2::Span;
use syn::Expr;

use super::args::{Args, REFRESH};
use crate::{
    diag::Diag,
    key::{Key, Skips, only_self},
    named,
    signature::{Function, refuse},
    stacking,
    stored::tags,
    subject::Subject,
    template::Use,
};

/// A checked use.
pub(crate) struct Model {
    pub(crate) subject: Subject,
    /// Exact keys and prefixes.
    pub(crate) patterns: Vec<Key>,
    pub(crate) tags: Vec<Key>,
    pub(crate) handles: Vec<Expr>,
    pub(crate) skips: Skips,
    /// True if an error of the body does not prevent the invalidation.
    pub(crate) always: bool,
    /// True if there is another invalidation before the body.
    pub(crate) before: bool,
    /// True if the targets expire instead of becoming invalid.
    pub(crate) expires: bool,
}

impl Model {
    pub(crate) fn check(attribute: &str, args: &Args, function: Function, diag: &mut Diag) -> Self {
        let options = &args.options;
        stacking::check(attribute, &function.attrs, diag);
        let mut subject = Subject::new(function, options);
        named::read(options, &mut subject, diag);
        let before = diag.count();
        refuse::unusual(attribute, &subject.function.sig, diag);
        refuse::opaque(&subject.returns, diag);
        subject.returns = subject.returns.inferred();
        only_self(options.params("skip"), diag);
        let skips = Skips::new(options.params("skip"), &subject.params, diag);
        let patterns: Vec<Key> = args
            .patterns
            .iter()
            .filter_map(|literal| Key::parse(literal, Use::Pattern, &subject.params, diag))
            .collect();
        for pattern in &patterns {
            skips.refuse_receiver_in(pattern, diag);
        }
        let tags = tags(options, &subject.params, diag);
        if diag.count() == before {
            named::unused(&subject.params, &patterns.iter().chain(&tags).collect::<Vec<_>>(), diag);
        }
        if args.patterns.is_empty() && args.handles.is_empty() && !options.is_given("tags") {
            diag.error(Span::call_site(), no_target(attribute));
        }
        let named = |index| patterns.iter().chain(&tags).any(|key| key.names_param(index));
        refuse::conditional_in(attribute, &subject.params, named, diag);
        let always = options.is("when", "always");
        let (handles, before) = (args.handles.clone(), options.is_given("before"));
        Self { subject, patterns, tags, handles, skips, always, before, expires: attribute == REFRESH }
    }
}

fn no_target(attribute: &str) -> String {
    let act = if attribute == REFRESH { "refresh" } else { "invalidate" };
    format!(
        "there is nothing to {act}: write a pattern such as \
        `#[{attribute}(\"user:{{id}}\")]`, `tags = [..]`, or a handle such as `users(id)`"
    )
}
