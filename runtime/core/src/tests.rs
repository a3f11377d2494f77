//! Helpers for unit tests of several modules.

use std::sync::{Arc, Mutex, Once};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::{Interest, set_global_default, with_default};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::key::{Key, Scope};

/// The key with this text.
pub(crate) fn named(text: impl AsRef<str>) -> Key {
    text.as_ref().parse().expect("a key")
}

/// The key or the prefix with this text.
pub(crate) fn reached(text: impl AsRef<str>) -> Scope {
    text.as_ref().parse().expect("a scope")
}

/// The tag with this text.
#[cfg(feature = "http")]
pub(crate) fn tagged(text: &str) -> Scope {
    Scope::from_tag(named(text))
}

/// The levels of events that a test's own thread logs.
#[derive(Clone, Default)]
pub(crate) struct Levels(Arc<Mutex<Vec<Level>>>);

impl Levels {
    /// Calls a function, and notes what it logs.
    pub(crate) fn listen(&self, call: impl FnOnce()) {
        be_interested_everywhere();
        with_default(Listener { heard: self.clone(), enabled: true }, call);
    }

    /// Returns the levels so far, in order.
    pub(crate) fn heard(&self) -> Vec<Level> {
        self.0.lock().unwrap().clone()
    }
}

/// Makes all threads interested in all events, of which those that do not listen take none.
///
/// `tracing` asks once for each place that logs who is interested. While there is a single subscriber, it asks that of the thread that
/// comes to the place first, so without this the thread of another test would turn the place off for the one that listens.
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

/// A place that another thread has come to first.
#[test]
fn a_place_that_a_thread_without_a_listener_comes_to_first_is_heard() {
    let place = || tracing::trace!("said");
    let levels = Levels::default();
    levels.listen(|| {
        std::thread::spawn(place).join().unwrap();
        assert!(levels.heard().is_empty(), "of another thread");
        place();
    });
    assert_eq!(levels.heard(), [Level::TRACE]);
}
