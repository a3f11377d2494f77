//! Reads over the connections to the server of the log.
//!
//! With many reads in flight, most of the cost is the work per command in the driver, the kernel and the server. So a read that finds
//! many others in flight waits until all tasks that are ready have run, and is sent together with all reads that have come by then, as
//! one command. Otherwise a read is sent at once.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use redis::{Cmd, RedisWrite, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::api::Unavailable;
use super::connection::{Connections, LiveConnection};
use super::context::Context;
use super::erasures::ErasableName;
use super::errors::too_slow;
use crate::codec::NameDigest;
use crate::sync::{Mutex, lock};

/// Number of reads in flight from which on reads are sent together.
const MANY: usize = 8;
/// Maximum number of reads in one command: the server works on it while the next one is gathered.
const TOGETHER: usize = 32;
/// Size in bytes above which values are read one by one: their transfer costs far more than a command, and all reads of a command would
/// wait for the last value.
const LARGE: usize = 16 << 10;

/// The address of a value in parts, which are written into a command without being joined first.
#[derive(Clone, Copy)]
pub(super) enum ValueAddress<'a> {
    /// The prefix, the key, and the suffix of the type.
    Key([&'a str; 3]),
    /// The prefix, the digest of the key, and the suffix of the type.
    Digest(&'a str, NameDigest, &'a str),
    /// The prefix, and the name of an erasable value.
    Erasable(&'a str, ErasableName),
}

impl ValueAddress<'_> {
    fn parts(&self) -> [&str; 3] {
        match self {
            Self::Key(parts) => *parts,
            Self::Digest(prefix, digest, suffix) => [prefix, digest.as_str(), suffix],
            Self::Erasable(prefix, name) => [prefix, name.as_str(), ""],
        }
    }

    pub(super) fn text(&self) -> String {
        self.parts().concat()
    }

    fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Appends the address to a command.
    fn write(&self, command: &mut Cmd) {
        let mut argument = command.writer_for_next_arg();
        for part in self.parts() {
            // Writing to memory does not fail.
            let _ = argument.write_all(part.as_bytes());
        }
    }
}

/// A reply, and the server that sent it.
type Reply = Result<(Value, u64), Unavailable>;

/// The reads of one tier.
pub(super) struct Reads {
    context: Arc<Context>,
    connections: Connections,
    next: AtomicUsize,
    /// The runtime that drives the connections.
    runtime: Handle,
    under_way: AtomicUsize,
    /// The size of the last value that was read, in bytes.
    size: AtomicUsize,
    gathered: Mutex<Vec<WaitingRead>>,
}

struct WaitingRead {
    address: String,
    reply: oneshot::Sender<Reply>,
}

impl Reads {
    pub(super) fn new(context: Arc<Context>, connections: Connections, runtime: Handle) -> Arc<Self> {
        let (next, under_way, size) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { context, connections, next, runtime, under_way, size, gathered: Mutex::default() })
    }

    /// Reads the value at an address.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost, and reads that are sent together with it are not affected.
    pub(super) async fn get(self: &Arc<Self>, address: ValueAddress<'_>) -> Reply {
        let under_way = UnderWay::begin(&self.under_way);
        if under_way.before >= MANY && self.size.load(Relaxed) <= LARGE {
            return self.get_with_others(address).await;
        }
        let mut command = Cmd::with_capacity(2, "GET".len() + address.len());
        command.write_arg(b"GET");
        address.write(&mut command);
        self.read(&command).await.inspect(|(value, _)| self.note_size(value))
    }

    async fn get_with_others(self: &Arc<Self>, address: ValueAddress<'_>) -> Reply {
        let live = self.live().ok_or(Unavailable)?;
        let reply = self.gather(address.text());
        // The task that sends the command notices a server that hangs. This timeout is for a runtime that no longer runs: the application
        // may have stopped the one on which the tier was built.
        match timeout(self.context.settings.command_timeout.saturating_mul(2), reply).await {
            Ok(reply) => reply.unwrap_or(Err(Unavailable)),
            Err(_) => {
                live.failed(&self.context.telemetry, &too_slow());
                Err(Unavailable)
            }
        }
    }

    fn note_size(&self, value: &Value) {
        if let Value::BulkString(bytes) = value {
            self.size.store(bytes.len(), Relaxed);
        }
    }

    /// Reads the values at several addresses, in their order.
    pub(super) async fn get_many(&self, addresses: &[ValueAddress<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
        match self.read(&mget(addresses.iter().copied())).await? {
            (Value::Array(values), server) if values.len() == addresses.len() => Ok((values, server)),
            _ => Err(Unavailable),
        }
    }

    /// Sends a command, and returns the reply.
    pub(super) async fn read(&self, command: &Cmd) -> Reply {
        let live = self.live().ok_or(Unavailable)?;
        let reply = live.connection.clone().send_packed_command(command).await;
        match reply.and_then(Value::extract_error) {
            Ok(reply) if live.is_confirmed() => Ok((reply, live.server)),
            // The server may have been replaced before it answered.
            Ok(_) => Err(Unavailable),
            Err(error) => {
                live.failed(&self.context.telemetry, &error);
                Err(Unavailable)
            }
        }
    }

    /// Returns a connection that is in use.
    pub(super) fn live(&self) -> Option<Arc<LiveConnection>> {
        let live = self.connections.live(self.next.fetch_add(1, Relaxed));
        if live.is_none() {
            self.context.telemetry.counts.skipped.add();
        }
        live
    }

    /// Adds a read to those that are sent together. The first of them spawns the task that sends them.
    fn gather(self: &Arc<Self>, address: String) -> oneshot::Receiver<Reply> {
        let (reply, receiver) = oneshot::channel();
        let mut gathered = lock(&self.gathered);
        gathered.push(WaitingRead { address, reply });
        let (first, full) = (gathered.len() == 1, gathered.len() == TOGETHER);
        let all = if full { std::mem::take(&mut *gathered) } else { Vec::new() };
        drop(gathered);
        // Spawned, so that a caller that is dropped does not cancel the others' reads.
        if full {
            let reads = self.clone();
            self.runtime.spawn(async move { reads.send(all).await });
        } else if first {
            let gathering = Gathering(Some(self.clone()));
            self.runtime.spawn(async move {
                tokio::task::yield_now().await;
                if let Some((reads, all)) = gathering.done() {
                    reads.send(all).await;
                }
            });
        }
        receiver
    }

    async fn send(&self, mut all: Vec<WaitingRead>) {
        // Callers that were dropped need no reply.
        all.retain(|waiting| !waiting.reply.is_closed());
        if all.is_empty() {
            return;
        }
        let reply = self.read(&mget(all.iter().map(|waiting| ValueAddress::Key(["", &waiting.address, ""])))).await;
        match reply {
            Ok((Value::Array(values), server)) if values.len() == all.len() => {
                for (waiting, value) in all.into_iter().zip(values) {
                    self.note_size(&value);
                    let _ = waiting.reply.send(Ok((value, server)));
                }
            }
            // The callers get an error when their senders are dropped.
            _ => drop(all),
        }
    }
}

/// The gathered reads of a task that will send them. If the task is dropped because the runtime shuts down, the callers get an error.
struct Gathering(Option<Arc<Reads>>);

impl Gathering {
    fn done(mut self) -> Option<(Arc<Reads>, Vec<WaitingRead>)> {
        let reads = self.0.take()?;
        let all = std::mem::take(&mut *lock(&reads.gathered));
        Some((reads, all))
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        let given_up = self.0.take().map(|reads| std::mem::take(&mut *lock(&reads.gathered)));
        // Dropped outside the lock, because that wakes tasks.
        drop(given_up);
    }
}

fn mget<'a>(addresses: impl ExactSizeIterator<Item = ValueAddress<'a>> + Clone) -> Cmd {
    let size = addresses.clone().map(|address| address.len()).sum::<usize>();
    let mut command = Cmd::with_capacity(1 + addresses.len(), "MGET".len() + size);
    command.write_arg(b"MGET");
    for address in addresses {
        address.write(&mut command);
    }
    command
}

/// Guard of one read in flight.
struct UnderWay<'a> {
    all: &'a AtomicUsize,
    before: usize,
}

impl<'a> UnderWay<'a> {
    fn begin(all: &'a AtomicUsize) -> Self {
        Self { all, before: all.fetch_add(1, Relaxed) }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Relaxed);
    }
}
