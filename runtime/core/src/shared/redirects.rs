//! Commands that write to a cluster, and that are redirected while slots move.
//!
//! A node that lacks a key of a slot that it is giving away answers `ASK`: the command is to be repeated at the other node, right behind an
//! `ASKING`, which lets one command pass. The driver waits for the reply to `ASKING` before it sends the command, and other tasks' commands
//! on the same connection come in between. One of them may pass in its place, at a node that does not have its key: an erasure that finds
//! nothing, or a value that is stored a second time, and then hinders the move. So the driver follows no redirection of writes, and here
//! both are sent as one.

use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

/// Maximum number of times that a command is sent.
const ATTEMPTS: usize = 5;

/// Sends a command about one key of this slot over a connection that follows no redirections, and follows them.
pub(super) async fn write(connection: &mut ClusterConnection, slot: u16, command: &Cmd) -> RedisResult<Value> {
    // By itself, the driver treats `UNLINK` as a command for many slots, and never learns of a slot that has moved.
    let owner = || RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master)));
    let mut answer = connection.route_command(command.clone(), owner()).await;
    for _ in 1..ATTEMPTS {
        let Err(error) = &answer else { break };
        answer = match Redirection::from_error(error) {
            Some(redirection) => redirection.follow(connection, command).await,
            // The driver connects again. A command that was executed all the same is executed a second time, as it would be by the driver.
            None if error.is_io_error() && !error.is_timeout() => {
                connection.route_command(command.clone(), owner()).await
            }
            None => break,
        };
    }
    answer.and_then(Value::extract_error)
}

/// The node at which a command is to be repeated.
struct Redirection {
    host: String,
    port: u16,
    /// True if the node gets the slot, but is not its owner yet.
    asks: bool,
}

impl Redirection {
    fn from_error(error: &RedisError) -> Option<Self> {
        let (address, _) = error.redirect_node()?;
        let (host, port) = address.rsplit_once(':')?;
        let asks = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
        Some(Self { host: host.to_owned(), port: port.parse().ok()?, asks })
    }

    async fn follow(self, connection: &mut ClusterConnection, command: &Cmd) -> RedisResult<Value> {
        let node = SingleNodeRoutingInfo::ByAddress { host: self.host, port: self.port };
        if !self.asks {
            return connection.route_command(command.clone(), RoutingInfo::SingleNode(node)).await;
        }
        let mut pipe = redis::pipe();
        pipe.cmd("ASKING").add_command(command.clone());
        let mut replies = connection.route_pipeline(pipe, 0, 2, node).await?;
        replies.pop().unwrap_or(Value::Nil).extract_error()
    }
}
