//! Reads over the connections to the server of the log.
//!
//! Once many reads are under way, what the driver, the kernel and the server do for each command is most of their cost. So a read
//! that finds others under way waits until everything that is ready to run has run, and goes together with all that have come by then,
//! as one command. A read that finds few is sent at once.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use redis::{Cmd, RedisWrite, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection::{Connections, LiveConnection};
use super::context::Context;
use super::errors::too_slow;
use super::seam::Unavailable;
use crate::sync::{Mutex, lock};

/// Reads under way at which the next ones go together.
const MANY: usize = 8;
/// Reads in one command: the server can work on it while the next one is gathered.
const TOGETHER: usize = 32;
/// Values larger than this, in bytes, are read one by one: the work for a command is nothing beside that for such a value, and
/// all would wait for the last.
const LARGE: usize = 16 << 10;

/// Where a value is, in parts: it goes into a command without a text of its own.
#[derive(Clone, Copy)]
pub(super) struct ValueAddress<'a>(pub(super) [&'a str; 3]);

impl ValueAddress<'_> {
    pub(super) fn text(&self) -> String {
        self.0.concat()
    }

    fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    /// Appends it to a command.
    fn write(&self, command: &mut Cmd) {
        let mut argument = command.writer_for_next_arg();
        for part in self.0 {
            // It goes into memory, which does not fail.
            let _ = argument.write_all(part.as_bytes());
        }
    }
}

/// A reply, and the server that gave it.
type Reply = Result<(Value, u64), Unavailable>;

pub(super) struct Reads {
    context: Arc<Context>,
    connections: Connections,
    next: AtomicUsize,
    /// Where the connections are driven.
    runtime: Handle,
    under_way: AtomicUsize,
    /// Of the last value read, in bytes.
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

    /// The value at an address.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost; reads that go together with it are not concerned.
    pub(super) async fn get(self: &Arc<Self>, address: ValueAddress<'_>) -> Reply {
        let under_way = UnderWay::begin(&self.under_way);
        if under_way.before >= MANY && self.size.load(Relaxed) <= LARGE {
            return self.get_with_others(address).await;
        }
        let mut command = Cmd::with_capacity(2, "GET".len() + address.len());
        command.write_arg(b"GET");
        address.write(&mut command);
        self.read(&command).await.inspect(|(value, _)| self.saw(value))
    }

    async fn get_with_others(self: &Arc<Self>, address: ValueAddress<'_>) -> Reply {
        let live = self.live().ok_or(Unavailable)?;
        let reply = self.gather(address.text());
        // A server that hangs is noticed by whoever sends the command. This is for a runtime that does not run: the one on
        // which the tier was built, of which its builder may have thought that it is done with.
        match timeout(self.context.settings.command_timeout.saturating_mul(2), reply).await {
            Ok(reply) => reply.unwrap_or(Err(Unavailable)),
            Err(_) => {
                live.failed(&self.context.telemetry, &too_slow());
                Err(Unavailable)
            }
        }
    }

    fn saw(&self, value: &Value) {
        if let Value::BulkString(bytes) = value {
            self.size.store(bytes.len(), Relaxed);
        }
    }

    /// The values at several addresses, in their order.
    pub(super) async fn get_many(&self, addresses: &[ValueAddress<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
        match self.read(&mget(addresses.iter().copied())).await? {
            (Value::Array(values), server) if values.len() == addresses.len() => Ok((values, server)),
            _ => Err(Unavailable),
        }
    }

    /// The reply to a command.
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

    /// A connection that answers.
    pub(super) fn live(&self) -> Option<Arc<LiveConnection>> {
        let live = self.connections.live(self.next.fetch_add(1, Relaxed));
        if live.is_none() {
            self.context.telemetry.counts.skipped.add();
        }
        live
    }

    /// Puts a read with the others that come now; the first sees to it that they are sent.
    fn gather(self: &Arc<Self>, address: String) -> oneshot::Receiver<Reply> {
        let (reply, receiver) = oneshot::channel();
        let mut gathered = lock(&self.gathered);
        gathered.push(WaitingRead { address, reply });
        let (first, full) = (gathered.len() == 1, gathered.len() == TOGETHER);
        let all = if full { std::mem::take(&mut *gathered) } else { Vec::new() };
        drop(gathered);
        // In tasks of their own, so that none of the callers carries the others' reads with it when it is dropped.
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
        // Whoever is gone needs no answer.
        all.retain(|waiting| !waiting.reply.is_closed());
        if all.is_empty() {
            return;
        }
        let reply = self.read(&mget(all.iter().map(|waiting| ValueAddress(["", &waiting.address, ""])))).await;
        match reply {
            Ok((Value::Array(values), server)) if values.len() == all.len() => {
                for (waiting, value) in all.into_iter().zip(values) {
                    self.saw(&value);
                    let _ = waiting.reply.send(Ok((value, server)));
                }
            }
            // They see that they have no answer.
            _ => drop(all),
        }
    }
}

/// Who sends what is gathered. If that does not come to be, because the runtime is being shut down, those who wait are told.
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
        // Out of the lock: it wakes those who wait.
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

/// One of the reads under way.
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
