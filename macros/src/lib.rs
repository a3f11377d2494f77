//! The attributes of fastness. Use them through the `fastness` crate, which re-exports them and holds what they expand to.
//!
//! Each attribute goes the same way: tokens -> `args` (as written) -> `model` (checked) -> `expand` (cannot fail). All
//! mistakes of one use are reported at once, each at its place, and the function is kept as it is beside them.
//!
//! Expanded code names only what is under `::fastness::__private`; all behaviour is there.

mod diag;
mod nearest;
mod value;

mod args;
mod duration;
mod order;
mod signature;
mod stack;
mod template;

mod key;
mod policy;
mod stored;
mod subject;

mod emit;

mod cache_invalidate;
mod cache_put;
mod cacheable;
mod indexed;
mod label;
mod resilience;
mod timed;

#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Answers from the cache, or runs the function and stores its value.
///
/// ```text
/// #[cacheable(ttl = 300)]
/// async fn get_user(&self, id: u64) -> Result<Arc<User>, Error> { .. }
///
/// #[cacheable(ttl = "5m", key = "order:{user.id}:{filter:hash}", tags = ["user:{user.id}"])]
/// async fn orders(user: &User, filter: &Filter) -> Result<Vec<Order>, Error> { .. }
/// ```
///
/// It works on free functions, methods, associated functions and functions of traits' implementations (`async`, plain,
/// under `#[async_trait]`, or returning a future of any name), generic ones too. The value is a `T`, an `Option<T>` or a
/// `Result<T, E>`, or an alias of these, and must be `Clone`; return an `Arc<T>` to make hits cheap. Errors are not
/// stored, nor is `None`, unless asked for below.
///
/// Callers of a plain function that wait for another's load block their threads; those of an `async` one do not.
///
/// Durations are whole seconds (`300`), text with units (`"250ms"`, `"1h30m"`) or any expression of type `Duration`.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `ttl = 300` | required | how long a value is served |
/// | `key = "user:{id}"` | see below | the key: literal text and placeholders between colons |
/// | `prefix = "users"` | from the name | how the default key starts |
/// | `skip(a, self)` | nothing | parameters that do not change the result |
/// | `tags = ["team:{id}"]` | none | names by which `cache_invalidate` finds the value too |
/// | `condition = id != 0` | always | whether to use the cache, asked before the look-up |
/// | `unless = \|v\| v.is_empty()` | never | which values not to store |
/// | `negative_ttl = 10` | not stored | how long `None` is served |
/// | `cache_err = \|e\| ..`, `err_ttl = 5` | not stored | which errors are served, and how long |
/// | `stale = "1m"` | off | how long after `ttl` a value is served while it is refreshed |
/// | `refresh = background` | `caller` | whether the caller who notices waits for the refresh |
/// | `stale_if_error = "1h"` | off | how long after `ttl` a value is served instead of an error |
/// | `early = off` | `xfetch` | whether a busy value is refreshed shortly before it expires |
/// | `jitter = 0.05` or `"5%"` | 0.1 | by how much a `ttl` is varied, up to 0.5 |
/// | `single_flight = off` or `fleet` | `process` | whether callers of one missing key share one load, in this process or in all that share a tier |
/// | `share_error = path` | `Clone`, where the error has it | how a shared load gives its error to each caller |
/// | `load = task` | `caller` | whether a load goes on in a task of its own when its caller does not wait for it any more |
/// | `load_timeout = "2s"` | none | how long a load may take; its error type is made from `LoadTimeout`, and tokio's timer must run |
/// | `capacity = 10_000` | of the cache | how many values of this function are kept |
/// | `version = 2` | none | sets values apart from those stored under another version: raise it when their meaning changes |
/// | `tier = local` or `shared` | `both`, where the type can be serialised | where values are kept, if there is a shared tier; async functions only |
/// | `local_ttl = 5` | `ttl` | how long this process serves a value before it asks the shared tier again |
/// | `codec = json` or `bincode` | of the cache, `messagepack` | how values are encoded in the shared tier |
/// | `batch(ids)` | off | one value per element of `ids`; the body runs for the missing ones |
/// | `handle = USERS` | none | a typed static: `USERS.get(&id)`, `.put`, `.invalidate`, `.refresh`, `.key` |
/// | `on = expr` | the process's | the cache to use |
/// | `crate = path` | `::fastness` | where the runtime is |
///
/// # Keys
///
/// A placeholder is a parameter or a field of one: `{id}`, `{user.id}`, `{pair.0}`, `{self.tenant}`; `{x:hash}` writes a
/// digest of its serde form and `{x:lower}` its lower case. Every parameter must be in the key or in `skip(..)`, and so
/// must `self`: by a field, by its type's `KeyScope`, or as `skip(self)`. Two values of one type share otherwise, as they do without a `key`: it is then the function's name less a leading verb (`get_`, `find_`, `fetch_`, `load_`, `list_`, `read_`, `lookup_`,
/// `search_`, `query_`), the path of the function, and every argument: `get_user(7)` is invalidated by `"user:*"`.
///
/// Equal `HashMap`s and `HashSet`s have equal digests under `{x:hash}`.
///
/// # Order
///
/// Attributes nest as they are written. Above this one go `#[timed]` (below it, that times loads alone) and `#[fallback]`; below
/// it go `#[circuit_breaker]`, `#[retry]`, `#[hedge]`, `#[timeout]`, `#[bulkhead]` and `#[rate_limit]`.
#[proc_macro_attribute]
pub fn cacheable(args: TokenStream, item: TokenStream) -> TokenStream {
    cacheable::attribute(args.into(), &item.into()).into()
}

