//! The variables by name: defaults, accepted texts, and hints for misspelt names.

/// A variable that the demo reads.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// The text that is read where the variable is not set; empty if there is none.
    pub default: &'static str,
    /// The texts that it accepts.
    pub expected: &'static str,
    /// A sentence on the setting.
    pub about: &'static str,
}

/// Name, default, accepted texts and meaning of each variable, in the order of `--help`.
const TABLE: &str = "
APP_ENV | development | development, production or test | development, production (JSON logs, empty store, slower stop) or test (quiet)
HOST | 127.0.0.1 | an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost | the address to listen on
PORT | 3000 | a port number from 0 to 65535 | the port to listen on; 0 takes a free one
ADMIN_ADDR | | an IP address and a port, such as 127.0.0.1:3001 | a private listener for health and control endpoints [default: the public one]
ADMIN_TOKEN | | 16 to 256 letters, digits or any of -._~+/=, such as what `openssl rand -hex 32` prints | the token of control endpoints; required where other computers can reach them
RUST_LOG | info | log directives such as info or demo_app=debug,tower_http=warn | levels by target (warn in tests)
SEED | true | true or false | whether the embedded store starts with example data (false in production)
STORE_LATENCY_MS | 15 | milliseconds from 0 to 10000 | time that each query of the embedded store waits, in milliseconds
MONGODB_URI | | mongodb://[user:password@]host[:port][/database] | the database [default: an embedded store]
REDIS_URL | | redis://[user][:password@]host[:port][/database], several with commas between for sentinel and cluster | the shared cache [default: none]
REDIS_HOST | | a host name or an IP address | host of the shared cache, instead of REDIS_URL
REDIS_PORT | 6379 | a port number from 1 to 65535 | port, beside REDIS_HOST
REDIS_PASSWORD | | text | password, beside REDIS_HOST
REDIS_DB | 0 | a whole number from 0 | number of the database, beside REDIS_HOST
REDIS_MODE | single | single, sentinel or cluster | single, sentinel or cluster; the latter take several URLs with commas between
REDIS_MASTER | mymaster | text | the name of the master that sentinels watch
REDIS_POOL_SIZE | 1 | a number of connections from 1 to 64 | connections to Redis, from 1 to 64; one carries thousands of requests at a time
REDIS_KEYRING | | names=SECRET ID=SECRET, each secret 64 hexadecimal digits as `openssl rand -hex 32` prints them | secret keys that encrypt the values in Redis, the current one first [default: not encrypted]
SUPPLIER_URL | | the start of an address, such as http://ratings.example:4000 | address of the foreign service for ratings [default: a stand-in that can be broken by hand]
ENABLE_PROFILING | false | true or false | whether queries are watched for slow ones
SLOW_QUERY_THRESHOLD | 100 | milliseconds from 1 to 3600000 | duration from which a query counts as slow, in milliseconds
COMPRESSION_LEVEL | 6 | a whole number from 0 (no compression) to 9 (smallest) | level of compression, from 0 (none) to 9 (smallest)
MEMORY_LIMIT | | bytes, such as 1048576, 512KiB, 10MiB or 2GiB | bound on the memory of this process [default: that of the container or machine]
BODY_LIMIT | 1MiB | bytes, such as 1048576, 512KiB, 10MiB or 2GiB | the largest request body
BODY_MEMORY | 64MiB | bytes, such as 1048576, 512KiB, 10MiB or 2GiB | bound on the bodies of all open requests together
BODY_TIMEOUT | 10s | a time such as 500ms, 30s or 2m, above zero | time in which the body of a request must arrive
REQUEST_TIMEOUT | 30s | a time such as 500ms, 30s or 2m, above zero | time in which a request must be answered
RATE_LIMIT | | a whole number from 1, of requests a second | requests a second from each address [default: no limit; behind a proxy, leave it to the proxy]
HEADER_TIMEOUT | 10s | a time such as 500ms, 30s or 2m, above zero | time in which the head of a request must arrive; also the longest idle time of a connection
WRITE_TIMEOUT | 30s | a time such as 500ms, 30s or 2m, above zero | time after which a client that does not read its response is cut off
MAX_CONNECTIONS | 10000 | a whole number from 1 to 1000000 | open connections; further ones get a 503, except for health, and are closed
MAX_CONNECTIONS_PER_PEER | 512 | a whole number from 1 to 1000000 | open connections from one address (IPv6: one /64); behind a proxy, set it to MAX_CONNECTIONS
MEMORY_RESTART_AFTER | 1m | a time such as 0s, 500ms, 30s or 2m | time for which requests are refused with no memory left to free before liveness fails; 0s: never
SHUTDOWN_DELAY | 0s | a time such as 0s, 500ms, 30s or 2m | time for which /health/ready answers 503 before the server stops accepting (5s in production)
DRAIN_TIMEOUT | 10s | a time such as 0s, 500ms, 30s or 2m | time for which open requests may then go on
";

/// Every variable that the demo reads.
pub fn variables() -> impl Iterator<Item = Variable> {
    TABLE.trim().lines().map(|line| {
        let mut cells = line.split('|').map(str::trim);
        let mut cell = || cells.next().unwrap_or_default();
        Variable { name: cell(), default: cell(), expected: cell(), about: cell() }
    })
}

/// Hints for `names` that are probably misspelt names of ours, such as `REDIS_ULR`. The values are not read.
pub fn hints(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut hints = Vec::new();
    for name in names {
        // Short names are near to too much: only those that begin like a group of ours.
        let long = name.len() >= 6 && name.contains('_');
        if !long || variables().any(|ours| ours.name == name) {
            continue;
        }
        let near = variables().map(|ours| (distance(&name, ours.name), ours.name)).min();
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
