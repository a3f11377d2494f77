//! `cache_invalidate`: when the function has done its work, what it names is gone.
//!
//! May use: `handle`, `key`, `log`, `shape`, `site`.
//!
//! The scopes are made before the body runs, because the body may consume the arguments. They are appended when it has
//! ended well, or in any case with `when = always`. A body whose end is not seen (cancelled, panicked) may have done its
//! work, so a guard appends them then too.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use crate::handle::Fastness;
use crate::key::Pattern;
use crate::key::args::Args;
use crate::key::template::{Template, render};
use crate::log::Record;
use crate::shape::{Outcome, Shape};
use crate::site::Receiver;

/// What a pattern names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternKind {
    Exact,
    Prefix,
    Tag,
}

/// One pattern, as the macro checked it.
#[derive(Clone, Copy, Debug)]
pub struct SitePattern {
    pub kind: PatternKind,
    /// The text as written; the pieces without `:*`.
    pub template: Template,
}

/// What the macro knows.
#[derive(Debug)]
pub struct InvalidateMeta {
    pub name: &'static str,
    pub module: &'static str,
    pub file: &'static str,
    pub line: u32,
    pub receiver: Receiver,
    pub patterns: &'static [SitePattern],
}

/// A function that invalidates.
#[derive(Debug)]
pub struct InvalidateSite {
    meta: InvalidateMeta,
}

impl InvalidateSite {
    pub const fn new(meta: InvalidateMeta) -> Self {
        Self { meta }
    }

    #[cfg(feature = "registry")]
    pub(crate) fn meta(&self) -> &InvalidateMeta {
        &self.meta
    }

    /// Nothing yet, on the handle in force.
    pub fn scopes(&'static self, on: Option<&Fastness>) -> Scopes {
        Scopes {
            handle: on.cloned().unwrap_or_else(Fastness::current),
            patterns: self.meta.patterns,
            record: Record::default(),
            always: false,
            before: false,
        }
    }
}

/// What one call invalidates.
#[derive(Debug)]
pub struct Scopes {
    handle: Fastness,
    patterns: &'static [SitePattern],
    record: Record,
    always: bool,
    before: bool,
}

impl Scopes {
    /// Adds the pattern at this place with these arguments.
    pub fn add<A: Args>(&mut self, index: usize, args: &A) {
        let Some(pattern) = self.patterns.get(index) else {
            return;
        };
        let text = render(pattern.template.pieces, "", args);
        match pattern.kind {
            PatternKind::Exact => self.push(Pattern::exact(&text)),
            PatternKind::Prefix => self.push(Pattern::prefix(&text)),
            PatternKind::Tag => self.record.push_tag(&text),
        }
    }

    /// Also if the body fails.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Also before the body.
    #[must_use]
    pub fn before(mut self) -> Self {
        self.before = true;
        self
    }

    /// Adds what this pattern names.
    pub(crate) fn push(&mut self, pattern: Pattern) {
        self.record.push(pattern.scope, pattern.root);
    }
}

/// Appends when dropped, unless told that there is no need.
#[derive(Debug)]
pub struct PendingScopes(Option<Scopes>);

impl PendingScopes {
    pub(crate) fn new(scopes: Scopes) -> Self {
        Self(Some(scopes))
    }

    fn settle(mut self, ok: bool) {
        if self.0.as_ref().is_some_and(|scopes| !ok && !scopes.always) {
            self.0 = None;
        }
    }
}

impl Drop for PendingScopes {
    fn drop(&mut self) {
        if let Some(scopes) = self.0.take() {
            scopes.handle.announce_later(scopes.record);
        }
    }
}

/// Runs an async body and invalidates. A body that failed is waited for no longer: what it invalidates with
/// `when = always`, it invalidates in this process, and others are told in the background.
///
/// # Cancel safety
///
/// Dropping it drops the body and invalidates.
pub async fn invalidate<S: Shape, F: Future<Output = S::Out>>(_: S, scopes: Scopes, body: F) -> S::Out {
    if scopes.before {
        scopes.handle.announce(scopes.record.clone()).await;
    }
    ended::<S, F>(PendingScopes::new(scopes), body).await
}

/// [`invalidate`], for a body whose future was made under a guard: what making it did counts even if nothing polls it.
pub(crate) async fn invalidate_guarded<S, F>(_: S, guard: PendingScopes, body: F) -> S::Out
where
    S: Shape,
    F: Future<Output = S::Out>,
{
    if let Some(scopes) = guard.0.as_ref().filter(|scopes| scopes.before) {
        let (handle, record) = (scopes.handle.clone(), scopes.record.clone());
        handle.announce(record).await;
    }
    ended::<S, F>(guard, body).await
}

/// Awaits the body, and invalidates.
async fn ended<S: Shape, F: Future<Output = S::Out>>(mut guard: PendingScopes, body: F) -> S::Out {
    // An error does not live across the wait: it may not be `Send`.
    let value = match S::open(body.await) {
        Outcome::Failed(error) => {
            guard.settle(false);
            return S::close(Outcome::Failed(error));
        }
        Outcome::Present(value) => Ok(value),
        Outcome::Absent(absent) => Err(absent),
    };
    if let Some(Scopes { handle, record, .. }) = guard.0.take() {
        handle.announce(record).await;
    }
    S::close(value.map_or_else(Outcome::Absent, Outcome::Present))
}

/// Runs a sync body and invalidates; other processes are told in the background.
pub fn invalidate_sync<S: Shape>(_: S, scopes: Scopes, body: impl FnOnce() -> S::Out) -> S::Out {
    if scopes.before {
        scopes.handle.announce_later(scopes.record.clone());
    }
    let guard = PendingScopes::new(scopes);
    let out = body();
    guard.settle(S::is_ok(&out));
    out
}
