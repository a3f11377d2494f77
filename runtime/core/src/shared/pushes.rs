//! The messages of the log that a connection receives.

use std::sync::Arc;

use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};

use super::context::Context;
use super::feed::{Feed, Folded};
use super::signals::Signals;
use super::stream::{Database, Published};
use crate::sync::{Mutex, lock};

/// Folds the messages of one connection.
pub(super) struct Pushes {
    feed: Arc<Feed>,
    signals: Arc<Signals>,
    channel: String,
    database: Database,
    phase: Mutex<PushPhase>,
}

enum PushPhase {
    /// The delta is being read, and messages wait for its end.
    Reading(Vec<Vec<u8>>),
    /// Messages of this server are folded at once.
    Live(u64),
}

impl Pushes {
    /// Creates the receiver of a connection whose delta is about to be read.
    pub(super) fn new(context: &Context, signals: Arc<Signals>) -> Self {
        let (feed, channel, database) = (context.feed.clone(), context.channel.clone(), context.database);
        Self { feed, signals, channel, database, phase: Mutex::new(PushPhase::Reading(Vec::new())) }
    }

    /// Notes that the delta was folded: folds the messages that waited, and later ones at once. Returns false if one is missing.
    pub(super) fn begin(&self, server: u64) -> bool {
        let mut phase = lock(&self.phase);
        let complete = match &*phase {
            PushPhase::Reading(waiting) => waiting.iter().all(|message| self.fold(server, message)),
            PushPhase::Live(_) => true,
        };
        *phase = PushPhase::Live(server);
        complete
    }

    fn message(&self, message: Vec<u8>) {
        match &mut *lock(&self.phase) {
            PushPhase::Reading(waiting) => waiting.push(message),
            PushPhase::Live(server) => {
                if !self.fold(*server, &message) {
                    self.signals.break_off();
                }
            }
        }
    }

    fn fold(&self, server: u64, message: &[u8]) -> bool {
        // Messages of other programs, or of another database, are ignored.
        let Some(published) = Published::parse(message, self.database) else { return true };
        match self.feed.push(server, &published) {
            Folded::Done => true,
            Folded::Gap => false,
            Folded::Unverified => {
                self.signals.check_log();
                true
            }
        }
    }
}

/// The receiver that the driver calls before it delivers the next reply.
pub(super) struct PushReceiver(pub(super) Arc<Pushes>);

impl AsyncPushSender for PushReceiver {
    fn send(&self, info: PushInfo) -> Result<(), SendError> {
        match (info.kind, info.data.as_slice()) {
            (PushKind::Disconnection, _) => self.0.signals.break_off(),
            (PushKind::Message, [channel, _]) if is_text(channel, &self.0.channel) => {
                if let Some(Value::BulkString(message)) = info.data.into_iter().nth(1) {
                    self.0.message(message);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    matches!(value, Value::BulkString(bytes) if bytes == text.as_bytes())
}