/// Runs the function, then makes sure that what it made stale is not served again.
///
/// ```text
/// #[cache_invalidate("user:{id}", "users:*", tags = ["team:{team}"])]
/// async fn rename(&self, id: u64, team: u64, name: &str) -> Result<(), Error> { .. }
/// ```
///
/// | target or option | default | meaning |
/// |---|---|---|
/// | `"user:{id}"` | | the value of one key |
/// | `"users:*"` | | all values whose keys start with these segments, at no more cost |
/// | `tags = ["team:{id}"]` | none | all values with one of these tags |
/// | `USERS(id)` | | the value of a typed handle, with the arguments of its key |
/// | `when = always` | `ok` | whether to invalidate after an error too |
/// | `before` | off | whether to invalidate before the body as well |
/// | `skip(self)` | | leaves the receiver out of the keys, as the cached function does |
/// | `on = expr` | the process's | the cache to use |
/// | `crate = path` | `::fastness` | where the runtime is |
///
/// A pattern ends in `:*` or has no wildcard; to reach values across keys, give them a tag. However many values it reaches, it
/// costs the same. If the future is dropped or the body panics, it may have done its work, and what it names is
/// invalidated too.
#[proc_macro_attribute]
pub fn cache_invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_invalidate::attribute(args.into(), &item.into()).into()
}

/// Runs the function always, then stores its value.
///
/// ```text
/// #[cache_put(key = "user:{user.id}", ttl = 300, skip(self))]
/// async fn save(&self, user: User) -> Result<Arc<User>, Error> { .. }
/// ```
///
/// `key` and `ttl` are required, and the key is that of the function that reads the value. Parameters need not be in
/// it, but for `self`: by a field, by its type's `KeyScope`, or as `skip(self)`. Key and tags are made before the body runs, which may consume its arguments.
///
/// Whatever was cached under the key is gone when the function returns. The new value is stored unless something else
/// invalidated the key while the function ran. A function that returns an error, or whose future is dropped, may have
/// written all the same: its key is invalidated and nothing is stored.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `key = "user:{id}"` | required | the key, as in `#[cacheable]` |
/// | `ttl = 300` | required | how long the value is served |
/// | `tags = ["team:{id}"]` | none | names by which `cache_invalidate` finds the value too |
/// | `condition = id != 0` | always | whether to store, asked before the body |
/// | `unless = \|v\| v.is_empty()` | never | which values not to store |
/// | `negative_ttl = 10` | not stored | how long `None` is served |
/// | `jitter = 0.05` or `"5%"` | 0.1 | by how much the `ttl` is varied, up to 0.5 |
/// | `capacity = 10_000` | of the cache | how many values of this function are kept |
/// | `version = 2` | none | sets values apart from those stored under another version: raise it when their meaning changes |
/// | `tier = local` or `shared` | `both`, where the type can be serialised | where values are kept, if there is a shared tier; async functions only |
/// | `local_ttl = 5` | `ttl` | how long this process serves a value before it asks the shared tier again |
/// | `codec = json` or `bincode` | of the cache, `messagepack` | how values are encoded in the shared tier |
/// | `skip(self)` | `self` must be in the key | leaves `self` out of the key, as the function that reads does |
/// | `on = expr` | the process's | the cache to use |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_put::attribute(args.into(), &item.into()).into()
}

