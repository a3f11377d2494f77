//! The log: lines are written by a thread of their own, so that a log that cannot be written, because its disk is full or its
//! reader is gone or does not read, holds up no request and no stop. What is lost is counted, and health says so.
//!
//! May use: `config`.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, Environment};

/// Bytes of lines that wait to be written; beyond, lines are lost.
const WAITING: u64 = 1 << 20;

/// The longest time for which a process that ends waits until its last log lines are written.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The log of this process.
static LOG: OnceLock<Log> = OnceLock::new();

/// Logs to the standard error from now on: lines for people, or in production JSON for machines.
///
/// # Errors
///
/// The system has no thread left.
pub fn init(config: &Config) -> io::Result<()> {
    let log = Log::new(io::stderr())?;
    // Text that is no directives is refused with the other settings.
    let targets: Targets = config.log.parse().unwrap_or_default();
    let lines = tracing_subscriber::fmt()
        // `targets` decide.
        .with_max_level(LevelFilter::TRACE)
        // It would say so on the standard error, which is what cannot be written, and panic.
        .log_internal_errors(false)
        .with_writer(LOG.get_or_init(|| log).clone());
    match config.environment {
        Environment::Production => lines.json().finish().with(targets).init(),
        Environment::Development | Environment::Test => {
            lines.with_ansi(io::stderr().is_terminal()).finish().with(targets).init();
        }
    }
    Ok(())
}

/// The trouble that this process's log is in, as of its last line.
pub fn trouble() -> Option<String> {
    LOG.get().and_then(Log::trouble)
}

/// Writes a text to the standard error, as the last words of a process. It waits for [`PATIENCE`] at most.
pub fn last(text: &str) {
    if let Ok(log) = Log::new(io::stderr()) {
        log.line(text.as_bytes());
        log.flush(PATIENCE);
    }
}

/// Waits until everything logged so far is written or lost, for so long at most.
pub fn flush(patience: Duration) {
    if let Some(log) = LOG.get() {
        log.flush(patience);
    }
}

/// Takes lines, and has them written by its thread. Cheap to clone; the thread ends with the last clone.
#[derive(Clone, Debug)]
pub struct Log {
    work: Sender<Work>,
    state: Arc<State>,
}

#[derive(Debug)]
enum Work {
    Line(Vec<u8>),
    /// A mark behind earlier lines: its drop says that they were written.
    Mark(#[expect(dead_code, reason = "its drop tells")] Sender<()>),
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that wait.
    waiting: AtomicU64,
    lost: AtomicU64,
    /// The reason why the last line was lost, if it was.
    reason: Mutex<Option<String>>,
}

impl Log {
    /// Writes to `out`.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let ((work, todo), state) = (channel(), Arc::new(State::default()));
        let shared = Arc::clone(&state);
        thread::Builder::new().name("log".into()).spawn(move || shared.write_all(&todo, out))?;
        Ok(Self { work, state })
    }

    /// The trouble that it is in, as of its last line: why it was lost, and how many were so far.
    pub fn trouble(&self) -> Option<String> {
        let reason = self.state.reason().clone()?;
        Some(format!("it cannot be written: {reason}; {} lines are lost", self.state.lost.load(Relaxed)))
    }

    /// Waits until everything before this is written or lost, for so long at most.
    pub fn flush(&self, patience: Duration) {
        let (mark, reached) = channel();
        if self.work.send(Work::Mark(mark)).is_ok() {
            let _ = reached.recv_timeout(patience);
        }
    }

    fn line(&self, line: &[u8]) {
        let (state, bytes) = (&*self.state, line.len() as u64);
        if state.waiting.fetch_add(bytes, SeqCst) + bytes > WAITING {
            state.waiting.fetch_sub(bytes, SeqCst);
            state.lose("it is written more slowly than it grows".to_owned());
        } else if self.work.send(Work::Line(line.to_vec())).is_err() {
            state.lose("its thread has ended".to_owned());
        }
    }
}

impl State {
    fn write_all(&self, todo: &Receiver<Work>, mut out: impl Write) {
        for work in todo {
            let Work::Line(line) = work else { continue };
            match out.write_all(&line).and_then(|()| out.flush()) {
                Ok(()) => *self.reason() = None,
                Err(error) => self.lose(error.to_string()),
            }
            self.waiting.fetch_sub(line.len() as u64, SeqCst);
        }
    }

    fn lose(&self, reason: String) {
        self.lost.fetch_add(1, Relaxed);
        *self.reason() = Some(reason);
    }

    fn reason(&self) -> MutexGuard<'_, Option<String>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line for each call of `write`, which is how `tracing_subscriber` writes events.
impl Write for &Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Log;

    fn make_writer(&'a self) -> &'a Log {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A disk that is full while `full` says so, and accepts nothing while `written` is locked.
    #[derive(Clone, Default)]
    struct Disk {
        written: Arc<Mutex<Vec<u8>>>,
        full: Arc<Mutex<bool>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if *self.full.lock().unwrap() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_loses_lines_until_there_is_room() {
        let disk = Disk::default();
        let log = Log::new(disk.clone()).unwrap();
        let say = |line: &str| {
            (&log).write_all(line.as_bytes()).unwrap();
            log.flush(MINUTE);
        };
        say("one\n");
        assert_eq!(log.trouble(), None);
        *disk.full.lock().unwrap() = true;
        say("two\n");
        say("three\n");
        assert_eq!(log.trouble().unwrap(), "it cannot be written: no storage space; 2 lines are lost");
        *disk.full.lock().unwrap() = false;
        say("four\n");
        assert_eq!(log.trouble(), None);
        assert_eq!(*disk.written.lock().unwrap(), b"one\nfour\n");
    }

    #[test]
    fn a_reader_that_does_not_read_loses_lines_and_holds_up_no_request() {
        let disk = Disk::default();
        let log = Log::new(disk.clone()).unwrap();
        let line = [b'x'; 1 << 10];
        let reads = disk.written.lock().unwrap();
        // Four times as much as may wait.
        for _ in 0..4 << 10 {
            (&log).write_all(&line).unwrap();
        }
        let trouble = log.trouble().unwrap();
        assert!(trouble.contains("more slowly than it grows"), "{trouble}");
        log.flush(Duration::ZERO);
        drop(reads);
        log.flush(MINUTE);
        assert_eq!(log.state.waiting.load(SeqCst), 0);
        let (written, lost) = (disk.written.lock().unwrap().len() as u64, log.state.lost.load(Relaxed));
        assert!(written <= WAITING && written + lost * 1_024 == 4 << 20, "{written} written, {lost} lost");
        (&log).write_all(b"again\n").unwrap();
        log.flush(MINUTE);
        assert_eq!(log.trouble(), None);
    }
}
