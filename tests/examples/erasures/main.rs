//! A run of erasures under load, over several processes of two versions of one program; `scripts/soak erasures` starts it.
//!
//! Each key is loaded by two processes and invalidated by a third while these loads are under way, or have just ended. Processes are
//! killed, and slots of the cluster move meanwhile. Nothing of any value may be left in Redis once the bound has passed.

use std::collections::{HashMap, HashSet};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastness::Redis as Settings;
use fastness_tests::servers::{Cluster, PATIENCE, Redis, prefix};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

/// Time within which everything must be gone: a value that was stored after its invalidation expires after 10 s.
const BOUND: Duration = Duration::from_secs(15);
/// Number of keys that are under way at one time.
const TOGETHER: usize = 200;
/// Number of processes of each version.
const OF_EACH_VERSION: usize = 2;

mod node;
mod slots;

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let text: Vec<_> = arguments.iter().map(String::as_str).collect();
    match text[..] {
        ["node", version, kind, prefix, ref urls @ ..] => node::run(version, settings(kind, urls, prefix)).await,
        [count, kind] => Run::new(kind, count.parse().expect("a number")).await.finish().await,
        _ => panic!("erasures COUNT single|cluster|moving|log"),
    }
}

fn settings(kind: &str, urls: &[&str], prefix: &str) -> Settings {
    let settings = match kind {
        "single" => Settings::single(urls[0]),
        _ => Settings::cluster(urls.iter().copied()),
    };
    settings.expect("addresses").prefix(prefix).command_timeout(Duration::from_secs(1)).takeover(Duration::ZERO)
}

enum Servers {
    One(Redis),
    Many(Cluster),
}

impl Servers {
    fn nodes(&self) -> Vec<&Redis> {
        match self {
            Self::One(server) => vec![server],
            Self::Many(cluster) => cluster.nodes().iter().collect(),
        }
    }
}

/// A word of a process about a key, or the end of the process.
enum Heard {
    Line { of: usize, word: String, id: u64 },
    Gone { of: usize },
}

struct Node {
    child: Child,
    input: ChildStdin,
}

/// A key that is under way: the processes whose load has to begin, and the process that is to invalidate it then.
struct Key {
    loading: HashSet<usize>,
    forgetting: Option<usize>,
}

struct Run {
    kind: String,
    prefix: String,
    count: u64,
    servers: Arc<Servers>,
    nodes: HashMap<usize, Node>,
    started: usize,
    said: UnboundedSender<Heard>,
    heard: UnboundedReceiver<Heard>,
    keys: HashMap<u64, Key>,
    loads: u64,
    killed: u64,
}

impl Run {
    async fn new(kind: &str, count: u64) -> Self {
        let servers = match kind {
            "single" => Servers::One(Redis::start().await),
            "cluster" | "moving" | "log" => Servers::Many(Cluster::start().await),
            other => panic!("`{other}` is no kind of run: single, cluster, moving or log"),
        };
        let (said, heard) = unbounded_channel();
        let (prefix, servers) = (prefix(), Arc::new(servers));
        let (nodes, keys) = (HashMap::new(), HashMap::new());
        let kind = kind.to_owned();
        Self { kind, prefix, count, servers, nodes, started: 0, said, heard, keys, loads: 0, killed: 0 }
    }