/// Stops calling what does not work, for a while.
///
/// ```text
/// #[circuit_breaker(name = "supplier", failure_threshold = 5, open_for = "5s")]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// While it is *closed*, calls are made and their outcomes counted. Enough failures *open* it: calls are then rejected without being
/// made, until `open_for` has passed. Then it is *half-open*: a few probes are made, and if fewer of them fail than the rate says it closes.
///
/// A rejection is a value: the function's error type needs `From<fastness::resilience::Rejected>`, or there is a `fallback`.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "supplier"` | the function's path | by which [`breaker`](https://docs.rs/fastness) finds it; one name is one breaker. Methods must have one |
/// | `failure_threshold = 5` or `off` | 5, or 15 where the window holds `min_calls` | failures in a row that open it |
/// | `failure_rate = 50` or `off` | 50 % | share of failed calls in the window that opens it |
/// | `slow_rate = 80`, `slow = "1s"` | off | share of calls that take that long, which opens it too |
/// | `min_calls = 20` | 80 | calls in the window before a rate means anything |
/// | `window = "30s"` or `100` | 30 s | the time, or the number of calls, that rates are of |
/// | `open_for = "5s"` | 5 s | how long it stays open; doubles with each round of failed probes |
/// | `max_open = "60s"` | 60 s | and at most so long |
/// | `probes = 3` | 3 | calls that are made while it is half-open |
/// | `probe_timeout = "30s"` | 30 s | after which a probe that does not end gives its place up |
/// | `cancelled = failure` | `nothing` | what a dropped future counts as |
/// | `timeout = "5s"` | none | after which a call is dropped and failed; the error type needs `From<TimedOut>` |
/// | `ignore = \|e\| ..` | none | errors that say nothing of the callee |
/// | `failure_if = \|r\| ..` | errors | what is a failure, asked of the whole result |
/// | `per = "{host}"` | one for all | a breaker per key, of which at most `keys` (1 000) are kept |
/// | `fallback = path` | none | what answers a rejected call: a function of the same arguments and a `Rejected`; `self` is given to a path that begins with `Self::` |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::circuit_breaker::attribute(args.into(), &item.into()).into()
}

/// Runs a function again that failed.
///
/// ```text
/// #[retry(attempts = 3, wait = "100ms", when = |error| error.is_temporary())]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// The waits double and are drawn at random from zero on, so that callers do not come back all at once; what a
/// `Rejected` says of when to come back is respected. Over time, at most a fifth of the calls are made again (the *budget*), so
/// that retries do not multiply an outage. Only repeat what is safe to repeat.
///
/// Arguments that the function owns are cloned for each attempt.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `attempts = 3` | 3 | how often the body is run at most, the first time included |
/// | `wait = "100ms"` | 100 ms | the longest wait before the second attempt; doubles with each |
/// | `max_wait = "10s"` | 10 s | and at most so long |
/// | `when = \|e\| ..` | any error | which errors to try again after: a `bool`, or an `Again` |
/// | `failure_if = \|r\| ..` | errors | the same, asked of the whole result, of any type |
/// | `budget = 20` or `off` | 20 % | the share of calls that may be made again |
/// | `name = ".."` | the function's path | in metrics |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn retry(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::retry::attribute(args.into(), &item.into()).into()
}

/// Drops a call that takes too long.
///
/// ```text
/// #[timeout("2s")]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// The error type needs `From<fastness::resilience::TimedOut>`. What was dropped may have had its effect. Options: `name = ".."`,
/// `crate = path`.
#[proc_macro_attribute]
pub fn timeout(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::timeout::attribute(args.into(), &item.into()).into()
}

