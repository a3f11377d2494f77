//! The shared tier, side by side with bare commands on the same server.
//!
//! A read of the tier is one GET on a connection that is subscribed to the log; this shows what the subscription, the envelope,
//! the judgement and the decoding add to it. Rounds take turns, so what else the machine does strikes all cases alike.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use fastness::{Fastness, Redis as Settings, cacheable, scope};
use fastness_benches::report::{Line, budget};
use fastness_tests::servers::{Redis, until};
use fred::interfaces::{ClientLike, KeysInterface};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncCommands, IntoConnectionInfo, ProtocolVersion};
use serde::{Deserialize, Serialize};

const KEYS: usize = 1_000;
const ROUNDS: usize = 9;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    mail: String,
    tags: Vec<String>,
    score: f64,
}

fn user(id: u64) -> Arc<User> {
    Arc::new(User {
        id,
        name: format!("user number {id}"),
        mail: format!("{id}@example.org"),
        tags: (0..6).map(|tag| format!("tag {tag} of user {id}")).collect(),
        score: 0.5,
    })
}

#[cacheable(ttl = 3600, key = "user:{id}", tier = shared, single_flight = off)]
async fn ours(id: u64) -> Arc<User> {
    user(id)
}

/// As it is by default: one load per process.
#[cacheable(ttl = 3600, key = "user:{id}", tier = shared)]
async fn one_flight(id: u64) -> Arc<User> {
    user(id)
}

#[cacheable(ttl = 3600, key = "user:{ids}", tier = shared, batch(ids))]
async fn many(ids: &[u64]) -> HashMap<u64, Arc<User>> {
    ids.iter().map(|id| (*id, user(*id))).collect()
}

/// What every case needs.
struct World {
    server: Redis,
    fast: Fastness,
    connection: MultiplexedConnection,
    fred: fred::clients::Client,
    /// The keys of the stored values.
    keys: Vec<String>,
}

static WORLD: OnceLock<World> = OnceLock::new();

fn world() -> &'static World {
    WORLD.get().expect("made first")
}

async fn make() -> World {
    let server = Redis::start().await;
    let fast =
        Fastness::builder().redis(Settings::single(&server.url()).expect("an address")).build().await.expect("a cache");
    until("it is connected", async || fast.shared().is_some_and(|shared| shared.connected)).await;
    for id in 0..KEYS as u64 {
        scope(&fast, ours(id)).await;
        until("it is stored", async || fast.shared().is_some_and(|shared| shared.stores > id)).await;
    }
    let connection = bare(&server).await;
    let mut keys: Vec<String> = connection.clone().keys("fastness:user:*").await.expect("keys");
    keys.sort_by_key(|key| key.split([':', '#']).nth(2).and_then(|id| id.parse::<usize>().ok()));
    let config = fred::types::config::Config::from_url(&server.url()).expect("an address");
    let fred = fred::types::Builder::from_config(config).build().expect("a client");
    fred.init().await.expect("a connection");
    World { server, fast, connection, fred, keys }
}

async fn bare(server: &Redis) -> MultiplexedConnection {
    let info = server.url().into_connection_info().expect("an address");
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let info = info.set_redis_settings(settings).set_tcp_settings(TcpSettings::default().set_nodelay(true));
    redis::Client::open(info).expect("a client").get_multiplexed_async_connection().await.expect("a connection")
}

fn main() {
    for workers in [1, 2] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            // The driver of a connection lives in the runtime that made it.
            if WORLD.get().is_none() {
                let _ = WORLD.set(make().await);
            }
        });
        if workers == 1 {
            runtime.block_on(hits(workers));
            runtime.block_on(batches());
            runtime.block_on(prefix());
            runtime.block_on(hang());
            std::process::exit(0);
        }
    }
}

