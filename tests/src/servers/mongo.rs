//! MongoDB: one server, or a replica set of three.

use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use tokio::sync::OnceCell;

use super::process::Process;
use super::{PATIENCE, binary, free_port, until};

/// The name of every replica set.
const SET: &str = "rs0";

/// A MongoDB server. Its data outlive a [`kill`](Self::kill), and are removed when this is dropped.
#[derive(Debug)]
pub struct Mongo {
    process: Option<Process>,
    port: u16,
    arguments: Vec<String>,
}

/// One server for all tests of this process; each uses a database of its own.
pub async fn shared_mongo() -> &'static Mongo {
    static SHARED: OnceCell<Mongo> = OnceCell::const_new();
    SHARED.get_or_init(Mongo::start).await
}

/// A name of a database that no other test has.
pub fn database_name() -> String {
    super::prefix().replace(':', "")
}

impl Mongo {
    /// Starts a server and waits until it takes writes. Fail points are enabled in it.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a server with further arguments, such as `["--auth"]`.
    pub async fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let mut server = Self { process: None, port: free_port(), arguments };
        server.restart().await;
        server
    }

    /// Starts the server again on the same port, with the data that it had when it was killed.
    pub async fn restart(&mut self) {
        let folder = folder(self.port);
        // Dropping a process removes its folder, which the next process needs.
        if let Some(process) = self.process.take() {
            process.end_and_keep_folder();
        }
        let arguments = self.arguments(&folder);
        self.process = Some(Process::listening(&binary("mongod"), &arguments, folder, self.port).await);
    }

    fn arguments(&self, folder: &Path) -> Vec<String> {
        let options = [
            ("--dbpath", folder.display().to_string()),
            ("--port", self.port.to_string()),
            ("--bind_ip", "127.0.0.1".to_owned()),
            // The smallest size that the server accepts.
            ("--wiredTigerCacheSizeGB", "0.25".to_owned()),
            // Otherwise each server takes 300 MB of the disk before it stores anything.
            ("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)".to_owned()),
            ("--setParameter", "diagnosticDataCollectionEnabled=false".to_owned()),
            // Fail points.
            ("--setParameter", "enableTestCommands=1".to_owned()),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        options.chain(["--nounixsocket".to_owned()]).chain(self.arguments.iter().cloned()).collect()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of this server alone, even if it is a member of a set.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// A new client for this server alone.
    pub async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// A database that no other test has, with a new client.
    pub async fn database(&self) -> Database {
        self.client().await.database(&database_name())
    }

    /// Runs one command in the database `admin`; an error fails the test.
    pub async fn admin(&self, command: Document) -> Document {
        admin(&self.client().await, command).await
    }

    /// Pauses the server: it keeps its connections open and answers nothing.
    pub fn pause(&self) {
        self.process.as_ref().expect("a running server").pause();
    }

    /// Resumes the server.
    pub fn resume(&self) {
        self.process.as_ref().expect("a running server").resume();
    }

    /// Returns whether the server has not been killed.
    pub fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_running)
    }

    /// Waits until the writes so far would survive a kill. A server that is not in a set acknowledges writes before that, and writes its
    /// journal every 100 ms.
    pub async fn flush(&self) {
        self.admin(doc! { "fsync": 1 }).await;
    }

    /// Kills the server at once. The writes in its journal survive: see [`flush`](Self::flush).
    pub fn kill(&mut self) {
        self.process.as_mut().expect("a server").kill();
    }
}

/// A primary and two secondaries.
#[derive(Debug)]
pub struct MongoSet {
    nodes: Vec<Mongo>,
}

/// One set for all tests of this process that do not break it; each uses a database of its own.
pub async fn shared_mongo_set() -> &'static MongoSet {
    static SHARED: OnceCell<MongoSet> = OnceCell::const_new();
    SHARED.get_or_init(MongoSet::start).await
}