/// Bounds how many calls are under way at a time.
///
/// ```text
/// #[bulkhead(max = 64, wait = "50ms")]
/// async fn render(&self, page: &Page) -> Result<Image, RenderError> { .. }
/// ```
///
/// A call that finds no place is rejected: the error type needs `From<fastness::resilience::Rejected>`.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `max = 64` | required | calls at a time |
/// | `adaptive`, `min = 4` | fixed, 1 | finds the number between `min` and `max` by itself, by how latency changes with it |
/// | `wait = "50ms"` | none | how long a call waits for a place; async functions only |
/// | `name = ".."` | the function's path | in metrics and errors |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn bulkhead(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::bulkhead::attribute(args.into(), &item.into()).into()
}

/// Bounds how many calls are made in a time. Needs the feature `rate-limit` of `fastness`.
///
/// ```text
/// #[rate_limit(calls = 100, per = "1s", key = "{customer}")]
/// async fn export(&self, customer: u64) -> Result<Report, ExportError> { .. }
/// ```
///
/// A call over the limit is rejected, and told when to come back: the error type needs `From<fastness::resilience::Rejected>`.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `calls = 100`, `per = "1s"` | required | how many calls in how long |
/// | `burst = 10` | `calls` | how many at once, after a time without any |
/// | `key = "{customer}"` | one limit for all | a limit per key, of which at most `keys` (10 000) are kept |
/// | `name = ".."` | the function's path | in metrics and errors |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn rate_limit(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::rate_limit::attribute(args.into(), &item.into()).into()
}

/// Makes a slow call a second time, and takes the first good answer.
///
/// ```text
/// #[hedge(after = "50ms")]
/// async fn replica(&self, id: u64) -> Result<Row, DbError> { .. }
/// ```
///
/// For calls that change nothing: both may have their effect. Arguments that the function owns are cloned for each try.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `after = "50ms"` or `p95 = "50ms"` | one is required | when the second is made: after this time, or after that in which 95 % of the calls end, with this to begin with |
/// | `budget = 10` | 10 % | the share of calls that may be made twice |
/// | `failure_if = \|r\| ..` | errors | what is no good answer, asked of the whole result, of any type |
/// | `name = ".."` | the function's path | in metrics |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn hedge(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::hedge::attribute(args.into(), &item.into()).into()
}

/// Asks another function when this one failed.
///
/// ```text
/// #[fallback(Self::last_known)]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
///
/// async fn last_known(&self, id: u64, error: SupplierError) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// It takes the same arguments, and the error last; `self` is given to a path that begins with `Self::`. Arguments that the function owns
/// are cloned for it. Put it above `#[cacheable]`, or what it answers would be cached as if it were true. With `failure_if = |result| ..`, which
/// says what a failure is, it takes the whole result instead of the error. Other options: `name = ".."`, `crate = path`.
#[proc_macro_attribute]
pub fn fallback(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::fallback::attribute(args.into(), &item.into()).into()
}

/// Records how long each call takes and how it ends, for `fastness::timings()` and the metrics.
///
/// ```text
/// #[timed]
/// async fn find(&self, id: u64) -> Result<User, Error> { .. }
///
/// #[timed(name = "checkout", slow = "250ms", labels(tier = user.tier), error_if = |r| r.status().is_server_error())]
/// async fn checkout(user: User) -> impl IntoResponse { .. }
/// ```
///
/// It works on free functions, methods, associated functions and functions of traits' implementations (`async`, plain,
/// under `#[async_trait]`, or returning a future of any name), generic ones too. An async function is timed from its first poll until
/// it is done.
///
/// A call ends as `ok`, as `error` (it returned an `Err`, whatever its type is called), as `cancelled` (its future was
/// dropped) or as `panicked`. Each has a histogram of its own, with an error of 1.6 % at most. A call costs two reads of the
/// processor's cycle counter and a few nanoseconds; it takes no lock, and allocates only where a thread first records an outcome.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "users.find"` | `module::function` | what it is called; functions of one name are one series in the metrics |
/// | `slow = "100ms"` | off | calls that take this long are counted and logged, one line a second at most |
/// | `labels(tier = user.tier)` | none | what tells calls apart: `bool`s and enums that derive `Label` |
/// | `ok_if = \|r\| ..` | no `Err` | which results are ok |
/// | `error_if = \|r\| ..` | `Err` | which results are errors |
/// | `crate = path` | `::fastness` | where the runtime is |
///
/// Above `#[cacheable]` it times every call, hits included; below, the loads alone. One static is shared by all
/// instantiations of a generic function; give methods of one name in one module a `name`.
#[proc_macro_attribute]
pub fn timed(args: TokenStream, item: TokenStream) -> TokenStream {
    timed::attribute(args.into(), &item.into()).into()
}

