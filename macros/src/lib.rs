//! The attributes of fastness. Use them through the `fastness` crate, which re-exports them and holds what they expand to.
//!
//! Each attribute goes the same way: tokens -> `Options` (as written) -> `model` (checked) -> `expand` (cannot fail). All
//! mistakes of one use are reported at once, each at its place, and the function is kept as it is beside them.
//!
//! Expanded code names only what is under `::fastness::__private`; all behaviour is there.

#[macro_use]
mod rustdoc;
mod diag;
mod nearest;
mod value;

mod duration;
mod nesting;
mod options;
mod signature;
mod stacking;
mod template;

mod key;
mod stored;
mod subject;

mod emit;
mod guide;

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
#[doc = options_of!(cacheable)]
/// # Keys
///
/// A placeholder is a parameter or a field of one: `{id}`, `{user.id}`, `{pair.0}`, `{self.tenant}`; `{x:hash}` writes a
/// digest of its serde form and `{x:lower}` its lower case. Every parameter must be in the key or in `skip(..)`, and so
/// must `self`: by a field, by its type's `KeyNamespace`, or as `skip(self)`, because two values of one type would share entries
/// otherwise. Without a `key`, it is the function's name less a leading verb (`get_`, `find_`, `fetch_`, `load_`, `list_`, `read_`,
/// `lookup_`, `search_`, `query_`), the path of the function, and every argument: `get_user(7)` is invalidated by `"user:*"`.
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
#[doc = options_of!(cache_invalidate)]
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
/// it, but for `self`: by a field, by its type's `KeyNamespace`, or as `skip(self)`. Key and tags are made before the body runs, which
/// may consume its arguments.
///
/// Whatever was cached under the key is gone when the function returns. The new value is stored unless something else
/// invalidated the key while the function ran. A function that returns an error, or whose future is dropped, may have
/// written all the same: its key is invalidated and nothing is stored.
#[doc = options_of!(cache_put)]
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
#[doc = options_of!(circuit_breaker)]
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
#[doc = options_of!(retry)]
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
/// The error type needs `From<fastness::resilience::TimedOut>`. What was dropped may have had its effect.
#[doc = options_of!(timeout)]
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
#[doc = options_of!(bulkhead)]
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
#[doc = options_of!(rate_limit)]
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
#[doc = options_of!(hedge)]
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
/// are cloned for it. Put it above `#[cacheable]`, or what it answers would be cached as if it were true.
#[doc = options_of!(fallback)]
#[proc_macro_attribute]
pub fn fallback(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::fallback::attribute(args.into(), &item.into()).into()
}

/// Records how long each call takes and how it ends, for `fastness::timing::snapshots()` and the metrics.
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
#[doc = options_of!(timed)]
/// Written above `#[cacheable]`, it times every call, hits included; below, the loads alone. One static is shared by all
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
/// Of `#[label(..)]`:
#[doc = options_of!(label)]
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
/// It implements `fastness::Indexed`: `Business::INDEXES`, `Business::COLLECTION`, `Business::fields().subscription.plan`
/// as a name for filters, and `Business::sort_by("createdAt", order)` for names that come with requests. A struct without a
/// collection only lists its fields, for the models in which it is nested.
///
/// Paths are the Rust names of fields, through `Option`, `Vec`, `Box`, `Arc` and their like; serde's `rename`,
/// `rename_all`, `flatten`, `skip` and `with` say how they are stored. `metadata["color"]` is a key of a map or of a `Document`.
///
/// On the struct, `#[indexed(..)]`:
#[doc = options_of!(indexed)]
/// A kind may stand in place of a direction in `keys(..)`: `name = text(weight = 10)` for words, of which a model has one index;
/// `place = sphere` or `"2dsphere"`, `point = plane` or `"2d"`, `id = hashed`, and `"a.**"` or `wildcard(a)` for everything below `a`.
///
/// On a field, `#[index]` is an ascending index of its own; `desc`, `text`, `sphere`, `plane`, `hashed` and `wildcard` make
/// another kind of it, and all text fields of a model make one index together. On the struct or on a field, `#[index(..)]`:
#[doc = options_of!(index)]
/// The options of its `collation(..)`:
#[doc = options_of!(collation)]
/// Indexes that MongoDB refuses are compile errors, and so are indexes that users come to regret: one that another one
/// makes superfluous, or documents that expire by a field which is not stored as a date.
#[proc_macro_derive(Indexed, attributes(indexed, index))]
pub fn indexed(item: TokenStream) -> TokenStream {
    indexed::derive(&item.into()).into()
}

/// The text of a page of the guide, for `fastness::guide` alone.
#[doc(hidden)]
#[proc_macro]
pub fn guide_page(page: TokenStream) -> TokenStream {
    guide::page(page.into()).into()
}
