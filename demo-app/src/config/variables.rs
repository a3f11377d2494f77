//! The variables by name: for `--help`, and for those who misspell them.

/// Every variable that the demo reads: its name, its default, and what it sets.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    ("APP_ENV", "development", "development, production (JSON logs, empty store, slower stop) or test (quiet)"),
    ("HOST", "127.0.0.1", "the address to listen on"),
    ("PORT", "3000", "the port to listen on; 0 takes a free one"),
    (
        "ADMIN_ADDR",
        "",
        "a private listener such as 127.0.0.1:3001, for health and control endpoints; else they are public",
    ),
    (
        "ADMIN_TOKEN",
        "",
        "the token that control endpoints ask for; needed where others than this computer can reach them",
    ),
    ("RUST_LOG", "info", "what to log: info, or demo_app=debug,tower_http=warn"),
    ("SEED", "true", "whether the embedded store starts with something in it (false in production)"),
    ("STORE_LATENCY_MS", "15", "how long each query of the embedded store waits, in milliseconds"),
    ("MONGODB_URI", "", "the database: mongodb://[user:password@]host[:port][/database]; else an embedded store"),
    ("REDIS_URL", "", "the shared cache: redis://[user][:password@]host[:port][/database]; else none"),
    ("REDIS_HOST", "", "the same in parts, instead of REDIS_URL"),
    ("REDIS_PORT", "6379", "with REDIS_HOST"),
    ("REDIS_PASSWORD", "", "with REDIS_HOST"),
    ("REDIS_DB", "0", "with REDIS_HOST"),
    ("REDIS_MODE", "single", "single, sentinel or cluster; the latter take several URLs with commas between"),
    ("REDIS_MASTER", "mymaster", "the name of the master that sentinels watch"),
    ("REDIS_POOL_SIZE", "1", "connections to Redis, from 1 to 64; one carries thousands of requests at a time"),
    ("SUPPLIER_URL", "", "who knows ratings: http://host:port; else a stand-in that can be broken by hand"),
    ("ENABLE_PROFILING", "false", "whether queries are watched for slow ones"),
    ("SLOW_QUERY_THRESHOLD", "100", "from how many milliseconds on a query is slow"),
    ("COMPRESSION_LEVEL", "6", "from 0 (none) to 9 (smallest)"),
    ("MEMORY_LIMIT", "", "what this process may use, such as 512MiB; else what the container or machine has"),
    ("BODY_LIMIT", "1MiB", "the largest request body"),
    ("BODY_MEMORY", "64MiB", "what the bodies of all requests under way may take together"),
    ("BODY_TIMEOUT", "10s", "how long the body of a request may take"),
    ("REQUEST_TIMEOUT", "30s", "how long a request may take"),
    ("RATE_LIMIT", "", "requests a second that each address may make; none behind a proxy, which should limit itself"),
    ("HEADER_TIMEOUT", "10s", "how long the head of a request may take, and how long a connection may be idle"),
    ("WRITE_TIMEOUT", "30s", "how long an answer may lie unread by its client, who is then cut off"),
    ("MAX_CONNECTIONS", "10000", "connections at a time; others are told 503, but for health, and closed"),
    (
        "MAX_CONNECTIONS_PER_PEER",
        "512",
        "the same from one address, of IPv6 from one /64; behind a proxy, the same as for all",
    ),
    (
        "MEMORY_RESTART_AFTER",
        "1m",
        "how long requests may be turned away with nothing left to free, until liveness fails; 0s: for ever",
    ),
    ("SHUTDOWN_DELAY", "0s", "how long /health/ready says 503 before no more is accepted (5s in production)"),
    ("DRAIN_TIMEOUT", "10s", "how long open requests may go on after that"),
];

/// Hints for `names` that are probably misspelt names of ours, such as `REDIS_ULR`. The values are not read.
pub fn hints(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let known = || VARIABLES.iter().map(|(name, ..)| *name);
    let mut hints = Vec::new();
    for name in names {
        // Short names are near to too much: only those that begin like a group of ours.
        let long = name.len() >= 6 && name.contains('_');
        if !long || known().any(|ours| ours == name) {
            continue;
        }
        let near = known().map(|ours| (distance(&name, ours), ours)).min();
        if let Some((1..=2, ours)) = near {
            hints.push(format!("{name} is not known; did you mean {ours}?"));
        }
    }
    hints.sort();
    hints
}

/// The number of letters to add, leave out, change or swap with the next one (each letter once at most).
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
                let best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[one.len()][other.len()]
}
