//! The tables of options in the documentation of the attributes, written from the rows in `options/tables`: change those.
//!
//! May use: nothing of this crate.

/// The options of an attribute, as a paragraph of Markdown.
macro_rules! options_of {
    (bulkhead) => {
        r#"
| option | default | meaning |
|---|---|---|
| `max = 64` | required | calls at a time |
| `adaptive` | fixed | finds the number between `min` and `max` by itself, from how long calls take |
| `min = 4` | 1 | the least number; needs `adaptive`, which begins with it |
| `wait = "50ms"` | none | how long a call waits for a place, in order of arrival; `async` functions only |
| `name = "supplier"` | the function's path | the name in metrics and errors |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (cache_invalidate) => {
        r#"
| option | default | meaning |
|---|---|---|
| `"user:{id}"` | | the value of one key |
| `"users:*"` | | all values whose keys start with these segments, at no more cost |
| `users(id)` | | the value of a handle, with the arguments that it takes; of a method's, `self.users(id)` |
| `tags = ["team:{id}"]` | none | all values with one of these tags |
| `when = always` | `ok` | whether to invalidate after an error too; `ok`: only if the function did not return an `Err` |
| `before` | off | invalidates before the body as well, so that reads during a long write see nothing old |
| `skip(self)` | | leaves the receiver's namespace out of the patterns, as the cached function does |
| `on = self.fast` | the process's cache, or that of `with_cache` | the `Fastness` to use; any expression |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (cache_put) => {
        r#"
How long a value lives:

| option | default | meaning |
|---|---|---|
| `ttl = 300` | required | how long a value is served |
| `jitter = 0.05`, `jitter = "5%"` | 0.1 | the largest share of the ttl that is taken off at random, 0 to 0.5, so that what was loaded together does not expire together |
| `negative_ttl = 10` | `None` is not stored | how long this function serves `None`, whichever function of the key stored it |
| `unless = \|value\| value.is_empty()` | never | which values not to store; it gets a `&T`, also where the function returns an `Option` or a `Result` |
| `condition = id != 0` | always | whether to store, asked before the body; any expression over the parameters |

Its key:

| option | default | meaning |
|---|---|---|
| `key = "user:{id}"` | required | the key of the function that reads the value |
| `skip(self)` | `self` must be in the key | leaves `self` out of the key, as the function that reads does |
| `tags = ["team:{id}"]` | none | names by which an invalidation finds the value too |
| `version = 2` | none | sets values apart from those of another version: raise it when their meaning changes; a writer has that of the reader |

Where it is kept:

| option | default | meaning |
|---|---|---|
| `capacity = 10_000` | `Builder::capacity`, 10 000 | how many values of this function are kept in this process |
| `tier = local`, `tier = shared` | `both`, where the type can be serialised | where values are kept if there is a shared tier; a plain function uses this process's only |
| `local_ttl = 5` | `ttl` | how long this process serves a value before it asks the shared tier again |
| `codec = json`, `codec = bincode` | `Redis::codec`, `messagepack` | how values are encoded in the shared tier |
| `on = self.fast` | the process's cache, or that of `with_cache` | the `Fastness` to use; any expression |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (cacheable) => {
        r#"
How long a value lives:

| option | default | meaning |
|---|---|---|
| `ttl = 300` | required | how long a value is served |
| `jitter = 0.05`, `jitter = "5%"` | 0.1 | the largest share of the ttl that is taken off at random, 0 to 0.5, so that what was loaded together does not expire together |
| `negative_ttl = 10` | `None` is not stored | how long this function serves `None`, whichever function of the key stored it |
| `unless = \|value\| value.is_empty()` | never | which values not to store; it gets a `&T`, also where the function returns an `Option` or a `Result` |
| `cache_err = \|error\| error.is_not_found()` | errors are not stored | which errors are stored; needs `err_ttl` |
| `err_ttl = 5` | | how long this function serves a stored error that its `cache_err` names, whichever function of the key stored it; needs `cache_err` |
| `condition = id != 0` | always | whether to use the cache at all, asked before the look-up; any expression over the parameters |

What happens when it is old:

| option | default | meaning |
|---|---|---|
| `stale = "1m"` | off | how long after the ttl a value is served while one caller refreshes it |
| `refresh = background` | `caller` | whether a refresh runs in a task of its own, so that no caller waits for it; needs an `async fn`, and arguments that are `Clone + Send + 'static` |
| `stale_if_error = "1h"` | off | how long after the ttl a value is served instead of an error; after an error the origin is left alone for 5 s |
| `early = off` | `xfetch` | whether a busy value is refreshed shortly before it expires, the earlier the longer its load takes, by a tenth of the ttl at most |

How it is loaded:

| option | default | meaning |
|---|---|---|
| `single_flight = off`, `single_flight = fleet` | `process` | which callers share one load of a missing key: none, those of this process, or those of all processes with one shared tier |
| `share_error = \|error\| error.clone()` | `Clone`, where the error has it | how a shared load gives its error to each caller: a `fn(&E) -> E` |
| `load_timeout = "2s"` | none | how long a load may take, and how long others wait for one that rests or runs in another process (30 s without it); the error type needs `From<LoadTimeout>`, the function must be `async` |
| `load = task` | `caller` | whether a load goes on in a task of its own when its caller does not wait for it any more; needs an `async fn`, tokio, and arguments that are `Clone + Send + 'static` |

Its key:

| option | default | meaning |
|---|---|---|
| `key = "user:{id}"` | see Keys | literal text and placeholders between colons |
| `prefix = "users"` | the function's name less a leading verb | how the default key starts; not with `key` |
| `skip(db, self)` | nothing | parameters that do not change the result; with a `key`, `self` too has to be in the key or here. A `&mut` parameter has to be here: the body has it, a hit leaves it as it is |
| `tags = ["team:{id}"]` | none | names by which an invalidation finds the value too |
| `version = 2` | none | sets values apart from those of another version: raise it when their meaning changes; a writer has that of the reader |

Where it is kept:

| option | default | meaning |
|---|---|---|
| `capacity = 10_000` | `Builder::capacity`, 10 000 | how many values of this function are kept in this process |
| `tier = local`, `tier = shared` | `both`, where the type can be serialised | where values are kept if there is a shared tier; a plain function uses this process's only |
| `local_ttl = 5` | `ttl` | how long this process serves a value before it asks the shared tier again |
| `codec = json`, `codec = bincode` | `Redis::codec`, `messagepack` | how values are encoded in the shared tier |
| `on = self.fast` | the process's cache, or that of `with_cache` | the `Fastness` to use; any expression |

Other forms:

| option | default | meaning |
|---|---|---|
| `batch(ids)` | off | one value for each element of a list; see Batches |
| `handle = users` | none | a typed handle beside the function: `users(&id).get()`; see Without attributes |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (circuit_breaker) => {
        r#"
| option | default | meaning |
|---|---|---|
| `name = "supplier"` | the function's path | the name by which `Breaker::named(..)` finds it; one name is one breaker in the process. Methods must have one |
| `failure_threshold = 5`, `failure_threshold = off` | 5 or 15 | failures in a row that open it; by default 5 while the window holds fewer than `min_calls`, and 15 otherwise |
| `failure_rate = 50`, `failure_rate = off` | 50 % | share of failed calls in the window that opens it |
| `slow_rate = 80` | off | share of slow calls in the window that opens it; needs `slow` |
| `slow = "1s"` | off | how long a call takes that counts as slow; needs `slow_rate` |
| `min_calls = 20` | 80 | calls in the window before a rate means anything; of a window of fewer calls, all of them |
| `window = "30s"`, `window = 100` | 30 s | the time, or the number of calls, that rates are of |
| `open_for = "5s"` | 5 s | how long it stays open; doubles with each failed round of probes |
| `max_open = "60s"` | 60 s | the longest that it stays open |
| `probes = 3` | 3 | calls that are made while it is half-open, and judged by `failure_rate` and `slow_rate` |
| `probe_timeout = "30s"` | 30 s | after which a probe that does not end gives its place up |
| `cancelled = failure` | `nothing` | what a call counts as whose future is dropped |
| `timeout = "5s"` | none | after which a call is dropped and has failed; the error type needs `From<TimedOut>`, the function must be `async` |
| `ignore = \|error\| error.is_not_found()` | none | errors that say nothing of the callee |
| `failure_if = \|result\| result.is_err()` | an `Err` is a failure | what is a failure, asked of the whole result; not with `ignore` |
| `per = "{host}"` | one for all | a breaker for each key |
| `keys = 1_000` | 1 000 | how many keys are kept; needs `per` |
| `fallback = path` | none | answers a rejected call: a function of the same arguments and a `Rejected`; `self` is given to a path that begins with `Self::` |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (collation) => {
        r#"
| option | default | meaning |
|---|---|---|
| `locale = "en"` | required | whose rules |
| `strength = 2` | MongoDB's, 3 | 1 to 5; 2 ignores case |
| `numeric_ordering = true` | `false` | `"10"` after `"9"` |


"#
    };
    (fallback) => {
        r#"
| option | default | meaning |
|---|---|---|
| `other` | required | the path of the function: `other`, or `Self::other`, which is given `self` too |
| `failure_if = \|result\| result.is_err()` | an `Err` is a failure | what is a failure, asked of the whole result, of any type; the fallback gets that result instead of the error |
| `name = "supplier"` | the function's path | the name in metrics |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (hedge) => {
        r#"
| option | default | meaning |
|---|---|---|
| `after = "50ms"` | this or `p95` is required | a second call is made when the first has taken so long |
| `p95 = "50ms"` | this or `after` is required | a second call is made when the first has taken longer than 95 % of recent calls; until 32 are known, this long |
| `budget = 10` | 10 % | the share of calls that may be made twice over time, 1 to 100; ten more at first, and one a second while there are fewer than ten |
| `failure_if = \|result\| result.is_err()` | an `Err` is none | what is no good answer, asked of the whole result, of any type |
| `name = "supplier"` | the function's path | the name in metrics |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (index) => {
        r#"
| option | where | meaning |
|---|---|---|
| `keys(status = 1, created_at = -1)` | struct | the fields: `1` or `asc`, `-1` or `desc`, or a kind; `keys("a.**")` is everything below `a` |
| `asc` | field | ascending, as `#[index]` alone |
| `desc` | field | descending |
| `text`, `text(weight = 10)` | field | words; a weight is 1 to 99999, by default 1. All text fields make one index |
| `sphere` | field | places on the globe, also `"2dsphere"` |
| `plane` | field | points on a plane, also `"2d"` |
| `hashed` | field | by hash, for sharding |
| `wildcard` | field | everything below it |
| `unique` | both | no two documents have the same values |
| `sparse` | both | documents without the field are left out |
| `hidden` | both | kept up to date, but not used |
| `name = "by_status"` | both | instead of MongoDB's own, as `email_1` |
| `expire_after = "30d"` | both | documents are deleted this long after the date in the field, in whole seconds; 0: at that date |
| `partial(status = "active")` | both | only such documents: `=`, `>`, `>=`, `<`, `<=`, `in [..]`, `exists(field)`, all must hold |
| `collation(locale = "en", strength = 2)` | both | how strings compare |
| `default_language = "english"` | both | of a text index |
| `language_override = "idioma"` | both | the field that names a document's language |
| `bits = 26` | both | the precision of a `plane` index, 1 to 32 |
| `min = -180` | both | the lower bound of a `plane` index; needs `max` |
| `max = 180` | both | the upper bound; needs `min` |


"#
    };
    (indexed) => {
        r#"
| option | default | meaning |
|---|---|---|
| `collection = "businesses"` | none | the collection; without it, only the fields are listed |
| `scopes("product:{id}", "products:*")` | none | what a change of a document invalidates, where changes are followed; needs `collection` |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (label) => {
        r"
| option | default | meaning |
|---|---|---|
| `crate = my::fastness` | `::fastness` | where the runtime is |


"
    };
    (rate_limit) => {
        r#"
| option | default | meaning |
|---|---|---|
| `calls = 100` | required | how many calls |
| `per = "1s"` | required | in how long |
| `burst = 10` | `calls` | how many at once, after a time without any; with 1 they are spread evenly |
| `key = "{customer}"` | one limit for all | a limit for each key: text with parameters in braces, or an expression |
| `keys = 10_000` | 10 000 | how many keys are remembered; needs `key` |
| `name = "supplier"` | the function's path | the name in metrics and errors |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (retry) => {
        r#"
| option | default | meaning |
|---|---|---|
| `attempts = 3` | 3 | how often the body runs at most, the first time included; at least 2 |
| `wait = "100ms"` | 100 ms | the longest wait before the second attempt; doubles with each |
| `max_wait = "10s"` | 10 s | the longest wait before any attempt, what a rejection asked for and the random part included |
| `when = \|error\| error.is_timeout()` | any error | after which errors to try again: a `bool`, or an `Again` |
| `failure_if = \|result\| result.is_err()` | an `Err` | after which results to try again, asked of the whole result: a `bool`, or an `Again`; not with `when` |
| `budget = 20`, `budget = off` | 20 % | the share of calls that may be repeated over time, 1 to 100; ten more at first, and one a second while there are fewer than ten |
| `name = "supplier"` | the function's path | the name in metrics |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (timed) => {
        r#"
| option | default | meaning |
|---|---|---|
| `name = "users.find"` | `module::function` | the name in figures and logs; functions of one name are one series in the metrics |
| `slow = "100ms"` | off | calls that take this long are counted and logged, one line a second at most; `slow = 1` is a second |
| `labels(tier = user.tier)` | none | what tells calls apart: `bool`s, and enums that derive `Label` |
| `ok_if = \|result\| ..` | no `Err` | which results are ok; not with `error_if` |
| `error_if = \|result\| ..` | an `Err` | which results are errors; not with `ok_if` |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
    (timeout) => {
        r#"
| option | default | meaning |
|---|---|---|
| `"2s"` | required | how long a call may take: text with a unit, whole seconds (`2`), or a constant of type `Duration` |
| `name = "supplier"` | the function's path | the name in metrics and errors |
| `crate = my::fastness` | `::fastness` | where the runtime is |


"#
    };
}