    /// Starts a process; versions take turns.
    async fn start(&mut self) {
        let of = self.started;
        self.started += 1;
        let mut child = Command::new(std::env::current_exe().expect("its path"))
            .args(["node", if of.is_multiple_of(2) { "v1" } else { "v2" }, &self.kind, &self.prefix])
            .args(self.servers.nodes().iter().map(|node| node.url()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("a line");
        assert_eq!(ready.as_deref(), Some("ready 0"));
        let input = child.stdin.take().expect("its input");
        self.nodes.insert(of, Node { child, input });
        tokio::spawn(listen(of, lines, self.said.clone()));
    }

    async fn tell(&mut self, of: usize, word: &str, id: u64) {
        let node = self.nodes.get_mut(&of).expect("a process");
        // One that was killed is heard of.
        let _ = node.input.write_all(format!("{word} {id}\n").as_bytes()).await;
    }

    fn any(&self) -> usize {
        *fastrand::choice(self.nodes.keys()).expect("a process")
    }

    async fn begin(&mut self, id: u64) {
        let loading = HashSet::from([self.any(), self.any()]);
        self.keys.insert(id, Key { loading: loading.clone(), forgetting: None });
        for of in loading {
            self.tell(of, "load", id).await;
        }
    }

    /// Invalidates the key, by any process, once every load of it has begun.
    async fn forget_if_begun(&mut self, id: u64) {
        let by = self.any();
        let Some(key) = self.keys.get_mut(&id) else { return };
        if key.loading.is_empty() && key.forgetting.is_none() {
            key.forgetting = Some(by);
            self.tell(by, "forget", id).await;
        }
    }

    async fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Line { word, id, .. } if word == "forgot" => {
                self.keys.remove(&id);
            }
            Heard::Line { of, word, id } => {
                self.loads += u64::from(word == "began");
                if let Some(key) = self.keys.get_mut(&id) {
                    key.loading.remove(&of);
                }
                self.forget_if_begun(id).await;
            }
            Heard::Gone { of } => {
                self.nodes.remove(&of);
                self.start().await;
                for key in self.keys.values_mut() {
                    key.loading.remove(&of);
                    key.forgetting = key.forgetting.filter(|by| *by != of);
                }
                for id in self.keys.keys().copied().collect::<Vec<_>>() {
                    self.forget_if_begun(id).await;
                }
            }
        }
    }

    async fn finish(mut self) {
        let began = Instant::now();
        for _ in 0..2 * OF_EACH_VERSION {
            self.start().await;
        }
        let moved = Arc::new(AtomicU64::new(0));
        let task =
            tokio::spawn(slots::run(self.servers.clone(), self.kind.clone(), self.prefix.clone(), moved.clone()));
        let mut kill = tokio::time::interval_at(began + Duration::from_secs(20), Duration::from_secs(20));
        let mut next = 0;
        while next < self.count || !self.keys.is_empty() {
            while next < self.count && self.keys.len() < TOGETHER {
                self.begin(next).await;
                next += 1;
                if next.is_multiple_of(10_000) {
                    println!(
                        "{next} keys after {:.0?}, {} slots moved",
                        began.elapsed(),
                        moved.load(Ordering::Relaxed)
                    );
                }
            }
            tokio::select! {
                heard = self.heard.recv() => self.hear(heard.expect("a sender")).await,
                _ = kill.tick() => {
                    let of = self.any();
                    self.killed += 1;
                    self.nodes.get_mut(&of).expect("a process").child.start_kill().expect("it runs");
                }
            }
        }
        task.abort();
        let _ = task.await;
        println!(
            "{} keys invalidated in {:.0?}, {} loads, {} processes killed, {} slots moved",
            self.count,
            began.elapsed(),
            self.loads,
            self.killed,
            moved.load(Ordering::Relaxed)
        );
        let (end, mut left) = (Instant::now() + BOUND, self.left().await);
        println!("at once: {} values are left", left.len());
        while !left.is_empty() && Instant::now() < end {
            #[expect(clippy::disallowed_methods, reason = "values expire in the servers")]
            sleep(Duration::from_millis(250)).await;
            left = self.left().await;
        }
        println!(
            "after {:.1?}: {} values are left",
            BOUND.saturating_sub(end.saturating_duration_since(Instant::now())),
            left.len()
        );
        for (key, ttl) in left.iter().take(20) {
            println!("  {key}, for {ttl} ms");
        }
        assert!(left.is_empty(), "values outlived their invalidation");
    }

    /// Returns all addresses of erasable values that the masters have, with their times to live in milliseconds.
    async fn left(&self) -> HashMap<String, i64> {
        let mut found = HashMap::new();
        for server in self.servers.nodes() {
            let mut cursor = "0".to_owned();
            loop {
                let pattern = format!("{}~*", self.prefix);
                let scan = ["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"];
                let (next, keys): (String, Vec<String>) = server.command(&scan).await;
                for key in keys {
                    // A replica redirects.
                    let Ok(ttl) = server.ask::<i64>(&["PTTL", &key]).await else { continue };
                    if ttl != -2 {
                        found.insert(key, ttl);
                    }
                }
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
        }
        found
    }
}

async fn listen(of: usize, mut lines: Lines<BufReader<ChildStdout>>, said: UnboundedSender<Heard>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let (word, id) = line.split_once(' ').expect("a word and a number");
        let _ = said.send(Heard::Line { of, word: word.to_owned(), id: id.parse().expect("a number") });
    }
    let _ = said.send(Heard::Gone { of });
}