impl MongoSet {
    /// Starts three servers, joins them, and waits until there are a primary and two secondaries.
    pub async fn start() -> Self {
        let arguments = ["--replSet", SET, "--oplogSize", "50"];
        let mut nodes = Vec::new();
        while nodes.len() < 3 {
            nodes.push(Mongo::with(&arguments).await);
        }
        let set = Self { nodes };
        let member = |(id, node): (usize, &Mongo)| {
            // One of them wins the first election, so that no second one is needed.
            let priority = if id == 0 { 2 } else { 1 };
            doc! { "_id": i32::try_from(id).expect("three"), "host": format!("127.0.0.1:{}", node.port), "priority": priority }
        };
        let members: Vec<_> = set.nodes.iter().enumerate().map(member).collect();
        // The defaults make an election take ten seconds.
        let settings = doc! { "electionTimeoutMillis": 1_000, "heartbeatIntervalMillis": 200 };
        let config = doc! { "_id": SET, "members": members, "settings": settings };
        set.nodes[0].admin(doc! { "replSetInitiate": config }).await;
        until("the set has a primary and two secondaries", async || {
            let states = set.states().await;
            states.iter().filter(|state| *state == "PRIMARY").count() == 1
                && states.iter().filter(|state| *state == "SECONDARY").count() == 2
        })
        .await;
        set
    }

    /// The address of the whole set.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("mongodb://{}/?replicaSet={SET}", hosts.join(","))
    }

    /// A client of its own for the whole set.
    pub async fn client(&self) -> Client {
        client(&self.url()).await
    }

    /// A database that no other test has, with a new client.
    pub async fn database(&self) -> Database {
        self.client().await.database(&database_name())
    }

    /// The servers.
    pub fn nodes(&self) -> &[Mongo] {
        &self.nodes
    }

    /// Waits for a server that takes writes, and returns it.
    pub async fn primary(&self) -> &Mongo {
        let mut found = None;
        until("the set has a primary", async || {
            for node in self.nodes.iter().filter(|node| node.is_running()) {
                let hello = node.client().await.database("admin").run_command(doc! { "hello": 1 }).await;
                if hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").is_ok_and(|primary| primary)) {
                    found = Some(node);
                }
            }
            found.is_some()
        })
        .await;
        found.expect("a primary")
    }

    /// Makes the primary a secondary for a minute, and waits until another takes writes.
    pub async fn step_down(&self) {
        let old = self.primary().await;
        old.admin(doc! { "replSetStepDown": 60, "secondaryCatchUpPeriodSecs": 5 }).await;
        until("another is the primary", async || self.primary().await.port != old.port).await;
    }

    /// Kills the primary, and waits until another takes writes.
    pub async fn kill_primary(&mut self) {
        let old = self.primary().await.port;
        self.nodes.iter_mut().find(|node| node.port == old).expect("one of ours").kill();
        self.primary().await;
    }

    /// Kills a secondary, and returns its address.
    pub async fn kill_secondary(&mut self) -> String {
        let primary = self.primary().await.port;
        let node = self.nodes.iter_mut().find(|node| node.is_running() && node.port != primary).expect("a secondary");
        node.kill();
        format!("127.0.0.1:{}", node.port)
    }

    /// Starts the killed servers again.
    pub async fn restart(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| !node.is_running()) {
            node.restart().await;
        }
    }

    /// The state of each member, as the first server sees it.
    async fn states(&self) -> Vec<String> {
        let status = self.nodes[0].client().await.database("admin").run_command(doc! { "replSetGetStatus": 1 }).await;
        let Ok(status) = status else { return Vec::new() };
        let members = status.get_array("members").cloned().unwrap_or_default();
        members.iter().filter_map(|member| Some(member.as_document()?.get_str("stateStr").ok()?.to_owned())).collect()
    }
}

async fn client(url: &str) -> Client {
    let mut options = ClientOptions::parse(url).await.expect("an address");
    options.server_selection_timeout = Some(Duration::from_secs(10));
    Client::with_options(options).expect("a client")
}

async fn admin(client: &Client, command: Document) -> Document {
    let database = client.database("admin");
    let answer =
        tokio::time::timeout(PATIENCE, database.run_command(command.clone()).into_future()).await.expect("an answer");
    answer.unwrap_or_else(|error| panic!("{command}: {error}"))
}

fn folder(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("fastness-mongo-{}-{port}", std::process::id()))
}
