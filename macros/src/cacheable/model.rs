//! Checks a use of `#[cacheable]` by a list of independent rules, and holds it once it is right.
//!
//! May use: diag, key, named, options, signature, stacking, stored, subject, template, cacheable/{form, owned, rules}.

use syn::LitStr;

use super::{
    form::{self, Form},
    owned, rules,
};
use crate::{
    diag::Diag,
    key::{self, Key, Skips},
    named,
    options::Options,
    signature::{Function, refuse},
    stacking,
    stored::{self, Stored},
    subject::Subject,
    template::{Template, TemplatePiece, Use},
};

const TTL_MISSING: &str = "`ttl` is missing: write `#[cacheable(ttl = 300)]` (seconds) or `ttl = \"5m\"`";

/// A checked use.
pub(super) struct Model {
    pub(super) subject: Subject,
    pub(super) stored: Stored,
    pub(super) form: Form,
}

impl Model {
    pub(super) fn check(options: Options, function: Function, diag: &mut Diag) -> Option<Self> {
        stacking::check("cacheable", &function.attrs, diag);
        let mut subject = Subject::new(function, &options);
        named::read(&options, &mut subject, diag);
        rules::answer(&options, &mut subject);
        signature(&options, &mut subject, diag);
        let form = form::check(&options, &subject, diag);
        rules::pairs(&options, diag);
        rules::merging(&options, diag);
        rules::hides(&options, &subject, diag);
        owned::check(&options, &subject, diag);
        rules::asynchronous(&options, &subject, diag);
        stored::check(&options, &subject, TTL_MISSING, diag);
        let skips = Skips::new(options.params("skip"), &subject.params, diag);
        let key = key(&options, &subject, &skips, diag);
        let tags = stored::tags(&options, &subject.params, diag);
        let tag_patterns = stored::tag_patterns(&options, diag);
        let Some(key) = key else {
            rules::conditional(&options, &subject, None, diag);
            return None;
        };
        named::unused(&subject.params, &std::iter::once(&key).chain(&tags).collect::<Vec<_>>(), diag);
        let stored = Stored { key, tags, tag_patterns, skips, options };
        rules::conditional(&stored.options, &subject, Some(&stored), diag);
        let form = form?;
        form::batch_key(&form, &subject, &stored, diag);
        Some(Self { subject, stored, form })
    }
}

fn signature(options: &Options, subject: &mut Subject, diag: &mut Diag) {
    let Subject { function, params, returns, .. } = subject;
    refuse::unusual("cacheable", &function.sig, diag);
    refuse::mutable(&function.sig, params, options.params("skip"), diag);
    refuse::hidden_names(&function.sig, diag);
    refuse::nothing(&function.sig, returns, diag);
    refuse::unnamed(returns, diag);
    refuse::borrowed(returns, diag);
}

fn key(options: &Options, subject: &Subject, skips: &Skips, diag: &mut Diag) -> Option<Key> {
    let params = &subject.params;
    if options.is_given("key") {
        let why = "`prefix` begins the default key, and `key` replaces that key: keep one of the two";
        options.refuse("prefix", why, diag);
        let key = Key::parse(options.text("key")?, Use::Key, params, diag)?;
        key::coverage(&key, skips, params, diag);
        return Some(key);
    }
    let prefix = match options.text("prefix") {
        Some(literal) => prefix(literal, diag)?,
        None => key::default_prefix(&subject.function.name()).to_owned(),
    };
    Some(key::default_key(&prefix, params, skips, diag))
}

/// Reads the prefix of the default key, which is literal text alone.
fn prefix(literal: &LitStr, diag: &mut Diag) -> Option<String> {
    let template = Template::parse(literal, Use::Key, diag)?;
    if template.pieces.iter().any(|piece| matches!(piece, TemplatePiece::Hole(_))) {
        diag.at(
            literal,
            "`prefix` is plain text: write `prefix = \"users\"`, \
            or the whole key as `key = \"users:{id}\"`",
        );
        return None;
    }
    Some(template.text)
}
