//! The options of the attributes that store: `cacheable` and `cache_put`.
//!
//! May use: options/{row, tables/loading}.

use super::{effects, loading};
use crate::options::row::{Builder, Call, Group, Method, PLAIN, Row, Takes};

const CACHEABLE: &[&str] = &["cacheable"];
const PUT: &[&str] = &["cache_put"];
const BOTH: &[&str] = &["cacheable", "cache_put"];
const ALL: &[&str] = &["cacheable", "cache_put", "cache_invalidate", "cache_refresh"];

pub(super) static TABLE: &[Group] = &[
    Group { title: "Lifetime:", rows: LIFETIME },
    Group { title: "Stale values:", rows: loading::STALENESS },
    Group { title: "Loading:", rows: loading::LOADING },
    Group { title: "Key:", rows: KEY },
    Group { title: "Storage:", rows: TIERS },
    Group { title: "Other forms:", rows: FORMS },
];

/// `.method(value)` of `Policy`.
const fn policy(method: &'static str) -> Call {
    Call::Of(Builder::Policy, Method::Value(method))
}

const LIFETIME: &[Row] = &[
    Row {
        name: "ttl",
        of: BOTH,
        takes: Takes::OrForever(&Takes::Lifetime),
        written: &["ttl = 300", "ttl = |value| value.lifetime()", "ttl = forever"],
        default: "required",
        meaning: "lifetime of an entry: a duration, or what a function of `&T` returns, [counted from the beginning of the load](lifetimes.md), where zero stores nothing; `forever` has no expiry",
        effects: effects::TTL,
        elsewhere: &["time", "ttl_secs", "expires"],
        ..PLAIN
    },
    Row {
        name: "jitter",
        of: BOTH,
        takes: Takes::Share,
        written: &["jitter = 0.05", "jitter = \"5%\""],
        default: "0.1",
        meaning: "largest share of the ttl that is taken off at random, 0 to 0.5, so that entries that were loaded together expire apart",
        call: policy("jitter"),
        effects: effects::JITTER,
        ..PLAIN
    },
    Row {
        name: "idle",
        of: BOTH,
        takes: Takes::Time,
        written: &["idle = \"10m\""],
        default: "never",
        meaning: "time without a read after which this process no longer serves an entry, up to a sixteenth sooner; see [Lifetimes](lifetimes.md#idle-entries)",
        call: policy("idle"),
        effects: effects::IDLE,
        elsewhere: &["time_to_idle"],
    },
    Row {
        name: "negative_ttl",
        of: BOTH,
        takes: Takes::OrForever(&Takes::Time),
        written: &["negative_ttl = 10", "negative_ttl = forever"],
        default: "`None` is not stored",
        meaning: "time for which this function serves a stored `None`, regardless of the function that stored it",
        call: policy("negative_ttl"),
        effects: effects::NEGATIVE_TTL,
        ..PLAIN
    },
    Row {
        name: "unless",
        of: BOTH,
        takes: Takes::Function,
        written: &["unless = |value| value.is_empty()"],
        default: "never",
        meaning: "predicate over values that are not stored; gets a `&T`, also if the function returns an `Option` or a `Result`",
        call: policy("unless"),
        ..PLAIN
    },
    Row {
        name: "cache_err",
        of: CACHEABLE,
        takes: Takes::Function,
        written: &["cache_err = |error| error.is_not_found()"],
        default: "errors are not stored",
        meaning: "predicate over errors that are stored; needs `err_ttl`",
        call: policy("cache_err"),
        ..PLAIN
    },
    Row {
        name: "err_ttl",
        of: CACHEABLE,
        takes: Takes::Lifetime,
        written: &["err_ttl = 5", "err_ttl = |error| error.retry_after()"],
        meaning: "time for which this function serves a stored error that its `cache_err` accepts, regardless of the function that stored it; needs `cache_err`, except as a closure over `&E`, where zero stores nothing",
        effects: effects::ERR_TTL,
        ..PLAIN
    },
    Row {
        name: "condition",
        of: CACHEABLE,
        written: &["condition = id != 0"],
        default: "always",
        meaning: "bypasses the cache if false, evaluated before the look-up; any expression over the parameters",
        ..PLAIN
    },
    Row {
        name: "condition",
        of: PUT,
        written: &["condition = id != 0"],
        default: "always",
        meaning: "stores nothing if false, evaluated before the body; any expression over the parameters",
        ..PLAIN
    },
];

