//! Reads over the connections to the server of the log.
//!
//! Once many reads are under way, what the driver, the kernel and the server do for each command is most of their cost. So a read
//! that finds others under way waits until everything that is ready to run has run, and goes together with all that have come by then,
//! as one command. A read that finds few is sent at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use redis::{Cmd, RedisWrite, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::hub::Hub;
use super::link::{Link, Live};
use super::{Unavailable, live};
use crate::sync::{Mutex, lock};

/// Reads under way at which the next ones go together.
const MANY: usize = 8;
/// Reads in one command: the server can work on it while the next one is gathered.
const TOGETHER: usize = 32;

/// Where a value is, in parts: it goes into a command without a text of its own.
#[derive(Clone, Copy)]
pub(super) struct Address<'a>(pub(super) [&'a str; 3]);

impl Address<'_> {
    pub(super) fn text(&self) -> String {
        self.0.concat()
    }

    fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| f.write_str(part))
    }
}

/// A reply, and the server that gave it.
type Reply = Result<(Value, u64), Unavailable>;

pub(super) struct Reads {
    hub: Arc<Hub>,
    links: Arc<[Arc<Link>]>,
    next: AtomicUsize,
    /// Where the connections are driven.
    runtime: Handle,
    under_way: AtomicUsize,
    gathered: Mutex<Vec<Waiting>>,
}

struct Waiting {
    address: String,
    reply: oneshot::Sender<Reply>,
}

impl Reads {
    pub(super) fn new(hub: Arc<Hub>, links: Arc<[Arc<Link>]>, runtime: Handle) -> Arc<Self> {
        let (next, under_way) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { hub, links, next, runtime, under_way, gathered: Mutex::default() })
    }

    /// The value at an address.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost; reads that go together with it are not concerned.
    pub(super) async fn get(self: &Arc<Self>, address: Address<'_>) -> Reply {
        let under_way = UnderWay::begin(&self.under_way);
        if under_way.before < MANY {
            let mut command = Cmd::with_capacity(2, "GET".len() + address.len());
            command.arg("GET").write_arg_fmt(address);
            return self.read(&command).await;
        }
        self.live().ok_or(Unavailable)?;
        self.gather(address.text()).await.unwrap_or(Err(Unavailable))
    }

    /// The values at several addresses, in their order.
    pub(super) async fn get_many(&self, addresses: &[Address<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
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
            Ok(reply) => Ok((reply, live.server)),
            Err(error) => {
                self.hub.failed(&live, &error);
                Err(Unavailable)
            }
        }
    }

    /// A connection that answers.
    pub(super) fn live(&self) -> Option<Arc<Live>> {
        let live = live(&self.links, self.next.fetch_add(1, Relaxed));
        if live.is_none() {
            self.hub.counts.skipped.add();
        }
        live
    }

    /// Puts a read with the others that come now; the first sees to it that they are sent.
    fn gather(self: &Arc<Self>, address: String) -> oneshot::Receiver<Reply> {
        let (reply, receiver) = oneshot::channel();
        let mut gathered = lock(&self.gathered);
        gathered.push(Waiting { address, reply });
        let (first, full) = (gathered.len() == 1, gathered.len() == TOGETHER);
        let all = if full { std::mem::take(&mut *gathered) } else { Vec::new() };
        drop(gathered);
        let reads = self.clone();
        // In tasks of their own, so that none of the callers carries the others' reads with it when it is dropped.
        if full {
            self.runtime.spawn(async move { reads.send(all).await });
        } else if first {
            self.runtime.spawn(async move {
                tokio::task::yield_now().await;
                let all = std::mem::take(&mut *lock(&reads.gathered));
                reads.send(all).await;
            });
        }
        receiver
    }

    async fn send(&self, mut all: Vec<Waiting>) {
        // Whoever is gone needs no answer.
        all.retain(|waiting| !waiting.reply.is_closed());
        if all.is_empty() {
            return;
        }
        let reply = self.read(&mget(all.iter().map(|waiting| Address(["", &waiting.address, ""])))).await;
        match reply {
            Ok((Value::Array(values), server)) if values.len() == all.len() => {
                for (waiting, value) in all.into_iter().zip(values) {
                    let _ = waiting.reply.send(Ok((value, server)));
                }
            }
            // They see that they have no answer.
            _ => drop(all),
        }
    }
}

fn mget<'a>(addresses: impl ExactSizeIterator<Item = Address<'a>> + Clone) -> Cmd {
    let size = addresses.clone().map(|address| address.len()).sum::<usize>();
    let mut command = Cmd::with_capacity(1 + addresses.len(), "MGET".len() + size);
    command.arg("MGET");
    for address in addresses {
        command.write_arg_fmt(address);
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
