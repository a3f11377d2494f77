//! `#[cache_invalidate]` and `#[cache_refresh]`: invalidate, or expire, scopes when the function has ended.
//!
//! May use: `handle`, `key`, `log`, `shape`, `site`.
//!
//! The scopes are rendered before the body runs, because the body may consume the arguments. They are appended when the body has succeeded,
//! or in any case with `when = always`. A body that was cancelled or panicked may have written all the same, so a guard appends them then
//! too.
// Public only through `__private`.
#![allow(missing_docs)]

use crate::handle::Fastness;
use crate::key::Pattern;
use crate::key::args::Args;
use crate::key::template::{Template, render};
use crate::log::Record;
use crate::shape::{Outcome, Shape};
use crate::site::Receiver;

/// The kind of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternKind {
    Exact,
    Prefix,
    Tag,
}

/// A pattern that the macro has checked.
#[derive(Clone, Copy, Debug)]
pub struct SitePattern {
    pub kind: PatternKind,
    /// The text as written, and the pieces without `:*`.
    pub template: Template,
}

/// The compile-time facts about a function that invalidates or expires.
#[derive(Debug)]
pub struct InvalidateMeta {
    pub name: &'static str,
    pub module: &'static str,
    pub file: &'static str,
    pub line: u32,
    pub receiver: Receiver,
    /// True if the scopes expire instead of becoming invalid.
    pub expires: bool,
    pub patterns: &'static [SitePattern],
}

/// A function that invalidates or expires.
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

    /// Creates an empty list of scopes, for `on` or the handle in force.
    pub fn scopes(&'static self, on: Option<&Fastness>) -> InvalidatedScopes {
        let record = Record::default();
        InvalidatedScopes {
            handle: on.cloned().unwrap_or_else(Fastness::current),
            patterns: self.meta.patterns,
            record: if self.meta.expires { record.into_refresh() } else { record },
            always: false,
            before: false,
        }
    }
}

/// The scopes that one call invalidates, or expires.
#[derive(Debug)]
pub struct InvalidatedScopes {
    handle: Fastness,
    patterns: &'static [SitePattern],
    record: Record,
    always: bool,
    before: bool,
}

impl InvalidatedScopes {
    /// Adds the pattern with this index, rendered with these arguments.
    pub fn add<A: Args>(&mut self, index: usize, args: &A) {
        let Some(pattern) = self.patterns.get(index) else {
            return;
        };
        let text = render(pattern.template.pieces, "", args);
        match pattern.kind {
            PatternKind::Exact => self.push(Pattern::exact(&text), || text.clone()),
            PatternKind::Prefix => self.push(Pattern::prefix(&text), || format!("{text}:*")),
            PatternKind::Tag => {
                self.record.push_tag(&text);
                self.name(|| format!("#{text}"));
            }
        }
    }

    /// Invalidates even if the body fails.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Invalidates before the body, too.
    #[must_use]
    pub fn before(mut self) -> Self {
        self.before = true;
        self
    }

    /// Adds the scope of a pattern, with this text.
    pub(crate) fn push(&mut self, pattern: Pattern, text: impl FnOnce() -> String) {
        self.record.push(pattern.scope, pattern.root);
        self.name(text);
    }

    fn name(&mut self, text: impl FnOnce() -> String) {
        if self.handle.names_scopes() {
            self.record.name(text());
        }
    }
}

/// A guard that appends the scopes when it is dropped, unless it was settled as not needed.
#[derive(Debug)]
pub struct PendingScopes(Option<InvalidatedScopes>);

impl PendingScopes {
    pub(crate) fn new(scopes: InvalidatedScopes) -> Self {
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

/// Runs an async body and invalidates the scopes. After a failed body with `when = always`, the call does not wait for the announcement to
/// other processes.
///
/// # Cancel safety
///
/// Dropping the future drops the body and invalidates the scopes.
pub async fn invalidate<S: Shape, F: Future<Output = S::Out>>(_: S, scopes: InvalidatedScopes, body: F) -> S::Out {
    if scopes.before {
        scopes.handle.announce(scopes.record.clone()).await;
    }
    ended::<S, F>(PendingScopes::new(scopes), body).await
}

/// Does what [`invalidate`] does for a body whose future was made under a guard, which invalidates the scopes even if the future is never
/// polled.
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

/// Awaits the body and invalidates the scopes.
async fn ended<S: Shape, F: Future<Output = S::Out>>(mut guard: PendingScopes, body: F) -> S::Out {
    // An error may not be `Send`, so it must not live across the wait.
    let value = match S::open(body.await) {
        Outcome::Failed(error) => {
            guard.settle(false);
            return S::close(Outcome::Failed(error));
        }
        Outcome::Present(value) => Ok(value),
        Outcome::Absent(absent) => Err(absent),
    };
    if let Some(InvalidatedScopes { handle, record, .. }) = guard.0.take() {
        handle.announce(record).await;
    }
    S::close(value.map_or_else(Outcome::Absent, Outcome::Present))
}

/// Runs a sync body and invalidates the scopes; the announcement to other processes is sent in the background.
pub fn invalidate_sync<S: Shape>(_: S, scopes: InvalidatedScopes, body: impl FnOnce() -> S::Out) -> S::Out {
    if scopes.before {
        scopes.handle.announce_later(scopes.record.clone());
    }
    let guard = PendingScopes::new(scopes);
    let out = body();
    guard.settle(S::is_ok(&out));
    out
}