const KEY: &[Row] = &[
    Row {
        name: "key",
        of: CACHEABLE,
        takes: Takes::Text,
        written: &["key = \"user:{id}\""],
        default: "see [Keys](keys.md#without-a-key)",
        meaning: "literal text and placeholders between colons",
        ..PLAIN
    },
    Row {
        name: "key",
        of: PUT,
        takes: Takes::Text,
        written: &["key = \"user:{id}\""],
        default: "required",
        meaning: "key of the function that reads the value",
        ..PLAIN
    },
    Row {
        name: "prefix",
        of: CACHEABLE,
        takes: Takes::Text,
        written: &["prefix = \"users\""],
        default: "the function's name without a leading verb",
        meaning: "first segment of the default key; not with `key`",
        ..PLAIN
    },
    Row {
        name: "skip",
        of: CACHEABLE,
        takes: Takes::Params,
        written: &["skip(db, self)"],
        default: "nothing",
        meaning: "parameters that do not affect the result. With a `key`, `self` is in the key or here. A `&mut` parameter is always here: only the body uses it, a hit does not",
        ..PLAIN
    },
    Row {
        name: "skip",
        of: PUT,
        takes: Takes::Params,
        written: &["skip(self)"],
        default: "`self` must be in the key",
        meaning: "leaves `self` out of the key, like the reading function",
        ..PLAIN
    },
    Row {
        name: "with",
        of: BOTH,
        takes: Takes::Labels,
        written: &["with(user = claims.sub())"],
        default: "none",
        meaning: "expressions with names for `key` and `tags`, evaluated at each call, hits included; see [Keys](keys.md#named-expressions)",
        ..PLAIN
    },
    Row {
        name: "tags",
        of: BOTH,
        takes: Takes::Tags,
        written: &["tags = [\"team:{id}\"]", "tags = |value| value.tags()", "tags = [\"users\", |value| value.tags()]"],
        default: "none",
        meaning: "further names by which an invalidation reaches the entry: from the arguments, or those that a function of `&T` returns, [judged from the beginning of the load](tags.md)",
        effects: effects::TAGS,
        ..PLAIN
    },
    Row {
        name: "tag_patterns",
        of: BOTH,
        takes: Takes::Texts,
        written: &["tag_patterns = [\"team:{id}\"]"],
        default: "required beside a function in `tags`",
        meaning: "the tags that the function in `tags` returns, as `audit()` compares them with invalidations; a placeholder has any name",
        ..PLAIN
    },
    Row {
        name: "version",
        of: BOTH,
        takes: Takes::Count,
        written: &["version = 2"],
        default: "none",
        meaning: "separates entries from those of another version: raise it when the meaning of values changes; writer and reader have the same",
        call: Call::Of(Builder::Site, Method::Value("version")),
        ..PLAIN
    },
];

