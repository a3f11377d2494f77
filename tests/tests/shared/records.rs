//! Rolling deploys: processes whose builds write other records into one log.
//!
//! Record format 1 is tested as it was written and read before format 2 existed: the script, the layout and the rules of a reader are
//! frozen copies, not a build of that time. The rules of a reader of format 2 that knows no kind but an invalidation are a frozen copy too.
//! The newer build is invented: it writes kinds and fields that this build does not know.

use std::sync::Arc;

use fastness::{Fastness, Reach, cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, prefix, shared_redis, until};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, Value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{Origin, node, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "twig:{id}", skip(origin))]
async fn twig(origin: Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.load())
}

/// The script of format 1, which builds after it still understand.
const APPEND: &str = r"
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local life, previous
if last then
    previous, life = last[1], last[2][2]
else
    life = ARGV[4]
    previous = redis.call('XADD', KEYS[1], '*', 'l', life, 'r', '')
end
local oldest = tonumber(string.match(previous, '^%d+')) - tonumber(ARGV[5])
local id = redis.call('XADD', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(oldest, 0)), '*', 'l', life, 'r', ARGV[2])
redis.call('PUBLISH', ARGV[1], life .. ' ' .. id .. ' ' .. previous .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
return {life, id}
";

/// The reaction of a process of format 1 to a message.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// Invalidates everything: the record is of another life, or is unreadable.
    Everything,
    Scopes(Vec<u64>),
    /// Ignores the message.
    Nothing,
}

/// The record of format 1 that concerns these scopes, which all have one root.
fn format_1(root: u16, scopes: &[u64]) -> Vec<u8> {
    let mut bytes = vec![1, 0];
    bytes.extend(u16::try_from(scopes.len()).unwrap().to_le_bytes());
    bytes.extend(u32::try_from(scopes.len()).unwrap().to_le_bytes());
    bytes.extend(scopes.iter().flat_map(|_| root.to_le_bytes()));
    bytes.extend(scopes.iter().flat_map(|scope| scope.to_le_bytes()));
    bytes
}

/// A record that a newer build writes: the conservative part is that of format 1.
fn newer(conservative: &[u8], kind: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = conservative.to_vec();
    bytes[0] = 2;
    bytes.push(kind);
    for (number, content) in fields {
        bytes.push(*number);
        bytes.extend(u16::try_from(content.len()).unwrap().to_le_bytes());
        bytes.extend(*content);
    }
    bytes
}

