//! The events of policies, for subscribers.

use std::sync::Arc;
use std::time::Duration;

use super::breaker_state;
use super::reason::Reason;
use crate::clock::Clock;
use crate::events::{EventBus, EventForm, Filter, Subscribable, Subscription};

/// An event of a policy, from [`subscribe`]. `at` is the time since the clock of the process began.
///
/// There is none for a call that a policy merely lets through: [`snapshots`](super::snapshots) has the counters.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PolicyEvent {
    /// A breaker has changed its state. Those of one breaker are in the order of the changes.
    StateChanged(breaker_state::Event),
    /// A breaker, a bulkhead or a rate limit has rejected a call.
    #[non_exhaustive]
    Rejected {
        /// The name of the policy; with its key, if it is one of many.
        name: Arc<str>,
        /// The reason, which says the kind of the policy too.
        reason: Reason,
        /// The time after which a call may get through, `None` if it is not known.
        retry_after: Option<Duration>,
        /// The time.
        at: Duration,
    },
    /// A timeout, or the time limit of a breaker's call, has dropped a call.
    #[non_exhaustive]
    TimedOut {
        /// The name of the policy.
        name: Arc<str>,
        /// The time limit of the call.
        after: Duration,
        /// The time.
        at: Duration,
    },
    /// A retry makes a failed call again.
    #[non_exhaustive]
    Retried {
        /// The name of the policy.
        name: Arc<str>,
        /// The number of the attempt that failed, from 1.
        attempt: u32,
        /// The wait before the next attempt, unless the error asks for a longer one.
        wait: Duration,
        /// The time.
        at: Duration,
    },
    /// A retry does not make a failed call again because its budget is used up.
    #[non_exhaustive]
    OverBudget {
        /// The name of the policy.
        name: Arc<str>,
        /// The time.
        at: Duration,
    },
    /// A hedge makes a second try beside a slow first one.
    #[non_exhaustive]
    Hedged {
        /// The name of the policy.
        name: Arc<str>,
        /// The time.
        at: Duration,
    },
    /// An adaptive bulkhead has changed its bound because of the durations of its calls. Those of one bulkhead are in the order of the
    /// changes. [Settings](crate::Fastness::apply_settings) that change the bound send no event.
    #[non_exhaustive]
    LimitChanged {
        /// The name of the policy.
        name: Arc<str>,
        /// The bound before.
        from: u32,
        /// The bound from then on.
        to: u32,
        /// The time.
        at: Duration,
    },
    /// The subscriber was slow and missed this number of events, which were older than the next one.
    #[non_exhaustive]
    Missed {
        /// The number of events.
        events: u64,
    },
}

/// The kind of a [`PolicyEvent`], for a [`Filter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyEventKind {
    /// [`PolicyEvent::StateChanged`]
    StateChanged,
    /// [`PolicyEvent::Rejected`]
    Rejected,
    /// [`PolicyEvent::TimedOut`]
    TimedOut,
    /// [`PolicyEvent::Retried`]
    Retried,
    /// [`PolicyEvent::OverBudget`]
    OverBudget,
    /// [`PolicyEvent::Hedged`]
    Hedged,
    /// [`PolicyEvent::LimitChanged`]
    LimitChanged,
}

impl Subscribable for PolicyEvent {}

impl EventForm for PolicyEvent {
    type Kind = PolicyEventKind;

    fn number(kind: PolicyEventKind) -> u32 {
        kind as u32
    }

    fn missed(events: u64) -> Self {
        Self::Missed { events }
    }

    fn is_named(name: &str, wanted: &str) -> bool {
        let is_key = |rest: &str| rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']'));
        let is_whole = |name: &str| name.strip_prefix(wanted).is_some_and(is_key);
        // A key may be any text, so it is no part of the path.
        let path = &name[..name.find('[').unwrap_or(name.len())];
        is_whole(name) || path.match_indices("::").any(|(at, _)| is_whole(&name[at + 2..]))
    }
}

/// The subscriptions to the policies of this process.
static EVENTS: EventBus<PolicyEvent> = EventBus::new();

/// Subscribes to the events of all policies of this process from now on: changes of breakers, rejections, timeouts, retries, hedges, and
/// changes of adaptive bounds. A cache has [`Fastness::subscribe`](crate::Fastness::subscribe).
///
/// ```
/// use fastness::events::Filter;
/// use fastness::resilience::breaker::{Breaker, State};
/// use fastness::resilience::{PolicyEvent, PolicyEventKind, subscribe};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut changes = subscribe(Filter::kinds([PolicyEventKind::StateChanged]).named("watched"));
/// Breaker::named("watched").force_open();
/// let Some(PolicyEvent::StateChanged(change)) = changes.next().await else { panic!("it changed") };
/// assert_eq!((&*change.name, change.to), ("watched", State::ForcedOpen));
/// # }
/// ```
pub fn subscribe(filter: Filter<PolicyEvent>) -> Subscription<PolicyEvent> {
    Subscription::to_process(&EVENTS, filter)
}

/// Sends the event of this kind of a policy. Runs no code of users, so it may be called under a lock.
#[inline]
fn send(kind: PolicyEventKind, name: &Arc<str>, make: impl FnOnce(Arc<str>, Duration) -> PolicyEvent) {
    let at = || Duration::from_nanos(Clock::system().now());
    EVENTS.send(kind, Some(name), || make(name.clone(), at()));
}

/// Called under the lock of the breaker, so that the events are in the order of the changes.
#[inline]
pub(super) fn state_changed(event: &breaker_state::Event) {
    EVENTS.send(PolicyEventKind::StateChanged, Some(&event.name), || PolicyEvent::StateChanged(event.clone()));
}

#[inline]
pub(super) fn rejected(name: &Arc<str>, reason: Reason, retry_after: Option<Duration>) {
    send(PolicyEventKind::Rejected, name, |name, at| PolicyEvent::Rejected { name, reason, retry_after, at });
}

#[inline]
pub(super) fn timed_out(name: &Arc<str>, after: Duration) {
    send(PolicyEventKind::TimedOut, name, |name, at| PolicyEvent::TimedOut { name, after, at });
}

#[inline]
pub(super) fn retried(name: &Arc<str>, attempt: u32, wait: Duration) {
    send(PolicyEventKind::Retried, name, |name, at| PolicyEvent::Retried { name, attempt, wait, at });
}

#[inline]
pub(super) fn over_budget(name: &Arc<str>) {
    send(PolicyEventKind::OverBudget, name, |name, at| PolicyEvent::OverBudget { name, at });
}

#[inline]
pub(super) fn hedged(name: &Arc<str>) {
    send(PolicyEventKind::Hedged, name, |name, at| PolicyEvent::Hedged { name, at });
}

/// Called under the lock of the bound, so that the events are in the order of the changes.
#[inline]
pub(super) fn limit_changed(name: &Arc<str>, from: u32, to: u32) {
    send(PolicyEventKind::LimitChanged, name, |name, at| PolicyEvent::LimitChanged { name, from, to, at });
}