const TIERS: &[Row] = &[
    Row {
        name: "capacity",
        of: BOTH,
        takes: Takes::Once(&Takes::AnyCount),
        written: &["capacity = 10_000"],
        default: "`Builder::capacity`, 10 000",
        meaning: "largest number of entries of this function in this process",
        call: Call::Of(Builder::Site, Method::Value("capacity")),
        elsewhere: &["max_size", "size"],
        ..PLAIN
    },
    Row {
        name: "max_bytes",
        of: BOTH,
        takes: Takes::Bytes,
        written: &["max_bytes = \"64MiB\"", "max_bytes = 65_536"],
        default: "none",
        meaning: "largest number of bytes of the entries of this function in this process, [weighed](bytes.md) by `weigh` or by their type; without `capacity`, the only bound",
        call: Call::Of(Builder::Site, Method::Value("max_bytes")),
        effects: effects::MAX_BYTES,
        ..PLAIN
    },
    Row {
        name: "weigh",
        of: BOTH,
        takes: Takes::Function,
        written: &["weigh = |value| value.len()"],
        default: "by the type",
        meaning: "bytes that a value takes, by a function of `&T`; see [Bounds in bytes](bytes.md)",
        call: policy("weigh"),
        effects: effects::WEIGH,
        elsewhere: &["weigher"],
    },
    Row {
        name: "tier",
        of: BOTH,
        takes: Takes::Words(&["both", "local", "shared"]),
        written: &["tier = local", "tier = shared", "tier = both"],
        default: "`both`, if the type can be serialised; `local` for a plain function",
        meaning: "tiers that store the entries, if there is a shared tier; a plain function that names the shared one [blocks its thread](cacheable.md#plain-functions-and-the-shared-tier) while it asks",
        call: Call::Of(Builder::Sharing, Method::Words(&[("shared", "only_shared"), ("both", "both_tiers")])),
        ..PLAIN
    },
    Row {
        name: "local_ttl",
        of: BOTH,
        takes: Takes::Time,
        written: &["local_ttl = 5"],
        default: "`ttl`",
        meaning: "time for which this process serves an entry before it asks the shared tier again",
        call: Call::Of(Builder::Sharing, Method::Value("local_ttl")),
        ..PLAIN
    },
    Row {
        name: "codec",
        of: BOTH,
        takes: Takes::Words(&["messagepack", "json", "bincode"]),
        written: &["codec = json", "codec = bincode"],
        default: "`Redis::codec`, `messagepack`",
        meaning: "encoding of values in the shared tier",
        ..PLAIN
    },
    Row {
        name: "erase",
        of: BOTH,
        takes: Takes::Nothing,
        written: &["erase"],
        default: "bytes stay until the ttl ends",
        meaning: "an invalidation of the key also [removes the bytes](erase.md) from the shared tier, within seconds; writer and reader have the same",
        call: Call::Of(Builder::Sharing, Method::Value("erase")),
        effects: effects::ERASE,
        ..PLAIN
    },
    Row {
        name: "on",
        of: ALL,
        written: &["on = self.fast"],
        default: "the process's cache, or that of [`with_cache`](testing.md)",
        meaning: "the `Fastness` to use; any expression",
        ..PLAIN
    },
];

const FORMS: &[Row] = &[
    Row {
        name: "batch",
        of: CACHEABLE,
        takes: Takes::Params,
        written: &["batch(ids)"],
        default: "off",
        meaning: "an entry for each element of a list; see [Batches](batch.md)",
        ..PLAIN
    },
    Row {
        name: "merge",
        of: CACHEABLE,
        takes: Takes::Time,
        written: &["merge = \"2ms\"", "merge = Duration::ZERO"],
        default: "off",
        meaning: "time for which a call of a batch waits for others, to [load with them](batch.md#single-calls-that-meet) what all of them lack; zero takes those that are queued already; needs an `async fn`",
        effects: effects::MERGE,
        elsewhere: &["coalesce", "batch_delay"],
        ..PLAIN
    },
    Row {
        name: "merge_max",
        of: CACHEABLE,
        takes: Takes::AnyCount,
        written: &["merge_max = 100"],
        default: "100",
        meaning: "number of elements that ends the wait of `merge`; a longer list of one call is loaded at once, as a whole",
        elsewhere: &["max_batch_size"],
        ..PLAIN
    },
    Row {
        name: "handle",
        of: CACHEABLE,
        takes: Takes::Ident,
        written: &["handle = users"],
        default: "none",
        meaning: "a typed handle beside the function: `users(&id).get()`; see [Without attributes](direct.md#handles)",
        ..PLAIN
    },
];
