//! The connections of a tier that one runtime drives, and the reads over them.

use std::sync::{Arc, Once};
use std::time::Duration;

use redis::Value;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::api::Unavailable;
#[cfg(feature = "redis-cluster")]
use super::cluster::{Barrier, Nodes};
use super::connection::Connections;
use super::context::Context;
use super::reads::{Reads, ValueAddress};
use super::runtime_thread::RuntimeThread;
#[cfg(feature = "redis-cluster")]
use super::settings::Servers;
use crate::sync::block_on;

/// The connections that one runtime drives.
pub(super) struct DrivenConnections {
    pub(super) connections: Connections,
    pub(super) reads: Arc<Reads>,
    /// The nodes that hold the values, if they are not on the server of the log.
    #[cfg(feature = "redis-cluster")]
    pub(super) cluster: Option<(Arc<Nodes>, Arc<Barrier>)>,
    pub(super) runtime: Handle,
    /// The background tasks, which end with the connections.
    pub(super) tasks: JoinSet<()>,
    /// The runtime, if it belongs to the tier.
    pub(super) thread: Option<RuntimeThread>,
    /// Completed once the first callers that block have waited for the connection.
    first: Once,
}

impl DrivenConnections {
    /// Starts to make this many connections.
    pub(super) fn start(context: Arc<Context>, count: usize, runtime: Handle, thread: Option<RuntimeThread>) -> Self {
        let (connections, mut tasks) = (Connections::new(count), JoinSet::new());
        for connection in connections.all() {
            tasks.spawn_on(connection.clone().run(context.clone()), &runtime);
        }
        #[cfg(feature = "redis-cluster")]
        let cluster = join_cluster(&context, &connections, &mut tasks, &runtime);
        Self {
            reads: Reads::new(context, connections.clone(), runtime.clone()),
            connections,
            #[cfg(feature = "redis-cluster")]
            cluster,
            runtime,
            tasks,
            thread,
            first: Once::new(),
        }
    }

    /// Starts one connection, which a thread of its own drives.
    ///
    /// # Errors
    ///
    /// Fails if the system refuses the thread.
    pub(super) fn start_alone(context: &Context) -> std::io::Result<Self> {
        let context = context.beside().map_err(std::io::Error::other)?;
        let thread = RuntimeThread::start()?;
        let runtime = thread.handle().clone();
        Ok(Self::start(Arc::new(context), 1, runtime, Some(thread)))
    }

    /// Blocks the first callers, which are in the context of the runtime, until the first attempt to connect has ended, or for this time.
    /// Later callers do not wait.
    pub(super) fn await_first(&self, bound: Duration) {
        self.first.call_once(|| {
            let attempt = async {
                if let Some(connection) = self.connections.all().next() {
                    connection.first_attempt().await;
                }
                #[cfg(feature = "redis-cluster")]
                if let Some((nodes, _)) = &self.cluster {
                    nodes.first_attempt().await;
                }
            };
            // If it takes longer, the callers go on without the tier.
            let _ = block_on(timeout(bound, attempt));
        });
    }

    /// Reads the bytes under an address.
    pub(super) async fn get(&self, address: ValueAddress<'_>) -> Result<(Value, u64), Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            return nodes.get(&address.text(), barrier).await;
        }
        self.reads.get(address).await
    }

    /// Reads the bytes under several addresses, in their order.
    pub(super) async fn get_many(&self, addresses: &[ValueAddress<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            let addresses: Vec<_> = addresses.iter().map(ValueAddress::text).collect();
            return nodes.get_many(&addresses, barrier).await;
        }
        self.reads.get_many(addresses).await
    }

    /// Sends a command about one address and returns its reply, which is not ordered with invalidations.
    pub(super) async fn query(&self, address: &str, command: redis::Cmd) -> Result<Value, Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, _)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            return nodes.query(address, command).await;
        }
        let _ = address;
        self.reads.read(&command).await.map(|(reply, _)| reply)
    }
}

/// Starts the tasks for the nodes that hold the values, if this is a cluster.
#[cfg(feature = "redis-cluster")]
fn join_cluster(
    context: &Arc<Context>,
    connections: &Connections,
    tasks: &mut JoinSet<()>,
    runtime: &Handle,
) -> Option<(Arc<Nodes>, Arc<Barrier>)> {
    let Servers::Cluster(seeds) = &context.settings.servers else { return None };
    let nodes = Arc::new(Nodes::new(context.clone(), seeds.clone()));
    let barrier = Arc::<Barrier>::default();
    tasks.spawn_on(nodes.clone().run(), runtime);
    tasks.spawn_on(barrier.clone().run(context.clone(), connections.clone()), runtime);
    Some((nodes, barrier))
}
