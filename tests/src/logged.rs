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
    /// Collects the events of this thread, down to this level, for as long as the guard lives.
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

    /// The lines so far that contain this part.
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

/// Makes every thread's subscriber interested in all events; that of a thread that does not collect ignores them.
///
/// `tracing` asks once for each place in the code whether its events are wanted. While there is a single subscriber, `tracing` asks the
/// subscriber of the thread that reaches the place first; without this function, the thread of another test could turn the place off for a
/// thread that collects.
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

    /// A place that another thread reached first.
    #[test]
    fn an_event_is_collected_although_a_thread_without_a_collector_reached_it_first() {
        let place = || tracing::info!("said");
        let (logged, _guard) = Logged::listen(Level::INFO);
        std::thread::spawn(place).join().unwrap();
        assert_eq!(logged.text(), "", "of another thread");
        place();
        assert_eq!(logged.with("said").len(), 1);
    }
}
