//! Warnings, as a test reads them.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;

/// The warnings of this thread.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    /// Listens for as long as the guard lives.
    pub(crate) fn listen(&self) -> DefaultGuard {
        let logged = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(move || logged.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    /// Returns how many lines have this text.
    pub(crate) fn count(&self, text: &str) -> usize {
        let logged = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        logged.lines().filter(|line| line.contains(text)).count()
    }
}

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
