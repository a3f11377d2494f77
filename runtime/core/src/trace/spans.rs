//! The spans and events by name, with all of their fields.
//!
//! Numbers are signed or are durations in milliseconds, because an unsigned number becomes text in OpenTelemetry.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Span, debug_span};

use super::traced::{Traced, signed};

/// The target of all spans.
const TARGET: &str = "fastness::trace";

/// The subject of a load: a function, a batch of one, or an HTTP response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    kind: &'static str,
    function: Option<&'a str>,
    elements: Option<usize>,
}

impl<'a> Subject<'a> {
    pub(crate) fn function(path: &'a str) -> Self {
        Self { kind: "function", function: Some(path), elements: None }
    }

    pub(crate) fn batch(path: &'a str, elements: usize) -> Self {
        Self { kind: "batch", function: Some(path), elements: Some(elements) }
    }

    #[cfg(feature = "http")]
    pub(crate) fn response() -> Self {
        Self { kind: "response", function: None, elements: None }
    }
}

/// The reason of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadReason {
    /// No tier has an answer.
    Miss,
    /// The call is a reload.
    Reload,
    /// The caller replaces a stale or soon expiring entry, and waits for that.
    Refresh,
    /// The same in the background: the span begins a trace of its own, with a link to that of the caller.
    Background,
}

/// A load.
pub(crate) fn load(of: Subject<'_>, reason: LoadReason) -> Traced {
    /// Creates the span with this parent.
    macro_rules! made {
        ($($parent:tt)*) => {
            debug_span!(
                target: TARGET,
                $($parent)*
                "fastness.load",
                "fastness.kind" = of.kind,
                "fastness.reason" = if reason == LoadReason::Miss { "miss" } else if reason == LoadReason::Reload { "reload" } else { "refresh" },
                "fastness.elements" = of.elements.map(signed),
                "code.function.name" = of.function,
                "fastness.outcome" = Empty,
                "error.type" = Empty,
                "otel.status_code" = Empty,
            )
        };
    }
    if reason != LoadReason::Background {
        return Traced::new(made!());
    }
    let span = made!(parent: None,);
    if !span.is_disabled() {
        span.follows_from(Span::current());
    }
    Traced::new(span)
}

/// A wait for another caller's load in this process.
pub(crate) fn wait(of: Subject<'_>) -> Traced {
    waiting(of, "process")
}

/// A wait for a load in another process.
pub(crate) fn wait_for_fleet(of: Subject<'_>) -> Traced {
    waiting(of, "fleet")
}

fn waiting(of: Subject<'_>, within: &'static str) -> Traced {
    Traced::new(debug_span!(
        target: TARGET,
        "fastness.wait",
        "fastness.kind" = of.kind,
        "fastness.elements" = of.elements.map(signed),
        "fastness.leader" = within,
        "code.function.name" = of.function,
        "fastness.outcome" = Empty,
    ))
}

/// A read from the shared tier.
#[cfg(feature = "redis")]
pub(crate) fn shared_read(operation: &'static str, keys: usize) -> Traced {
    Traced::new(debug_span!(
        target: TARGET,
        "fastness.shared.read",
        "otel.kind" = "client",
        "db.system.name" = "redis",
        "db.operation.name" = operation,
        "db.operation.batch.size" = (keys != 1).then(|| signed(keys)),
        "fastness.hits" = Empty,
        "fastness.outcome" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
    ))
}

/// A write to the shared tier, which goes on in the background.
#[cfg(feature = "redis")]
pub(crate) fn shared_write(commands: usize) -> Traced {
    Traced::new(debug_span!(
        target: TARGET,
        "fastness.shared.write",
        "otel.kind" = "client",
        "db.system.name" = "redis",
        "db.operation.batch.size" = (commands != 1).then(|| signed(commands)),
        "fastness.outcome" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
    ))
}

/// An invalidation or a refresh of some scopes. `scopes` is `None` for everything.
pub(crate) fn invalidation(scopes: Option<usize>, is_refresh: bool) -> Traced {
    Traced::new(debug_span!(
        target: TARGET,
        "fastness.invalidate",
        "fastness.scopes" = scopes.map(signed),
        "fastness.refresh" = is_refresh,
        "fastness.outcome" = Empty,
    ))
}

/// An attempt of a retry, the first of which has the number 1.
pub(crate) fn attempt(policy: &str, number: u32) -> Traced {
    Traced::new(debug_span!(
        target: TARGET,
        "fastness.attempt",
        "fastness.policy" = policy,
        "fastness.attempt" = i64::from(number),
        "fastness.outcome" = Empty,
    ))
}

/// A wait for a slot of a bulkhead.
pub(crate) fn slot(policy: &str) -> Traced {
    Traced::new(debug_span!(
        target: TARGET,
        "fastness.bulkhead.wait",
        "fastness.policy" = policy,
        "fastness.outcome" = Empty,
    ))
}

/// Notes in the current span that a policy did not make a call.
pub(crate) fn rejected(policy: &str, reason: &'static str, retry_after: Option<Duration>) {
    let retry_after_ms = retry_after.map(millis);
    tracing::debug!(target: TARGET, policy, reason, retry_after_ms, "a policy rejected a call");
}

/// Notes in the current span that a call was dropped at the end of its time.
pub(crate) fn timed_out(policy: &str, after: Duration) {
    tracing::debug!(target: TARGET, policy, after_ms = millis(after), "a call took too long and was dropped");
}

/// Notes in the current span that a hedge makes a second try.
pub(crate) fn hedged(policy: &str) {
    tracing::debug!(target: TARGET, policy, "a hedge makes a slow call a second time");
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
