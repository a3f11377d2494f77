//! The choice of a subscriber: kinds, names, and the number of events that may wait for it.

use std::fmt;

/// The number of events that wait for a subscriber before it misses the oldest.
const ROOM: usize = 1_024;

/// An event that can be subscribed to: [`CacheEvent`](super::CacheEvent) or [`PolicyEvent`](crate::resilience::PolicyEvent).
pub trait Subscribable: EventForm {}

/// The form that all kinds of events share.
pub trait EventForm: Clone + fmt::Debug + Send + 'static {
    /// The kinds of the events.
    type Kind: Copy + fmt::Debug;

    /// Returns the number of a kind, below 32.
    fn number(kind: Self::Kind) -> u32;

    /// Makes the event that a subscriber gets in place of those that it missed.
    fn missed(events: u64) -> Self;

    /// Returns the form in which a wanted name is compared.
    fn wanted_name(name: &str) -> String {
        name.to_owned()
    }

    /// Returns whether an event of this name is one of the name that a subscriber wants, in the form of [`wanted_name`](Self::wanted_name).
    fn is_named(name: &str, wanted: &str) -> bool;
}

/// Returns the bit of a kind.
pub(crate) fn kind_bit<E: EventForm>(kind: E::Kind) -> u32 {
    1 << E::number(kind)
}

/// The events that a subscriber wants, of all those of a source. Events that no subscriber wants are not made.
///
/// ```
/// use fastness::events::{CacheEventKind, Filter};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder().build()?;
/// let filter = Filter::kinds([CacheEventKind::Evicted, CacheEventKind::Reset]).named("get_user").room(10_000);
/// let events = fast.subscribe(filter);
/// # let _ = events;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a filter does nothing until it is passed to `subscribe`"]
pub struct Filter<E: Subscribable> {
    pub(super) kinds: u32,
    pub(super) names: Vec<String>,
    pub(super) room: usize,
    event: std::marker::PhantomData<fn(E)>,
}

impl<E: Subscribable> Filter<E> {
    /// Wants every event.
    pub fn all() -> Self {
        Self { kinds: u32::MAX, names: Vec::new(), room: ROOM, event: std::marker::PhantomData }
    }

    /// Wants events of these kinds only.
    pub fn kinds(kinds: impl IntoIterator<Item = E::Kind>) -> Self {
        let kinds = kinds.into_iter().fold(0, |all, kind| all | kind_bit::<E>(kind));
        Self { kinds, ..Self::all() }
    }

    /// Wants events of this function, or of this policy, only; of several of them, if it is called several times. Events of no function, such
    /// as an invalidation, are not affected.
    ///
    /// The name of a function is its path as events show it, or the end of it, with `::` or with dots: `get_user`, `users::get_user`. It
    /// stands for all functions whose paths end so. The name of a policy is its full name, or the end of it after a `::`, as it is written:
    /// `shop::stock::ask` or `ask` for a policy of the function `ask` that has no name of its own. The name of policies per key, such as
    /// `host`, stands for all keys; `host[a.example]` for one.
    pub fn named(mut self, name: &str) -> Self {
        self.names.push(E::wanted_name(name));
        self
    }

    /// Sets the number of events that may wait, at least 1. Default: 1 024. Beyond it the subscriber misses the oldest, and is told how
    /// many.
    pub fn room(mut self, events: usize) -> Self {
        self.room = events.max(1);
        self
    }

    /// Returns whether it wants an event of this kind and name; an event of no function has no name.
    pub(super) fn wants(&self, kind: E::Kind, name: Option<&str>) -> bool {
        let is_named = |name: &str| self.names.is_empty() || self.names.iter().any(|wanted| E::is_named(name, wanted));
        self.kinds & kind_bit::<E>(kind) > 0 && name.is_none_or(is_named)
    }
}
