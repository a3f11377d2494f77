//! Values that were changed by hand. In each case the caller gets the origin's answer, which heals the key.

use fastness::Fastness;
use fastness_tests::logged::Logged;
use fastness_tests::servers::{Redis, prefix};
use tracing::Level;

use super::{get, process, values};
use crate::{Origin, stored};

/// The first byte behind the header of an envelope.
const BODY: usize = 60;

/// A value under a name, the value of another key, and values that processes with other secret keys stored.
struct Stored {
    name: String,
    good: Vec<u8>,
    other: Vec<u8>,
    plain: Vec<u8>,
    of_other_secret: Vec<u8>,
}

async fn set(server: &Redis, name: &str, bytes: &[u8]) {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("SET").arg(name).arg(bytes).query_async(&mut connection).await.unwrap();
}

impl Stored {
    /// Stores the values, and leaves the first of them.
    async fn new(server: &Redis, prefix: &str, fast: &Fastness, origin: &Origin) -> Self {
        get(fast, origin, "ada").await;
        stored(fast, 1).await;
        let name = values(server, prefix).await.remove(0);
        let good = server.command(&["GET", &name]).await;
        get(fast, origin, "bob").await;
        stored(fast, 2).await;
        let other = values(server, prefix).await.into_iter().find(|other| *other != name).unwrap();
        let other = server.command(&["GET", &other]).await;
        // The same key, and the same position in the log.
        let plain = process(server, prefix, "").await;
        get(&plain, origin, "ada").await;
        stored(&plain, 1).await;
        let plain = server.command::<Vec<String>>(&["KEYS", &format!("{prefix}patient:*")]).await.remove(0);
        let plain = server.command(&["GET", &plain]).await;
        let stranger = process(server, prefix, "b").await;
        server.command::<()>(&["DEL", &name]).await;
        get(&stranger, origin, "ada").await;
        stored(&stranger, 1).await;
        let mut of_other_secret: Vec<u8> = server.command(&["GET", &name]).await;
        of_other_secret[BODY + 1] = b'a';
        Self { name, good, other, plain, of_other_secret }
    }

    /// Bytes that pass for no value: what they are, whether this counts as forged, and the bytes.
    fn bad(&self) -> Vec<(&'static str, bool, Vec<u8>)> {
        let with = |change: fn(&mut Vec<u8>)| {
            let mut bytes = self.good.clone();
            change(&mut bytes);
            bytes
        };
        vec![
            ("another key's", true, self.other.clone()),
            ("not encrypted", true, self.plain.clone()),
            ("of another secret key of this id", true, self.of_other_secret.clone()),
            ("fresh for ever", true, with(|bytes| bytes[32..40].fill(0x7f))),
            ("loaded later", true, with(|bytes| bytes[44] ^= 1)),
            ("of another position in the log", true, with(|bytes| bytes[24] ^= 1)),
            ("of another type", true, with(|bytes| bytes[8] ^= 1)),
            ("said to be an absence", true, with(|bytes| bytes[5] ^= 1)),
            ("said to be compressed", true, with(|bytes| bytes[5] ^= 2)),
            ("said to be not encrypted", true, with(|bytes| bytes[5] ^= 8)),
            ("a bit of the nonce is wrong", true, with(|bytes| bytes[BODY + 2] ^= 1)),
            ("a bit of the value is wrong", true, with(|bytes| bytes[BODY + 30] ^= 1)),
            ("a bit of the tag is wrong", true, with(|bytes| *bytes.last_mut().unwrap() ^= 1)),
            ("cut off in the value", true, with(|bytes| bytes.truncate(bytes.len() - 3))),
            ("longer", true, with(|bytes| bytes.push(0))),
            ("cut off before the value", true, with(|bytes| bytes.truncate(BODY + 2 + 24))),
            ("cut off in the nonce", false, with(|bytes| bytes.truncate(BODY + 12))),
            ("cut off in the header", false, self.good[..20].to_vec()),
            ("without an id", false, with(|bytes| bytes[BODY] = 0)),
            ("of a newer version", false, with(|bytes| bytes[3] += 1)),
            ("nothing", false, Vec::new()),
            ("another program's", false, b"{\"id\":1}".to_vec()),
            ("large and empty", false, vec![0; 2 << 20]),
        ]
    }
}

#[tokio::test]
async fn values_that_were_changed_or_moved_are_never_believed() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Origin::default());
    let (logged, _guard) = Logged::listen(Level::WARN);
    let fast = process(&server, &prefix, "a").await;
    let values = Stored::new(&server, &prefix, &fast, &origin).await;
    let reader = process(&server, &prefix, "a").await;
    set(&server, &values.name, &values.good).await;
    let loads = origin.loads();
    get(&reader, &origin, "ada").await;
    assert_eq!(origin.loads(), loads, "the good bytes are");
    let mut forgeries = 0;
    for (what, is_forged, bytes) in values.bad() {
        set(&server, &values.name, &bytes).await;
        let (before, loads) = (reader.shared().unwrap(), origin.loads());
        get(&reader, &origin, "ada").await;
        assert_eq!(origin.loads(), loads + 1, "{what}");
        let after = reader.shared().unwrap();
        let counted = (after.forged - before.forged, after.unreadable - before.unreadable);
        assert_eq!(counted, (is_forged.into(), (!is_forged).into()), "{what}");
        assert_eq!((after.unknown_secret, after.errors), (0, 0), "{what}");
        forgeries += after.forged - before.forged;
        stored(&reader, before.stores + 1).await;
        get(&reader, &origin, "ada").await;
        assert_eq!(origin.loads(), loads + 1, "{what}: the key is healed");
    }
    assert!(forgeries >= 16);
    let lines = logged.with("was not encrypted for its key");
    assert_eq!(lines.len(), 2, "one for the secret key, and one for values without: {lines:?}");
    assert!(lines[0].contains("secret=\"a\"") && !lines[1].contains("secret="), "{lines:?}");
}
