//! A span that ends with an outcome.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tracing::Span;
use tracing::span::EnteredSpan;

/// A span, or nothing if no subscriber wants it. Dropped before its end, its outcome is `cancelled`.
#[derive(Debug, Default)]
pub(crate) struct Traced(Option<Box<RunningSpan>>);

#[derive(Debug)]
struct RunningSpan {
    span: Span,
    /// True once the outcome is recorded, because a field that is recorded twice is exported twice.
    has_ended: AtomicBool,
}

impl Traced {
    pub(super) fn new(span: Span) -> Self {
        let wanted = !span.is_disabled();
        Self(wanted.then(|| Box::new(RunningSpan { span, has_ended: AtomicBool::new(false) })))
    }

    /// Records the outcome, and the duration ends when this is dropped.
    pub(crate) fn end(&self, outcome: &'static str) {
        if let Some(running) = &self.0 {
            running.end(outcome);
        }
    }

    /// Records the outcome of work that failed, with the type of its error.
    pub(crate) fn fail(&self, outcome: &'static str, error: &'static str) {
        if let Some(running) = &self.0 {
            running.span.record("error.type", error);
            running.span.record("otel.status_code", "ERROR");
            running.end(outcome);
        }
    }

    /// Records a number that is known at the end. It is signed, because an unsigned one is exported as text.
    #[cfg(feature = "redis")]
    pub(crate) fn count(&self, field: &'static str, number: usize) {
        if let Some(running) = &self.0 {
            running.span.record(field, signed(number));
        }
    }

    /// Makes the span the current one of this thread while the guard lives.
    pub(crate) fn enter(&self) -> CurrentSpan<'_> {
        let span = self.0.as_ref().map(|running| &running.span);
        if let Some(span) = span {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
        CurrentSpan(span)
    }

    /// Makes the span the current one of this thread until the guard, which owns it, is dropped.
    pub(crate) fn into_inside(self) -> InsideSpan {
        InsideSpan { _entered: self.0.as_ref().map(|running| running.span.clone().entered()), traced: self }
    }
}

impl RunningSpan {
    fn end(&self, outcome: &'static str) {
        if !self.has_ended.swap(true, Relaxed) {
            self.span.record("fastness.outcome", outcome);
        }
    }
}

impl Drop for RunningSpan {
    fn drop(&mut self) {
        self.end("cancelled");
    }
}

/// Returns a number as it is recorded: an unsigned one becomes text in OpenTelemetry.
pub(super) fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A guard of the current span.
pub(crate) struct CurrentSpan<'a>(Option<&'a Span>);

impl Drop for CurrentSpan<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.0 {
            span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        }
    }
}

/// A span that is the current one of this thread until it is dropped.
pub(crate) struct InsideSpan {
    // Dropped first: a span is left before it is closed.
    _entered: Option<EnteredSpan>,
    pub(crate) traced: Traced,
}