/// Operations per second of each case, a round at a time; then the ratios of each round to the first case.
async fn compare(what: &str, tasks: usize, ops: usize, cases: &[(&str, Case)]) -> Vec<f64> {
    let mut times = vec![Vec::new(); cases.len()];
    for round in 0..=ROUNDS {
        for (index, (_, case)) in cases.iter().enumerate() {
            let time = case(tasks, ops).await;
            // The first round warms up.
            if round > 0 {
                times[index].push(time.as_secs_f64());
            }
        }
    }
    println!("\n{what}");
    let mut ratios = Vec::new();
    for ((name, _), own) in cases.iter().zip(&times) {
        let ratio = median(own.iter().zip(&times[0]).map(|(own, first)| own / first).collect());
        let each = median(own.clone()) / ops as f64 * 1e6;
        println!("  {name:32} {each:9.2} us each {:9.0}/s {ratio:6.2} of the time of the first", 1e6 / each);
        ratios.push(ratio);
    }
    ratios
}

type Timed = std::pin::Pin<Box<dyn Future<Output = Duration>>>;
type Case = fn(usize, usize) -> Timed;

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Lets tasks share the operations, and says how long all took.
#[allow(clippy::disallowed_methods)]
async fn timed<F, Fut>(tasks: usize, ops: usize, op: F) -> Duration
where
    F: Fn(usize) -> Fut + Copy + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let (each, began) = (ops / tasks, Instant::now());
    let tasks = (0..tasks).map(|task| {
        tokio::spawn(async move {
            for n in 0..each {
                // Far apart, so that no two tasks ask for one key at the same time.
                op((task * 157 + n * 61) % KEYS).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a task");
    }
    began.elapsed()
}

macro_rules! case {
    (|$index:ident| $op:expr) => {
        |tasks, ops| Box::pin(timed(tasks, ops, |$index| async move { $op }))
    };
}

async fn hits(workers: usize) {
    let cases: [(&str, Case); 5] = [
        (
            "bare GET",
            case!(|index| drop(
                world().connection.clone().get::<_, Vec<u8>>(&world().keys[index]).await.expect("a value")
            )),
        ),
        (
            "bare GET, decoded by hand",
            case!(|index| {
                let bytes: Vec<u8> = world().connection.clone().get(&world().keys[index]).await.expect("a value");
                let payload = &bytes[52 + "user:".len() + index.to_string().len()..];
                let mut reader = rmp_serde::Deserializer::from_read_ref(payload).with_human_readable();
                drop(Arc::new(User::deserialize(&mut reader).expect("a user")));
            }),
        ),
        ("fastness, single_flight = off", case!(|index| drop(scope(&world().fast, ours(index as u64)).await))),
        ("fastness", case!(|index| drop(scope(&world().fast, one_flight(index as u64)).await))),
        ("fred GET", case!(|index| drop(world().fred.get::<Vec<u8>, _>(&world().keys[index]).await.expect("a value")))),
    ];
    let latency = compare(&format!("a read, 1 task, {workers} worker"), 1, 3_000, &cases).await;
    let at_64 = compare(&format!("reads, 64 tasks, {workers} worker"), 64, 64_000, &cases).await;
    let at_256 = compare(&format!("reads, 256 tasks, {workers} worker"), 256, 128_000, &cases).await;
    budget(&[
        Line::at_most("latency of a read / bare GET", 1.1, latency[3]),
        Line::at_most("time of reads at 64 tasks / bare GET, decoding included", 1.0 / 0.8, at_64[3]),
        Line::at_most("time of reads at 256 tasks / bare GET, decoding included", 1.0 / 0.8, at_256[3]),
        Line::at_most("time of reads at 64 tasks / GET decoded by hand", 1.0 / 0.9, at_64[3] / at_64[1]),
        Line::at_most("time of reads at 256 tasks / GET decoded by hand", 1.0 / 0.9, at_256[3] / at_256[1]),
    ]);
}

async fn batches() {
    let cases: [(&str, Case); 3] = [
        (
            "bare MGET of 100",
            case!(|index| {
                let first = index % (KEYS - 100);
                drop(
                    world()
                        .connection
                        .clone()
                        .mget::<_, Vec<Vec<u8>>>(&world().keys[first..first + 100])
                        .await
                        .expect("values"),
                );
            }),
        ),
        (
            "bare MGET of 100, decoded by hand",
            case!(|index| {
                let first = index % (KEYS - 100);
                let all: Vec<Vec<u8>> =
                    world().connection.clone().mget(&world().keys[first..first + 100]).await.expect("values");
                let decoded = all.iter().zip(first..).map(|(bytes, id)| {
                    let payload = &bytes[52 + "user:".len() + id.to_string().len()..];
                    let mut reader = rmp_serde::Deserializer::from_read_ref(payload).with_human_readable();
                    (id as u64, Arc::new(User::deserialize(&mut reader).expect("a user")))
                });
                drop(decoded.collect::<HashMap<_, _>>());
            }),
        ),
        (
            "fastness, batch of 100",
            case!(|index| {
                let first = (index % (KEYS - 100)) as u64;
                let ids: Vec<_> = (first..first + 100).collect();
                assert_eq!(scope(&world().fast, many(&ids)).await.len(), 100);
            }),
        ),
    ];
    let ratios = compare("batches of 100, 1 task", 1, 1_000, &cases).await;
    budget(&[Line::at_most("batch of 100 / bare MGET decoded by hand", 1.15, ratios[2] / ratios[1])]);
    let port = world().server.port().to_string();
    let bench = std::process::Command::new("redis-benchmark")
        .args(["-p", &port, "-c", "1", "-P", "100", "-n", "300000", "-t", "get", "-q"])
        .output();
    if let Ok(output) = bench {
        println!(
            "  redis-benchmark, pipeline of 100: {}",
            String::from_utf8_lossy(&output.stdout).trim().rsplit('\r').next().unwrap_or("")
        );
    }
}

/// All commands that the server has executed, by name.
async fn commands() -> HashMap<String, u64> {
    let stats: String = world().server.command(&["INFO", "commandstats"]).await;
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        Some((name.to_owned(), rest.strip_prefix("calls=")?.split(',').next()?.parse().ok()?))
    };
    stats.lines().filter_map(calls).collect()
}

#[allow(clippy::disallowed_methods)]
async fn prefix() {
    let mut connection = world().connection.clone();
    let value = "x".repeat(200);
    for thousand in 0..1_000 {
        let mut pipe = redis::pipe();
        for n in 0..1_000 {
            pipe.set(format!("fastness:user:{}#0", thousand * 1_000 + n), &value).ignore();
        }
        pipe.query_async::<()>(&mut connection).await.expect("room");
    }
    let size: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await.expect("a number");
    let (before, cache) = (commands().await, world().fast.cache());
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        cache.invalidate("user:*").await.expect("a pattern");
        times.push(began.elapsed().as_secs_f64());
    }
    let after = commands().await;
    let mut gets = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        let _: Vec<u8> = connection.get(&world().keys[0]).await.unwrap_or_default();
        gets.push(began.elapsed().as_secs_f64());
    }
    let (ours, get) = (median(times), median(gets));
    let issued: Vec<_> = after.iter().filter(|(name, count)| before.get(*name) != Some(count)).collect();
    println!(
        "\n`user:*` among {size} keys: {:.0} us, a bare GET {:.0} us; commands of 200 of them: {issued:?}",
        ours * 1e6,
        get * 1e6
    );
    budget(&[Line::at_most("`user:*` / a bare GET", 3.0, ours / get)]);
    let began = Instant::now();
    let (mut cursor, mut trips) = (0_u64, 0);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg("fastness:user:*").arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await.expect("keys");
        if !keys.is_empty() {
            connection.unlink::<_, ()>(keys).await.expect("unlinked");
        }
        (cursor, trips) = (next, trips + 2);
        if cursor == 0 {
            break;
        }
    }
    println!("  SCAN COUNT 1000 + UNLINK of the same: {:?}, {trips} commands", began.elapsed());
}

/// A server that stops under 64 callers.
#[allow(clippy::disallowed_methods)]
async fn hang() {
    let slowest = async |first: u64, callers: u64| {
        let calls = (first..first + callers).map(|id| {
            tokio::spawn(async move {
                let began = Instant::now();
                drop(scope(&world().fast, ours(1_000_000 + id)).await);
                began.elapsed()
            })
        });
        let mut all = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            all.push(call.await.expect("a call"));
        }
        all.sort();
        (all[all.len() / 2], all[all.len() - 1])
    };
    let alone = slowest(0, 64).await;
    world().server.pause();
    let before = slowest(1_000, 64).await;
    let after = slowest(2_000, 64).await;
    println!(
        "\na server that hangs, 64 callers, (median, slowest): well {alone:?}; first to meet it {before:?}; after that {after:?}"
    );
    world().server.resume();
}
