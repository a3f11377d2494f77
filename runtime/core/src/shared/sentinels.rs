//! The master according to its Sentinels: all are asked at once, over connections that stay open.
//!
//! A heartbeat continues as soon as the vote is decided, so a Sentinel that does not answer does not delay it. A late answer counts from
//! the next vote on, and only to detect a disagreement, never towards a majority.
//!
//! One Sentinel is not enough: one that is cut off together with a former master still names it. Two groups of Sentinels that do not know
//! each other must not be configured together: different processes would follow different masters, each group coherent within itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::errors::{refused, too_slow};
use crate::sync::lock;

/// Host and port, as a Sentinel names them.
pub(super) type HostPort = (String, u16);

/// The Sentinels of one master.
pub(crate) struct Sentinels {
    all: Vec<Arc<Sentinel>>,
    master: String,
    /// User, password, database and TLS of the master.
    template: ConnectionInfo,
    /// True to follow the most named master even without a majority.
    allow_disagreement: bool,
}

/// A Sentinel, and the connection to it.
struct Sentinel {
    name: String,
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    /// The master that it named last; `None` if it did not answer or knows none.
    named: crate::sync::Mutex<Option<HostPort>>,
}

/// The answers to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// The answers of all Sentinels.
    All,
    /// The answers that decide whether most Sentinels name one address.
    Most,
}

/// The identity of a Sentinel, and the identities of the others that it knows.
struct SentinelPeers {
    id: String,
    others: Vec<String>,
}

impl Sentinels {
    pub(super) fn new(infos: &[ConnectionInfo], master: &str, allow_disagreement: bool) -> RedisResult<Self> {
        let template = infos
            .first()
            .cloned()
            .ok_or_else(|| RedisError::from((ErrorKind::EmptySentinelList, "no Sentinel is given")))?;
        let all = infos.iter().map(|info| Sentinel::new(info).map(Arc::new)).collect::<RedisResult<_>>()?;
        Ok(Self { all, master: master.to_owned(), template, allow_disagreement })
    }

    /// Returns the address of the master that most Sentinels name. Waits for `patience` at most.
    ///
    /// # Errors
    ///
    /// Fails if no address is named by most Sentinels, or if groups of Sentinels that do not know each other name different addresses.
    pub(super) async fn master(&self, patience: Duration, wait_for: WaitFor) -> RedisResult<HostPort> {
        let named = self.named(patience, wait_for).await;
        if !self.allow_disagreement {
            // Includes the last answers of Sentinels that are late.
            let known: Vec<_> = self.all.iter().map(|sentinel| lock(&sentinel.named).clone()).collect();
            if votes(&known).len() > 1 {
                self.must_be_one_group(&known, patience).await?;
            }
        }
        let votes = votes(&named);
        let most = votes.values().max().copied().unwrap_or_default();
        // If disagreement is allowed, the first in the list decides a tie.
        let first = named.iter().flatten().find(|address| votes[address] == most).cloned();
        let enough = most * 2 > self.all.len() || self.allow_disagreement;
        first.filter(|_| enough).ok_or_else(|| self.no_majority(most))
    }

    /// Makes a client of the node with this address.
    pub(super) fn client(&self, (host, port): &HostPort) -> RedisResult<Client> {
        let (host, port) = (host.clone(), *port);
        let address = match self.template.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Client::open(self.template.clone().set_addr(address))
    }

