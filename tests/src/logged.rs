//! The log of a test's own thread.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, Interest, set_default, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Text that was logged, without times and targets; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    /// Notes what this thread logs, down to this level, for as long as the guard lives.
    pub fn listen(level: Level) -> (Self, DefaultGuard) {
        be_interested_everywhere();
        let logged = Self::default();
        let writer = logged.clone();
        let format = tracing_subscriber::fmt().with_ansi(false).without_time().with_target(false);
        let subscriber = format.with_max_level(level).with_writer(move || writer.clone()).finish();
        (logged, set_default(subscriber))
    }

    /// The text so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().expect("a log").clone();
        String::from_utf8(bytes).expect("text")
    }

    /// The lines so far that have this part.
    pub fn with(&self, part: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a log").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes all threads interested in all events, of which those that do not listen take none.
///
/// `tracing` asks once for each place that logs who is interested. While there is a single subscriber, it asks that of the thread that
/// comes to the place first, so without this the thread of another test would turn the place off for the one that listens.
fn be_interested_everywhere() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_global_default(Deaf).expect("the only one of this process"));
}

struct Deaf;

impl Subscriber for Deaf {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place that another thread has come to first.
    #[test]
    fn a_place_that_a_thread_without_a_listener_comes_to_first_is_heard() {
        let place = || tracing::info!("said");
        let (logged, _guard) = Logged::listen(Level::INFO);
        std::thread::spawn(place).join().unwrap();
        assert_eq!(logged.text(), "", "of another thread");
        place();
        assert_eq!(logged.with("said").len(), 1);
    }
}
