//! The tables of options in the documentation of the attributes, written from the rows in `options/tables`: change those.
//!
//! May use: links.

/// The options of an attribute, as a paragraph of Markdown.
#[rustfmt::skip]
macro_rules! options_of {
    (bulkhead) => {
        r#"
| option | default | meaning |
|---|---|---|
| `max = 64` | required | largest number of calls at a time |
| `adaptive` | fixed | adapts the number between `min` and `max` to the duration of calls |
| `min = 4` | 1 | smallest number, and the one at the start; needs `adaptive` |
| `wait = "50ms"` | none | longest wait of a call for a place, in order of arrival; `async` functions only |
| `name = "supplier"` | the function's path | name in metrics and errors |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (cache_invalidate) => {
        concat!(r#"
| option | default | meaning |
|---|---|---|
| `"user:{id}"` | | the entry of one key |
| `"users:*"` | | all entries whose keys start with these segments, at the same cost |
| `users(id)` | | the entry of a [handle]("#, guide_root!(), r#"direct/index.html#handles), with its arguments; of a method's handle, `self.users(id)` |
| `tags = ["team:{id}"]` | none | all entries with one of these tags |
| `when = always` | `ok` | `always` invalidates after an error too, `ok` only if the function returned no `Err` |
| `before` | off | invalidates before the body as well, so that reads during a long write get no old value |
| `with(user = claims.sub())` | none | expressions with names for patterns and `tags`, evaluated before the body; see [Keys]("#, guide_root!(), r#"keys/index.html#named-expressions) |
| `skip(self)` | | leaves the receiver's [namespace]("#, guide_root!(), r#"keys/index.html#namespaces) out of the patterns, as the cached function does |
| `on = self.fast` | the process's cache, or that of [`with_cache`]("#, guide_root!(), r#"testing/index.html) | the `Fastness` to use; any expression |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#)
    };
    (cache_put) => {
        concat!(r#"
Lifetime:

| option | default | meaning |
|---|---|---|
| `ttl = 300`, `ttl = \|value\| value.lifetime()`, `ttl = forever` | required | lifetime of an entry: a duration, or what a function of `&T` returns, [counted from the beginning of the load]("#, guide_root!(), r#"lifetimes/index.html), where zero stores nothing; `forever` has no expiry |
| `jitter = 0.05`, `jitter = "5%"` | 0.1 | largest share of the ttl that is taken off at random, 0 to 0.5, so that entries that were loaded together expire apart |
| `idle = "10m"` | never | time without a read after which this process no longer serves an entry, up to a sixteenth sooner; see [Lifetimes]("#, guide_root!(), r#"lifetimes/index.html#idle-entries) |
| `negative_ttl = 10`, `negative_ttl = forever` | `None` is not stored | time for which this function serves a stored `None`, regardless of the function that stored it |
| `unless = \|value\| value.is_empty()` | never | predicate over values that are not stored; gets a `&T`, also if the function returns an `Option` or a `Result` |
| `condition = id != 0` | always | stores nothing if false, evaluated before the body; any expression over the parameters |

Key:

| option | default | meaning |
|---|---|---|
| `key = "user:{id}"` | required | key of the function that reads the value |
| `skip(self)` | `self` must be in the key | leaves `self` out of the key, like the reading function |
| `with(user = claims.sub())` | none | expressions with names for `key` and `tags`, evaluated at each call, hits included; see [Keys]("#, guide_root!(), r#"keys/index.html#named-expressions) |
| `tags = ["team:{id}"]`, `tags = \|value\| value.tags()`, `tags = ["users", \|value\| value.tags()]` | none | further names by which an invalidation reaches the entry: from the arguments, or those that a function of `&T` returns, [judged from the beginning of the load]("#, guide_root!(), r#"tags/index.html) |
| `tag_patterns = ["team:{id}"]` | required beside a function in `tags` | the tags that the function in `tags` returns, as `audit()` compares them with invalidations; a placeholder has any name |
| `version = 2` | none | separates entries from those of another version: raise it when the meaning of values changes; writer and reader have the same |

Storage:

| option | default | meaning |
|---|---|---|
| `capacity = 10_000` | `Builder::capacity`, 10 000 | largest number of entries of this function in this process |
| `max_bytes = "64MiB"`, `max_bytes = 65_536` | none | largest number of bytes of the entries of this function in this process, [weighed]("#, guide_root!(), r#"bytes/index.html) by `weigh` or by their type; without `capacity`, the only bound |
| `weigh = \|value\| value.len()` | by the type | bytes that a value takes, by a function of `&T`; see [Bounds in bytes]("#, guide_root!(), r#"bytes/index.html) |
| `tier = local`, `tier = shared`, `tier = both` | `both`, if the type can be serialised; `local` for a plain function | tiers that store the entries, if there is a shared tier; a plain function that names the shared one [blocks its thread]("#, guide_root!(), r#"cacheable/index.html#plain-functions-and-the-shared-tier) while it asks |
| `local_ttl = 5` | `ttl` | time for which this process serves an entry before it asks the shared tier again |
| `codec = json`, `codec = bincode` | `Redis::codec`, `messagepack` | encoding of values in the shared tier |
| `erase` | bytes stay until the ttl ends | an invalidation of the key also [removes the bytes]("#, guide_root!(), r#"erase/index.html) from the shared tier, within seconds; writer and reader have the same |
| `on = self.fast` | the process's cache, or that of [`with_cache`]("#, guide_root!(), r#"testing/index.html) | the `Fastness` to use; any expression |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#)
    };
    (cache_refresh) => {
        concat!(r#"
| option | default | meaning |
|---|---|---|
| `"user:{id}"` | | the entry of one key |
| `"users:*"` | | all entries whose keys start with these segments, at the same cost |
| `users(id)` | | the entry of a [handle]("#, guide_root!(), r#"direct/index.html#handles), with its arguments; of a method's handle, `self.users(id)` |
| `tags = ["team:{id}"]` | none | all entries with one of these tags |
| `when = always` | `ok` | `always` expires after an error too, `ok` only if the function returned no `Err` |
| `before` | off | expires before the body as well, so that reads during a long write get no old value as fresh |
| `with(user = claims.sub())` | none | expressions with names for patterns and `tags`, evaluated before the body; see [Keys]("#, guide_root!(), r#"keys/index.html#named-expressions) |
| `skip(self)` | | leaves the receiver's [namespace]("#, guide_root!(), r#"keys/index.html#namespaces) out of the patterns, as the cached function does |
| `on = self.fast` | the process's cache, or that of [`with_cache`]("#, guide_root!(), r#"testing/index.html) | the `Fastness` to use; any expression |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#)
    };
    (cacheable) => {
        concat!(r#"
Lifetime:

| option | default | meaning |
|---|---|---|
| `ttl = 300`, `ttl = \|value\| value.lifetime()`, `ttl = forever` | required | lifetime of an entry: a duration, or what a function of `&T` returns, [counted from the beginning of the load]("#, guide_root!(), r#"lifetimes/index.html), where zero stores nothing; `forever` has no expiry |
| `jitter = 0.05`, `jitter = "5%"` | 0.1 | largest share of the ttl that is taken off at random, 0 to 0.5, so that entries that were loaded together expire apart |
| `idle = "10m"` | never | time without a read after which this process no longer serves an entry, up to a sixteenth sooner; see [Lifetimes]("#, guide_root!(), r#"lifetimes/index.html#idle-entries) |
| `negative_ttl = 10`, `negative_ttl = forever` | `None` is not stored | time for which this function serves a stored `None`, regardless of the function that stored it |
| `unless = \|value\| value.is_empty()` | never | predicate over values that are not stored; gets a `&T`, also if the function returns an `Option` or a `Result` |
| `cache_err = \|error\| error.is_not_found()` | errors are not stored | predicate over errors that are stored; needs `err_ttl` |
| `err_ttl = 5`, `err_ttl = \|error\| error.retry_after()` | | time for which this function serves a stored error that its `cache_err` accepts, regardless of the function that stored it; needs `cache_err`, except as a closure over `&E`, where zero stores nothing |
| `condition = id != 0` | always | bypasses the cache if false, evaluated before the look-up; any expression over the parameters |

Stale values:

| option | default | meaning |
|---|---|---|
| `stale = "1m"` | off | time after the ttl in which a value is served while one caller refreshes it |
| `refresh = background` | `caller` | `background` refreshes in a task of its own, so that no caller waits; needs an `async fn`, and arguments that are `Clone + Send + 'static` |
| `stale_if_error = "1h"` | off | time after the ttl in which a value is served instead of an error; after an error the origin is not asked for 5 s |
| `early = off` | `xfetch` | refreshes a busy value shortly before it expires: the longer its load, the earlier, by a tenth of the ttl at most |

Loading:

| option | default | meaning |
|---|---|---|
| `previous(old)` | none | name under which the body has the value that it replaces, an `Option<T>`; see [Conditional loads]("#, guide_root!(), r#"conditional/index.html) |
| `keep_expired = "1h"` | none | time after the ttl for which a value stays for `previous`; served to no caller |
| `single_flight = off`, `single_flight = fleet` | `process` | the callers that share one load of a missing key: none, all in this process, or all in the processes of one shared tier |
| `share_error = \|error\| error.clone()` | `Clone`, if the error has it | copies the error of a shared load for each waiter: a `fn(&E) -> E` |
| `load_timeout = "2s"` | none | longest duration of a load, and longest wait for a load that [rests]("#, guide_root!(), r#"cacheable/index.html#a-load-that-rests) or runs in another process (30 s without it); the error type needs `From<LoadTimeout>`, the function must be `async` |
| `load = task` | `caller` | `task` loads in a task of its own, which [goes on]("#, guide_root!(), r#"cacheable/index.html#a-load-that-goes-on) when its caller no longer waits; needs an `async fn`, tokio, and arguments that are `Clone + Send + 'static` |

Key:

| option | default | meaning |
|---|---|---|
| `key = "user:{id}"` | see [Keys]("#, guide_root!(), r#"keys/index.html#without-a-key) | literal text and placeholders between colons |
| `prefix = "users"` | the function's name without a leading verb | first segment of the default key; not with `key` |
| `skip(db, self)` | nothing | parameters that do not affect the result. With a `key`, `self` is in the key or here. A `&mut` parameter is always here: only the body uses it, a hit does not |
| `with(user = claims.sub())` | none | expressions with names for `key` and `tags`, evaluated at each call, hits included; see [Keys]("#, guide_root!(), r#"keys/index.html#named-expressions) |
| `tags = ["team:{id}"]`, `tags = \|value\| value.tags()`, `tags = ["users", \|value\| value.tags()]` | none | further names by which an invalidation reaches the entry: from the arguments, or those that a function of `&T` returns, [judged from the beginning of the load]("#, guide_root!(), r#"tags/index.html) |
| `tag_patterns = ["team:{id}"]` | required beside a function in `tags` | the tags that the function in `tags` returns, as `audit()` compares them with invalidations; a placeholder has any name |
| `version = 2` | none | separates entries from those of another version: raise it when the meaning of values changes; writer and reader have the same |

Storage:

| option | default | meaning |
|---|---|---|
| `capacity = 10_000` | `Builder::capacity`, 10 000 | largest number of entries of this function in this process |
| `max_bytes = "64MiB"`, `max_bytes = 65_536` | none | largest number of bytes of the entries of this function in this process, [weighed]("#, guide_root!(), r#"bytes/index.html) by `weigh` or by their type; without `capacity`, the only bound |
| `weigh = \|value\| value.len()` | by the type | bytes that a value takes, by a function of `&T`; see [Bounds in bytes]("#, guide_root!(), r#"bytes/index.html) |
| `tier = local`, `tier = shared`, `tier = both` | `both`, if the type can be serialised; `local` for a plain function | tiers that store the entries, if there is a shared tier; a plain function that names the shared one [blocks its thread]("#, guide_root!(), r#"cacheable/index.html#plain-functions-and-the-shared-tier) while it asks |
| `local_ttl = 5` | `ttl` | time for which this process serves an entry before it asks the shared tier again |
| `codec = json`, `codec = bincode` | `Redis::codec`, `messagepack` | encoding of values in the shared tier |
| `erase` | bytes stay until the ttl ends | an invalidation of the key also [removes the bytes]("#, guide_root!(), r#"erase/index.html) from the shared tier, within seconds; writer and reader have the same |
| `on = self.fast` | the process's cache, or that of [`with_cache`]("#, guide_root!(), r#"testing/index.html) | the `Fastness` to use; any expression |

Other forms:

| option | default | meaning |
|---|---|---|
| `batch(ids)` | off | an entry for each element of a list; see [Batches]("#, guide_root!(), r#"batch/index.html) |
| `merge = "2ms"`, `merge = Duration::ZERO` | off | time for which a call of a batch waits for others, to [load with them]("#, guide_root!(), r#"batch/index.html#single-calls-that-meet) what all of them lack; zero takes those that are queued already; needs an `async fn` |
| `merge_max = 100` | 100 | number of elements that ends the wait of `merge`; a longer list of one call is loaded at once, as a whole |
| `handle = users` | none | a typed handle beside the function: `users(&id).get()`; see [Without attributes]("#, guide_root!(), r#"direct/index.html#handles) |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#)
    };
    (capped) => {
        r#"
| option | default | meaning |
|---|---|---|
| `bytes = "64MiB"` | required | size of the collection; the oldest documents give way to new ones |
| `documents = 1000` | no bound | number of documents |


"#
    };
    (circuit_breaker) => {
        r#"
| option | default | meaning |
|---|---|---|
| `name = "supplier"` | the function's path | the name by which `Breaker::named(..)` finds it; a name stands for one breaker in the process. Required on methods |
| `failure_threshold = 5`, `failure_threshold = off` | 5 or 15 | number of failures in a row that opens it; by default 5 while the window holds fewer than `min_calls`, and 15 otherwise |
| `failure_rate = 50`, `failure_rate = off` | 50 % | share of failed calls in the window that opens it |
| `slow_rate = 80` | off | share of slow calls in the window that opens it; needs `slow` |
| `slow = "1s"` | off | duration from which a call counts as slow; needs `slow_rate` |
| `min_calls = 20` | 80 | number of calls in the window below which rates are ignored; in a window of fewer calls, all of them |
| `window = "30s"`, `window = 100` | 30 s | time, or number of calls, that rates cover |
| `open_for = "5s"` | 5 s | time for which it stays open; doubles with each failed round of probes |
| `max_open = "60s"` | 60 s | longest time for which it stays open |
| `probes = 3` | 3 | number of calls that a half-open breaker makes, judged by `failure_rate` and `slow_rate` |
| `probe_timeout = "30s"` | 30 s | time after which an unfinished probe gives up its place |
| `cancelled = failure` | `nothing` | outcome of a call whose future is dropped |
| `timeout = "5s"` | none | time after which a call is dropped and counts as a failure; the error type needs `From<TimedOut>`, the function must be `async` |
| `ignore = \|error\| error.is_not_found()` | none | errors that count neither as a failure nor as a success |
| `failure_if = \|result\| result.is_err()` | an `Err` is a failure | predicate over the whole result that defines a failure; not with `ignore` |
| `per = "{host}"` | one for all | a separate breaker for each key |
| `keys = 1_000` | 1 000 | largest number of breakers that are stored; needs `per` |
| `fallback = path` | none | function that answers rejected calls, with the same arguments and a `Rejected`; a path that begins with `Self::` gets `self` |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (collation) => {
        r#"
| option | default | meaning |
|---|---|---|
| `locale = "en"` | required | locale whose rules apply |
| `strength = 2` | MongoDB's, 3 | level of comparison, 1 to 5; 2 ignores case |
| `case_level = true` | `false` | compares case at strength 1 and 2 too |
| `case_first = upper` | `off` | sorts capital letters first, or small ones |
| `numeric_ordering = true` | `false` | sorts `"10"` after `"9"` |
| `alternate = shifted` | `non_ignorable` | `shifted` ignores spaces and punctuation up to strength 3 |
| `max_variable = space` | `punct` | characters that `shifted` ignores |
| `normalization = true` | `false` | compares letters that are written as several code points as one |
| `backwards = true` | `false` | compares accents from the end, as in French of Canada |


"#
    };
    (fallback) => {
        r#"
| option | default | meaning |
|---|---|---|
| `other` | required | path of the function: `other`, or `Self::other`, which gets `self` too |
| `failure_if = \|result\| result.is_err()` | an `Err` is a failure | predicate over the whole result, of any type, that defines a failure; the fallback gets that result instead of the error |
| `name = "supplier"` | the function's path | name in metrics |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (hedge) => {
        r#"
| option | default | meaning |
|---|---|---|
| `after = "50ms"` | this or `p95` is required | delay after which a second call is made |
| `p95 = "50ms"` | this or `after` is required | makes a second call when the first has taken longer than 95 % of recent calls; this delay until 32 calls are known |
| `budget = 10` | 10 % | share of calls that may be made twice, 1 to 100; in addition ten at the start, which come back at one a second |
| `failure_if = \|result\| result.is_err()` | an `Err` is a bad answer | predicate over the whole result, of any type, that defines a bad answer |
| `name = "supplier"` | the function's path | name in metrics |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (index) => {
        r#"
| option | where | meaning |
|---|---|---|
| `keys(status = 1, created_at = -1)` | struct | fields with `1` or `asc`, `-1` or `desc`, or a kind; `tags.0` is a position in a list, `keys("a.**")` everything below `a` (beside other keys: MongoDB 7.0), `"**" = text` the words of all fields |
| `asc` | field | ascending, as `#[index]` alone |
| `desc` | field | descending |
| `text`, `text(weight = 10)` | field | search for words; the weight is 1 to 99999, by default 1. All text fields make one index |
| `sphere` | field | places on the globe, also `"2dsphere"` |
| `plane` | field | points on a plane, also `"2d"` |
| `hashed` | field | hashed values, for sharding |
| `wildcard` | field | all fields below it |
| `unique` | both | rejects a second document with the same values |
| `sparse` | both | leaves out documents without the field |
| `hidden` | both | maintained, but not used by queries |
| `name = "by_status"` | both | name of the index, instead of MongoDB's own, such as `email_1` |
| `expire_after = "30d"` | both | deletes documents this long after the date in the field, in whole seconds; 0: at that date |
| `partial(status = "active")` | both | includes only matching documents: `=`, `>`, `>=`, `<`, `<=`, `in [..]`, `exists(field)`, `type(field) = "string"`, combined by and; `a = 1 \|\| b = 2` with MongoDB 6.0. Values are literals, `null`, `date("..")` and `object_id("..")` |
| `wildcard_projection(color = 1)` | struct | fields that `keys("**")` includes (`1`), or leaves out (`0`) |
| `collation(locale = "en", strength = 2)` | both | comparison of strings |
| `default_language = "english"` | both | default language of a text index |
| `language_override = "idioma"` | both | field with a document's language |
| `bits = 26` | both | precision of a `plane` index, 1 to 32 |
| `min = -180` | both | lower bound of a `plane` index; needs `max` |
| `max = 180` | both | upper bound; needs `min` |
| `allow(prefix)` | both | admits an index whose keys a longer one starts with |
| `as_is("storageEngine")` | both | options of MongoDB that no attribute declares, and that the index on the server may have |


"#
    };
    (indexed) => {
        concat!(r#"
| option | default | meaning |
|---|---|---|
| `collection = "businesses"` | none | name of the collection; without it, only the fields are listed |
| `scopes("product:{id}", "products:*")` | none | scopes that a change of a document invalidates, if [changes]("#, guide_root!(), r#"changes/index.html) are followed; needs `collection` |
| `time_series(time = at, meta = sensor)` | a plain collection | makes it a time-series collection |
| `capped(bytes = "64MiB")` | unbounded | makes it a collection of a fixed size |
| `clustered` | not | stores documents in the order of their `_id`, with MongoDB 5.3 or newer |
| `pre_images` | as the server has it | stores documents as they were before a change, for exact [scopes]("#, guide_root!(), r#"changes/index.html#scopes), with MongoDB 6.0 or newer |
| `validator` | as the server has it | rejects documents whose fields have other types than those of the struct |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#)
    };
    (key) => {
        r"
| option | default | meaning |
|---|---|---|
| `display` | by its `KeyPart` | writes the field by its `Display`, and compares it by this text |
| `debug` | by its `KeyPart` | writes the field by its `Debug`, and compares it by this text |
| `lower` | by its `KeyPart` | writes the field in lower case |
| `hash` | by its `KeyPart` | writes a digest of the field's serde form; needs the feature `hash` |
| `skip` | by its `KeyPart` | leaves the field out of the key |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"
    };
    (label) => {
        r"
| option | default | meaning |
|---|---|---|
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"
    };
    (rate_limit) => {
        r#"
| option | default | meaning |
|---|---|---|
| `calls = 100` | required | number of calls |
| `per = "1s"` | required | period for that number |
| `burst = 10` | `calls` | number of calls at once after a pause; with 1, calls are spread evenly |
| `key = "{customer}"` | one limit for all | a separate limit for each key: text with parameters in braces, or an expression |
| `keys = 10_000` | 10 000 | largest number of keys that are stored; needs `key` |
| `name = "supplier"` | the function's path | name in metrics and errors |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (retry) => {
        r#"
| option | default | meaning |
|---|---|---|
| `attempts = 3` | 3 | largest number of runs of the body, including the first; at least 2 |
| `wait = "100ms"` | 100 ms | longest wait before the second attempt; doubles with each attempt |
| `backoff = constant` | `exponential` | `constant` waits for exactly `wait` before each attempt, neither longer nor at random |
| `max_wait = "10s"` | 10 s | longest wait before any attempt, including the `retry_after` of a rejection and the random part |
| `when = \|error\| error.is_timeout()` | any error | predicate over the error for another attempt: a `bool`, or an `Again` |
| `failure_if = \|result\| result.is_err()` | an `Err` | predicate over the whole result for another attempt: a `bool`, or an `Again`; not with `when` |
| `budget = 20`, `budget = off` | 20 % | share of calls that may be repeated, 1 to 100; in addition ten at the start, which come back at one a second |
| `name = "supplier"` | the function's path | name in metrics |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (time_series) => {
        r#"
| option | default | meaning |
|---|---|---|
| `time = at` | required | field with the date of a measurement |
| `meta = sensor` | none | field that names the source of a measurement |
| `granularity = minutes` | MongoDB's, `seconds` | usual time between two measurements of one source |
| `expire_after = "30d"` | never | deletes measurements this long after their date, in whole seconds |


"#
    };
    (timed) => {
        r#"
| option | default | meaning |
|---|---|---|
| `name = "users.find"` | `module::function` | name in figures and logs; functions of one name are one series in the metrics |
| `slow = "100ms"` | off | duration from which calls are counted as slow and logged, at most one line a second; `slow = 1` is a second |
| `labels(tier = user.tier)` | none | labels of a call: `bool`s, and enums that derive `Label` |
| `ok_if = \|result\| ..` | no `Err` | predicate over results that are ok; not with `error_if` |
| `error_if = \|result\| ..` | an `Err` | predicate over results that are errors; not with `ok_if` |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
    (timeout) => {
        r#"
| option | default | meaning |
|---|---|---|
| `"2s"` | required | longest duration of a call: text with a unit, whole seconds (`2`), or an expression of type `Duration`, as `self.timeout` |
| `name = "supplier"` | the function's path | name in metrics and errors |
| `crate = my::fastness` | `::fastness` | path of the runtime crate |


"#
    };
}
