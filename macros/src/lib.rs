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
/// under `#[async_trait]`, or returning a future), generic ones too. The value is a `T`, an `Option<T>` or a
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
/// digest of its serde form and `{x:lower}` its lower case. Every parameter must be in the key or in `skip(..)`. Without
/// `key`, it is the function's name less a leading verb (`get_`, `find_`, `fetch_`, `load_`, `list_`, `read_`, `lookup_`,
/// `search_`, `query_`), the path of the function, and every argument: `get_user(7)` is invalidated by `"user:*"`.
///
/// Two equal `HashMap`s or `HashSet`s may iterate in different orders, and then have different digests: a load that was
/// not needed, never a wrong value. Use `BTreeMap` and `BTreeSet` under `{x:hash}`.
///
/// # Order
///
/// Attributes nest as they are written: put `#[timed]` and `#[fallback]` above this one, and `#[circuit_breaker]`,
/// `#[retry]`, `#[timeout]`, `#[bulkhead]` and `#[rate_limit]` below it.
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
/// #[cache_put(key = "user:{user.id}", ttl = 300)]
/// async fn save(&self, user: User) -> Result<Arc<User>, Error> { .. }
/// ```
///
/// `key` and `ttl` are required, and the key is that of the function that reads the value. Parameters need not be in
/// it. Key and tags are made before the body runs, which may consume its arguments.
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
/// | `skip(self)` | | leaves the receiver out of the key, as the cached function does |
/// | `on = expr` | the process's | the cache to use |
/// | `crate = path` | `::fastness` | where the runtime is |
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_put::attribute(args.into(), &item.into()).into()
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