/// Makes an enum a label of timings: each variant is written in snake case, its fields are left out.
///
/// ```text
/// #[derive(Clone, Copy, Label)]
/// enum Tier { Free, EarlyBird } // "free", "early_bird"
/// ```
///
/// `#[label(crate = path)]` says where the runtime is, if not at `::fastness`.
#[proc_macro_derive(Label, attributes(label))]
pub fn derive_label(item: TokenStream) -> TokenStream {
    label::derive(item.into()).into()
}

/// Declares a model's MongoDB indexes, and makes its fields paths that the compiler checks.
///
/// ```text
/// #[derive(Serialize, Deserialize, Indexed)]
/// #[serde(rename_all = "camelCase")]
/// #[indexed(collection = "businesses")]
/// #[index(keys(subscription.plan = 1, is_active = -1))]
/// #[index(keys(name = text(weight = 10), description = text), default_language = "french")]
/// struct Business {
///     #[index(unique)]
///     email: String,
///     #[index(expire_after = "30d")]
///     deleted_at: Option<bson::DateTime>,
///     subscription: Subscription, // derives Indexed too, without a collection
///     ..
/// }
/// ```
///
/// It implements `fastness::index::Indexed`: `Business::INDEXES`, `Business::COLLECTION`, `Business::fields().subscription.plan`
/// as a name for filters, and `Business::sort_by("createdAt", order)` for names that come with requests. A struct without a
/// collection only lists its fields, for the models in which it is nested.
///
/// Paths are the Rust names of fields, through `Option`, `Vec`, `Box`, `Arc` and their like; serde's `rename`,
/// `rename_all`, `flatten`, `skip` and `with` say how they are stored. `metadata["color"]` is a key of a map or of a `Document`.
///
/// | on the struct | meaning |
/// |---|---|
/// | `#[indexed(collection = "..")]` | the collection; `crate = path` says where the runtime is |
/// | `#[indexed(.., scopes("user:{id}", "users:*"))]` | what a change of a document invalidates: patterns over the model's fields, for `fastness::changes` |
/// | `#[index(keys(a = 1, b.c = -1))]` | an index over several fields: `1` or `asc`, `-1` or `desc`, or a kind |
/// | `keys(name = text(weight = 10))` | words; a weight is 1 to 99999, by default 1; a model has one text index |
/// | `keys(place = sphere)`, `"2dsphere"` | places on the globe |
/// | `keys(point = plane)`, `"2d"` | points on a plane; options `bits`, `min`, `max` |
/// | `keys(id = hashed)` | by hash, for sharding |
/// | `keys("a.**")`, `keys(wildcard(a))` | everything below `a`; `keys(wildcard)`: everything |
///
/// On a field, `#[index]` is an ascending index of its own; `desc`, `text`, `sphere`, `plane`, `hashed` and `wildcard` make
/// another kind of it, and all text fields of a model make one index together. In both places:
///
/// | option | meaning |
/// |---|---|
/// | `unique` | no two documents have the same values |
/// | `sparse` | documents without the field are left out |
/// | `hidden` | kept up to date, but not used |
/// | `name = ".."` | instead of MongoDB's own, as `email_1` |
/// | `expire_after = "30d"` | documents are deleted so long after the date in the field; 0: at that date |
/// | `partial(status = "active", total > 10, exists(email))` | only such documents; `=`, `>`, `>=`, `<`, `<=`, `in [..]` |
/// | `collation(locale = "en", strength = 2, numeric_ordering = true)` | how strings compare |
/// | `default_language = ".."`, `language_override = "field"` | of a text index |
///
/// What MongoDB would refuse is a compile error, and so is what one would come to regret: an index that another one
/// makes superfluous, or documents that expire by a field which is not stored as a date.
#[proc_macro_derive(Indexed, attributes(indexed, index))]
pub fn indexed(item: TokenStream) -> TokenStream {
    indexed::derive(&item.into()).into()
}