/// Reads a record as a process that knows only format 1 does.
fn read_format_1(bytes: &[u8]) -> Heard {
    let parse = || {
        let (&[version, flags, r0, r1, s0, s1, s2, s3], rest) = bytes.split_first_chunk::<8>()?;
        let (roots, scopes) = (u16::from_le_bytes([r0, r1]), u32::from_le_bytes([s0, s1, s2, s3]));
        let (_, scope_bytes) = rest.split_at_checked(2 * usize::from(roots))?;
        let (read, []) = scope_bytes.as_chunks::<8>() else { return None };
        let whole = u32::try_from(read.len()) == Ok(scopes);
        // Flag 2 is everything.
        (version == 1 && flags < 2 && whole).then(|| read.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    };
    match bytes {
        [] => Heard::Scopes(Vec::new()),
        _ => parse().map_or(Heard::Everything, Heard::Scopes),
    }
}

/// Reads a record as an early reader of format 2 does, which knows no kind but an invalidation: it obeys the conservative part where the
/// record may not be skipped, and skips the record otherwise.
fn read_early_format_2(bytes: &[u8]) -> Heard {
    let parse = || {
        let (&[2, flags, r0, r1, s0, s1, s2, s3], rest) = bytes.split_first_chunk::<8>()? else { return None };
        let (roots, scopes) = (u16::from_le_bytes([r0, r1]), u32::from_le_bytes([s0, s1, s2, s3]));
        let (_, rest) = rest.split_at_checked(2 * usize::from(roots))?;
        let (scopes, [kind, fields @ ..]) = rest.split_at_checked(8 * usize::try_from(scopes).ok()?)? else {
            return None;
        };
        let scopes: Vec<_> = scopes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let unknown = *kind >= 128 || !fields.is_empty();
        (flags < 2 && !(unknown && scopes.is_empty())).then_some(scopes)
    };
    match bytes {
        [2, ..] => parse().map_or(Heard::Everything, Heard::Scopes),
        _ => read_format_1(bytes),
    }
}

/// A process of another build: it appends the records that a test gives it, and receives published messages.
struct Other {
    connection: MultiplexedConnection,
    pushes: UnboundedReceiver<PushInfo>,
    log: String,
    life: u64,
}

impl Other {
    async fn join(url: &str, prefix: &str) -> Self {
        let info = url.into_connection_info().unwrap();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let (sender, pushes) = unbounded_channel();
        let config = AsyncConnectionConfig::new().set_push_sender(sender).set_response_timeout(Some(PATIENCE));
        let client = Client::open(info.set_redis_settings(settings)).unwrap();
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        let log = format!("{prefix}log");
        connection.subscribe(&log).await.unwrap();
        let life = u64::from_str_radix(&last(&mut connection, &log).await.0, 16).unwrap();
        Self { connection, pushes, log, life }
    }

    /// Appends a record as a build of format 1 does, whose tokens have no sign.
    async fn append(&mut self, record: &[u8]) {
        let mut command = redis::cmd("EVAL");
        command.arg(APPEND).arg(1).arg(&self.log).arg(&self.log).arg(record);
        command.arg("0000000000000000").arg("00000000000000ab").arg(3_600_000);
        command.query_async::<Value>(&mut self.connection).await.unwrap();
        // Receives its own message.
        self.hear().await;
    }

    /// Receives the next message, and reacts like a process of format 1.
    async fn hear(&mut self) -> Heard {
        let message = async {
            loop {
                let PushInfo { kind, data } = self.pushes.recv().await.unwrap();
                if let (PushKind::Message, Some(Value::BulkString(message))) = (kind, data.into_iter().nth(1)) {
                    return message;
                }
            }
        };
        let message = tokio::time::timeout(PATIENCE, message).await.expect("a message");
        self.understand(&message).unwrap_or(Heard::Nothing)
    }

    fn understand(&self, message: &[u8]) -> Option<Heard> {
        let text = |part: Option<&[u8]>| String::from_utf8(part?.to_vec()).ok();
        let mut parts = message.splitn(5, |byte| *byte == b' ');
        let life = u64::from_str_radix(&text(parts.next())?, 16).ok()?;
        for _ in 0..2 {
            let id = text(parts.next())?;
            let (milliseconds, number) = id.split_once('-')?;
            milliseconds.parse::<u64>().ok()?;
            number.parse::<u64>().ok()?;
        }
        u64::from_str_radix(&text(parts.next())?, 16).ok()?;
        let record = read_format_1(parts.next()?);
        Some(if life == self.life { record } else { Heard::Everything })
    }
}

/// The life and the record of the last entry.
async fn last(connection: &mut MultiplexedConnection, log: &str) -> (String, Vec<u8>) {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(log).arg("+").arg("-").arg("COUNT").arg(1);
    let mut entries: Vec<(String, Vec<Vec<u8>>)> = command.query_async(connection).await.unwrap();
    let fields = entries.remove(0).1;
    (String::from_utf8(fields[1].clone()).unwrap(), fields[3].clone())
}

/// Two processes of this build that have the values of two keys in memory and in the tier, and one of another build.
struct Deploy {
    nodes: [Fastness; 2],
    other: Other,
    origin: Arc<Origin>,
    /// The record that invalidates `twig:7`, as this build writes it.
    seven: Vec<u8>,
}

impl Deploy {
    async fn start() -> Self {
        let (server, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
        let nodes = [node(&server.url(), &prefix).await, node(&server.url(), &prefix).await];
        let mut other = Other::join(&server.url(), &prefix).await;
        assert_eq!(nodes[0].cache().invalidate(reached("twig:7")).await, Reach::Announced);
        let Heard::Scopes(scopes) = other.hear().await else { panic!("it is read by format 1") };
        let seven = last(&mut other.connection, &other.log).await.1;
        let root = u16::from_le_bytes([seven[8], seven[9]]);
        assert_eq!(seven, format_1(root, &scopes), "byte for byte what format 1 wrote");
        let deploy = Self { nodes, other, origin, seven };
        deploy.fill().await;
        deploy
    }

    async fn fill(&self) {
        for node in &self.nodes {
            for id in [7, 8] {
                let before = (self.origin.loads(), node.shared().unwrap().stores);
                with_cache(node, twig(self.origin.clone(), id)).await;
                stored(node, before.1 + (self.origin.loads() - before.0) as u64).await;
            }
        }
    }

    /// The keys, of the two, that each node loads again once all nodes have read the other build's record.
    async fn loaded_again(&mut self, record: &[u8]) -> [Vec<u64>; 2] {
        let version = self.origin.change();
        self.other.append(record).await;
        // Messages arrive in the order of their publication.
        for (index, node) in self.nodes.iter().enumerate() {
            let marker = 100 + u64::try_from(index).unwrap();
            with_cache(node, twig(self.origin.clone(), marker)).await;
        }
        self.nodes[0].cache().invalidate(reached("twig:101")).await;
        self.nodes[1].cache().invalidate(reached("twig:100")).await;
        for (marker, node) in [100, 101].into_iter().zip(&self.nodes) {
            let heard = self.origin.change();
            until("the marker is heard", async || with_cache(node, twig(self.origin.clone(), marker)).await.1 >= heard)
                .await;
        }
        for _ in 0..2 {
            self.other.hear().await;
        }
        let mut loaded = [Vec::new(), Vec::new()];
        for (node, loaded) in self.nodes.iter().zip(&mut loaded) {
            for id in [7, 8] {
                if with_cache(node, twig(self.origin.clone(), id)).await.1 >= version {
                    loaded.push(id);
                }
            }
        }
        self.fill().await;
        loaded
    }

    fn nothing_was_unreadable(&self) {
        for node in &self.nodes {
            let stats = node.shared().unwrap();
            assert_eq!((stats.resets, stats.unreadable_entries, stats.connects), (1, 0, 1));
        }
    }
}

const NOTHING: [Vec<u64>; 2] = [Vec::new(), Vec::new()];

#[tokio::test]
async fn processes_of_format_1_and_2_obey_each_other_and_keep_their_caches() {
    let mut deploy = Deploy::start().await;
    let seven = deploy.seven.clone();
    assert_eq!(deploy.loaded_again(&seven).await, [vec![7], vec![7]]);
    for pattern in ["twig:7", "twig:8", "twig:*"] {
        assert_eq!(deploy.nodes[1].cache().invalidate(reached(pattern)).await, Reach::Announced);
        let heard = deploy.other.hear().await;
        assert!(matches!(&heard, Heard::Scopes(scopes) if scopes.len() == 1), "{pattern}: {heard:?}");
    }
    deploy.nothing_was_unreadable();
}

#[tokio::test]
async fn a_skippable_record_of_a_newer_build_empties_no_cache() {
    let mut deploy = Deploy::start().await;
    let nothing = format_1(0, &[]);
    for record in
        [newer(&nothing, 5, &[]), newer(&nothing, 0, &[(9, b"who")]), newer(&nothing, 127, &[(127, &[0; 99])])]
    {
        assert_eq!(deploy.loaded_again(&record).await, NOTHING, "{record:?}");
    }
    // An invalidation with a note, which counts.
    let noted = newer(&deploy.seven, 0, &[(9, b"who"), (10, b"when")]);
    assert_eq!(deploy.loaded_again(&noted).await, [vec![7], vec![7]]);
    deploy.nothing_was_unreadable();
}

/// A refresh expires entries. A build that does not know refreshes invalidates those entries, and one of format 1 invalidates everything.
#[tokio::test]
async fn earlier_builds_invalidate_entries_that_a_newer_build_refreshes() {
    let mut deploy = Deploy::start().await;
    assert_eq!(deploy.nodes[0].cache().refresh(reached("twig:7")).await, Reach::Announced);
    assert_eq!(deploy.other.hear().await, Heard::Everything, "for format 1");
    let refresh = last(&mut deploy.other.connection, &deploy.other.log).await.1;
    assert_eq!(refresh, newer(&deploy.seven, 128, &[]), "the conservative part is that of an invalidation");
    let Heard::Scopes(seven) = read_format_1(&deploy.seven) else { panic!("format 1 reads it") };
    assert_eq!(read_early_format_2(&refresh), Heard::Scopes(seven), "for format 2 that does not know the kind");
    deploy.fill().await;
    assert_eq!(deploy.loaded_again(&refresh).await, [vec![7], vec![7]]);
    let noted = newer(&deploy.seven, 128, &[(9, b"who")]);
    assert_eq!(deploy.loaded_again(&noted).await, [vec![7], vec![7]]);
    deploy.nothing_was_unreadable();
}

#[tokio::test]
async fn an_unskippable_record_of_a_newer_build_invalidates_its_scopes_or_everything() {
    let mut deploy = Deploy::start().await;
    for (kind, fields) in [(200, &[][..]), (0, &[(200, &b"soft"[..])][..])] {
        let known = newer(&deploy.seven, kind, fields);
        assert_eq!(deploy.loaded_again(&known).await, [vec![7], vec![7]], "kind {kind}");
        let unknown = newer(&format_1(0, &[]), kind, fields);
        assert_eq!(deploy.loaded_again(&unknown).await, [vec![7, 8], vec![7, 8]], "kind {kind}");
    }
    deploy.nothing_was_unreadable();
    // A process of format 1 invalidates everything for each of them.
    assert_eq!(read_format_1(&newer(&deploy.seven, 0, &[])), Heard::Everything);
}