    /// Returns the address that each Sentinel names, in their order. `None` for Sentinels that do not answer, know no such master, or are
    /// late.
    async fn named(&self, patience: Duration, wait_for: WaitFor) -> Vec<Option<HostPort>> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let mut asked = JoinSet::new();
        for (index, sentinel) in self.all.iter().enumerate() {
            let (sentinel, command) = (sentinel.clone(), command.clone());
            asked.spawn(async move {
                let answer = sentinel.query::<Option<HostPort>>(&command, patience).await.ok().flatten();
                lock(&sentinel.named).clone_from(&answer);
                (index, answer)
            });
        }
        let mut named = vec![None; self.all.len()];
        while let Some(answer) = asked.join_next().await {
            if let Ok((index, answer)) = answer {
                named[index] = answer;
            }
            if wait_for == WaitFor::Most && self.is_decided(&named, asked.len()) {
                break;
            }
        }
        // Late answers are still stored, within `patience`.
        asked.detach_all();
        named
    }

    /// Returns whether most Sentinels name one address, or can no longer do so, while `missing` answers are missing.
    fn is_decided(&self, named: &[Option<HostPort>], missing: usize) -> bool {
        let most = votes(named).values().max().copied().unwrap_or_default();
        let can = (most + missing) * 2 > self.all.len() || self.allow_disagreement;
        most * 2 > self.all.len() || !can
    }

    /// Rejects Sentinels that watch different servers: they name different masters and do not know each other. Sentinels of one group may
    /// name different masters too, during a failover or a network partition.
    async fn must_be_one_group(&self, named: &[Option<HostPort>], patience: Duration) -> RedisResult<()> {
        let peers = self.peers(named, patience).await;
        let knows = |one: &SentinelPeers, other: &SentinelPeers| one.id == other.id || one.others.contains(&other.id);
        for (index, one) in peers.iter().enumerate() {
            for other in index + 1..peers.len() {
                let (Some(here), Some(there)) = (&named[index], &named[other]) else { continue };
                let (Some(one), Some(two)) = (one, &peers[other]) else { continue };
                if here != there && !(knows(one, two) && knows(two, one)) {
                    let vote =
                        |index: usize, (host, port): &HostPort| format!("{} names {host}:{port}", self.all[index].name);
                    return Err(refused(format!(
                        "{}, {}, and these Sentinels do not know each other",
                        vote(index, here),
                        vote(other, there)
                    )));
                }
            }
        }
        Ok(())
    }

    /// Returns the peers of each Sentinel that has named a master, in their order.
    async fn peers(&self, named: &[Option<HostPort>], patience: Duration) -> Vec<Option<SentinelPeers>> {
        let mut command = redis::cmd("SENTINEL");
        let ids = self.query::<String>(named, command.arg("MYID"), patience).await;
        let mut command = redis::cmd("SENTINEL");
        command.arg("SENTINELS").arg(&self.master);
        let others = self.query::<Vec<HashMap<String, String>>>(named, &command, patience).await;
        let peers = ids.into_iter().zip(others).map(|(id, others)| {
            let others = others?.into_iter().filter_map(|mut fields| fields.remove("runid")).collect();
            Some(SentinelPeers { id: id?, others })
        });
        peers.collect()
    }

    /// Sends a command to all Sentinels that have named a master, and returns their answers in their order.
    async fn query<T: FromRedisValue + Send + 'static>(
        &self,
        named: &[Option<HostPort>],
        command: &Cmd,
        patience: Duration,
    ) -> Vec<Option<T>> {
        let mut asked = JoinSet::new();
        for (index, sentinel) in self.all.iter().enumerate().filter(|(index, _)| named[*index].is_some()) {
            let (sentinel, command) = (sentinel.clone(), command.clone());
            asked.spawn(async move { (index, sentinel.query(&command, patience).await.ok()) });
        }
        let mut answers: Vec<_> = self.all.iter().map(|_| None).collect();
        while let Some(answer) = asked.join_next().await {
            if let Ok((index, answer)) = answer {
                answers[index] = answer;
            }
        }
        answers
    }

    fn no_majority(&self, most: usize) -> RedisError {
        let why = format!("{most} of {} Sentinels agree on the master `{}`", self.all.len(), self.master);
        RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "most Sentinels name no master", why))
    }
}

/// Counts the Sentinels that name each address.
fn votes(named: &[Option<HostPort>]) -> BTreeMap<&HostPort, usize> {
    let mut votes = BTreeMap::new();
    for address in named.iter().flatten() {
        *votes.entry(address).or_default() += 1;
    }
    votes
}

impl Sentinel {
    fn new(info: &ConnectionInfo) -> RedisResult<Self> {
        // Sentinels have neither databases nor the master's users.
        let name = info.addr().to_string();
        let client = Client::open(info.addr().clone())?;
        Ok(Self { name, client, connection: Mutex::default(), named: crate::sync::Mutex::default() })
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd, patience: Duration) -> RedisResult<T> {
        let asked = async {
            let mut connection = self.connected().await?;
            command.query_async(&mut connection).await
        };
        let answer = timeout(patience, asked).await.unwrap_or_else(|_| Err(too_slow()));
        if answer.as_ref().is_err_and(|error: &RedisError| error.is_timeout() || error.is_io_error()) {
            *self.connection.lock().await = None;
        }
        answer
    }

    async fn connected(&self) -> RedisResult<MultiplexedConnection> {
        let mut existing = self.connection.lock().await;
        if let Some(connection) = &*existing {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection().await?;
        *existing = Some(connection.clone());
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(sentinels: usize, allow: bool, named: &[Option<u16>], missing: usize) -> bool {
        let info: ConnectionInfo = redis::IntoConnectionInfo::into_connection_info("redis://127.0.0.1:1").unwrap();
        let sentinels = Sentinels::new(&vec![info; sentinels], "mymaster", allow).unwrap();
        let named: Vec<_> = named.iter().map(|port| port.map(|port| ("127.0.0.1".to_owned(), port))).collect();
        sentinels.is_decided(&named, missing)
    }

    #[test]
    fn a_heartbeat_waits_until_most_sentinels_agree_or_cannot() {
        assert!(!decided(3, false, &[Some(1), None, None], 2));
        assert!(decided(3, false, &[Some(1), Some(1), None], 1));
        assert!(!decided(3, false, &[Some(1), Some(2), None], 1), "the third decides");
        assert!(decided(3, false, &[Some(1), Some(2), None], 0));
        assert!(decided(3, false, &[None, None, None], 1), "one is not most of three");
        assert!(!decided(2, false, &[Some(1), None], 1), "half is not most");
        assert!(!decided(3, true, &[None, None, None], 1), "the most that there are decide, where that is allowed");
        assert!(decided(3, true, &[Some(1), Some(1), None], 1));
    }
}
