//! Helpers that unit tests of several modules share.

use std::sync::{Arc, Mutex, Once};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::{Interest, set_global_default, with_default};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::key::Key;
#[cfg(feature = "http")]
use crate::key::Scope;

/// Parses a key.
pub(crate) fn named(text: impl AsRef<str>) -> Key {
    text.as_ref().parse().expect("a key")
}

/// Parses a key or a prefix.
#[cfg(feature = "http")]
pub(crate) fn reached(text: impl AsRef<str>) -> Scope {
    text.as_ref().parse().expect("a scope")
}

/// Makes a tag of a text.
#[cfg(feature = "http")]
pub(crate) fn tagged(text: &str) -> Scope {
    Scope::from_tag(named(text))
}

/// The levels of events that a test's own thread logs.
#[derive(Clone, Default)]
pub(crate) struct Levels(Arc<Mutex<Vec<Level>>>);

impl Levels {
    /// Calls a function, and records the levels of its events.
    pub(crate) fn listen(&self, call: impl FnOnce()) {
        be_interested_everywhere();
        with_default(Listener { heard: self.clone(), enabled: true }, call);
    }

    /// Returns the levels so far, in order.
    pub(crate) fn heard(&self) -> Vec<Level> {
        self.0.lock().unwrap().clone()
    }
}

/// Makes all threads interested in all events; threads without a listener then discard them.
///
/// `tracing` asks the subscribers once per log statement whether they are interested. While there is a single subscriber, it asks only on
/// the thread that reaches the statement first, so the thread of another test would turn the statement off for the listening one.
fn be_interested_everywhere() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let deaf = Listener { heard: Levels::default(), enabled: false };
        set_global_default(deaf).expect("the only one of this process");
    });
}

struct Listener {
    heard: Levels,
    enabled: bool,
}

impl Subscriber for Listener {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        self.enabled
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.heard.0.lock().unwrap().push(*event.metadata().level());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn an_event_is_collected_although_a_thread_without_a_collector_reached_it_first() {
    let statement = || tracing::trace!("logged");
    let levels = Levels::default();
    levels.listen(|| {
        std::thread::spawn(statement).join().unwrap();
        assert!(levels.heard().is_empty(), "the event was of another thread");
        statement();
    });
    assert_eq!(levels.heard(), [Level::TRACE]);
}
