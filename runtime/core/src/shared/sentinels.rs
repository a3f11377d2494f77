//! The Sentinels' word on the master: all that are configured are asked at once, over connections that stay open.
//!
//! A heartbeat goes on once it is decided, so one Sentinel that does not answer delays none. The answer of one that is late counts from the next
//! question on, against the others only: it may show that they disagree, and never makes a majority.
//!
//! The word of one is not enough: a Sentinel that is cut off together with a former master still names it. Nor may two groups that know
//! nothing of each other be asked as if they were one: then different processes would follow different masters, each coherent in itself.

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
    /// True if Sentinels that disagree are taken as they are.
    allow_disagreement: bool,
}

struct Sentinel {
    name: String,
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    /// The master that it named last; none if it did not answer or knows none.
    named: crate::sync::Mutex<Option<HostPort>>,
}

/// The answers that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// Those of all Sentinels.
    All,
    /// As many as it takes to know whether most of them name one address.
    Most,
}

/// The identity of a Sentinel, and of the others that it knows.
struct Kin {
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

    /// The address of the master that most Sentinels name.
    ///
    /// # Errors
    ///
    /// If no address is named by most, or if groups that do not know each other name different ones.
    pub(super) async fn master(&self, patience: Duration, wait_for: WaitFor) -> RedisResult<HostPort> {
        let named = self.named(patience, wait_for).await;
        if !self.allow_disagreement {
            // With the last word of those that are late.
            let known: Vec<_> = self.all.iter().map(|sentinel| lock(&sentinel.named).clone()).collect();
            if votes(&known).len() > 1 {
                self.must_be_one_group(&known, patience).await?;
            }
        }
        let votes = votes(&named);
        let most = votes.values().max().copied().unwrap_or_default();
        // At a tie the first in the list decides, where disagreement is allowed.
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

    /// The address that each Sentinel names, in their order; none of those that do not answer, know no such master, or are late.
    async fn named(&self, patience: Duration, wait_for: WaitFor) -> Vec<Option<HostPort>> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let mut asked = JoinSet::new();
        for (index, sentinel) in self.all.iter().enumerate() {
            let (sentinel, command) = (sentinel.clone(), command.clone());
            asked.spawn(async move {
                let answer = sentinel.ask::<Option<HostPort>>(&command, patience).await.ok().flatten();
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
        // Those that are late still say what they know, within their patience.
        asked.detach_all();
        named
    }

    /// Returns whether most of the Sentinels name one address, or cannot any more, while the answers of so many are missing.
    fn is_decided(&self, named: &[Option<HostPort>], missing: usize) -> bool {
        let most = votes(named).values().max().copied().unwrap_or_default();
        let can = (most + missing) * 2 > self.all.len() || self.allow_disagreement;
        most * 2 > self.all.len() || !can
    }

    /// Refuses Sentinels that watch different servers: they name different masters and do not know each other. Two of one group may name
    /// different masters as well, while a failover is under way or a network is split.
    async fn must_be_one_group(&self, named: &[Option<HostPort>], patience: Duration) -> RedisResult<()> {
        let kin = self.kin(named, patience).await;
        let knows = |one: &Kin, other: &Kin| one.id == other.id || one.others.contains(&other.id);
        for (index, one) in kin.iter().enumerate() {
            for other in index + 1..kin.len() {
                let (Some(here), Some(there)) = (&named[index], &named[other]) else { continue };
                let (Some(one), Some(two)) = (one, &kin[other]) else { continue };
                if here != there && !(knows(one, two) && knows(two, one)) {
                    let say =
                        |index: usize, (host, port): &HostPort| format!("{} names {host}:{port}", self.all[index].name);
                    return Err(refused(format!(
                        "{}, {}, and these Sentinels do not know each other",
                        say(index, here),
                        say(other, there)
                    )));
                }
            }
        }
        Ok(())
    }

    /// The kin of each Sentinel that has named a master, in their order.
    async fn kin(&self, named: &[Option<HostPort>], patience: Duration) -> Vec<Option<Kin>> {
        let mut command = redis::cmd("SENTINEL");
        let ids = self.ask::<String>(named, command.arg("MYID"), patience).await;
        let mut command = redis::cmd("SENTINEL");
        command.arg("SENTINELS").arg(&self.master);
        let others = self.ask::<Vec<HashMap<String, String>>>(named, &command, patience).await;
        let kin = ids.into_iter().zip(others).map(|(id, others)| {
            let others = others?.into_iter().filter_map(|mut fields| fields.remove("runid")).collect();
            Some(Kin { id: id?, others })
        });
        kin.collect()
    }

    /// Asks those that have named a master, all at once; their answers in their order.
    async fn ask<T: FromRedisValue + Send + 'static>(
        &self,
        named: &[Option<HostPort>],
        command: &Cmd,
        patience: Duration,
    ) -> Vec<Option<T>> {
        let mut asked = JoinSet::new();
        for (index, sentinel) in self.all.iter().enumerate().filter(|(index, _)| named[*index].is_some()) {
            let (sentinel, command) = (sentinel.clone(), command.clone());
            asked.spawn(async move { (index, sentinel.ask(&command, patience).await.ok()) });
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
        let why = format!("the master `{}` is named alike by {most} of {} Sentinels", self.master, self.all.len());
        RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "most Sentinels name no master", why))
    }
}

/// The number of Sentinels that name each address.
fn votes(named: &[Option<HostPort>]) -> BTreeMap<&HostPort, usize> {
    let mut votes = BTreeMap::new();
    for address in named.iter().flatten() {
        *votes.entry(address).or_default() += 1;
    }
    votes
}

impl Sentinel {
    fn new(info: &ConnectionInfo) -> RedisResult<Self> {
        // Sentinels know neither databases nor the users of the master.
        let name = info.addr().to_string();
        let client = Client::open(info.addr().clone())?;
        Ok(Self { name, client, connection: Mutex::default(), named: crate::sync::Mutex::default() })
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd, patience: Duration) -> RedisResult<T> {
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
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection().await?;
        *kept = Some(connection.clone());
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
