//! The attributes of fastness. Use them through the crate `fastness`, which re-exports them and holds the code that expansions call.
//!
//! All attributes pass the same stages: tokens -> `Options` (as written) -> `model` (checked) -> `expand` (cannot fail). All
//! mistakes of one use are reported at once, each at its place, and the function itself is emitted unchanged beside the errors.
//!
//! Expanded code names only items below `::fastness::__private`, which have all the behaviour.

#[macro_use]
mod links;
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
mod named;
mod once;
mod stored;
mod subject;

mod emit;
mod guide;

mod cache_invalidate;
mod cache_put;
mod cacheable;
mod indexed;
mod key_part;
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
/// Free functions, methods, associated functions and functions of trait implementations can be cached: `async`, plain, under
/// `#[async_trait]`, or with a future as return type, whatever its name; generic ones too. The value is a `T`, an `Option<T>` or a
/// `Result<T, E>`, or an alias of these, and must be `Clone`; return an `Arc<T>` to make hits cheap. Errors and `None` are not
/// stored unless an option below asks for it.
///
/// A caller that waits for the load of another caller blocks its thread if the function is plain, and does not if it is `async`.
///
/// Durations are whole seconds (`300`), text with units (`"250ms"`, `"1h30m"`) or any expression of type `Duration`.
#[doc = options_of!(cacheable)]
/// # Keys
///
/// A placeholder is a parameter or a field of one: `{id}`, `{user.id}`, `{pair.0}`, `{self.tenant}`; `{x:hash}` writes a
/// digest of its serde form and `{x:lower}` its lower case. Every parameter must be in the key or in `skip(..)`, and so
/// must `self`: by a field, by its type's `KeyNamespace`, or as `skip(self)`, because two values of one type would share entries
/// otherwise.
///
/// The default key is the function's name without a leading verb (`get_`, `find_`, `fetch_`, `load_`, `list_`, `read_`, `lookup_`,
/// `search_`, `query_`), then the path of the function and every argument: `get_user(7)` is invalidated by `"user:*"`.
/// Equal `HashMap`s and `HashSet`s have equal digests under `{x:hash}`.
///
/// # Order
///
/// Attributes nest as they are written. `#[timed]` and `#[fallback]` go above this one (a `#[timed]` below it times loads alone);
/// `#[circuit_breaker]`, `#[retry]`, `#[hedge]`, `#[timeout]`, `#[bulkhead]` and `#[rate_limit]` go below it.
///
#[doc = guide!("cacheable")]
#[proc_macro_attribute]
pub fn cacheable(args: TokenStream, item: TokenStream) -> TokenStream {
    cacheable::attribute(args.into(), &item.into()).into()
}

/// Runs the function, then invalidates the entries that its write made wrong.
///
/// ```text
/// #[cache_invalidate("user:{id}", "users:*", tags = ["team:{team}"])]
/// async fn rename(&self, id: u64, team: u64, name: &str) -> Result<(), Error> { .. }
/// ```
#[doc = options_of!(cache_invalidate)]
/// A pattern ends in `:*` or has no wildcard; to reach entries across keys, give them a tag. The cost is the same for one entry
/// and for a million. A body that panics, or whose future is dropped, may have written all the same, so its targets are invalidated
/// too.
///
#[doc = guide!("cache_invalidate")]
#[proc_macro_attribute]
pub fn cache_invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_invalidate::attribute(args.into(), &item.into()).into()
}

/// Runs the function, then expires the entries that its write made old.
///
/// ```text
/// #[cache_refresh("rate:{currency}", "rates:*", tags = ["bank:{bank}"])]
/// async fn publish(&self, bank: u64, currency: &str, rate: f64) -> Result<(), Error> { .. }
/// ```
///
/// The next call of a function that reads them loads anew, and other callers wait for it. If that function has `stale` or
/// `refresh = background`, the others get the old value meanwhile; with `stale_if_error`, they get it if the load fails.
/// `#[cache_invalidate]` with the same targets serves the old value to none.
#[doc = options_of!(cache_refresh)]
/// Patterns, costs, and bodies that panic or whose future is dropped are as those of `#[cache_invalidate]`.
///
#[doc = guide!("cache_refresh")]
#[proc_macro_attribute]
pub fn cache_refresh(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_invalidate::refresh(args.into(), &item.into()).into()
}

/// Runs the function always, then stores its value.
///
/// ```text
/// #[cache_put(key = "user:{user.id}", ttl = 300, skip(self))]
/// async fn save(&self, user: User) -> Result<Arc<User>, Error> { .. }
/// ```
///
/// `key` and `ttl` are required, and the key is that of the function that reads the value. Parameters need not be in it, except
/// `self`: by a field, by its type's `KeyNamespace`, or as `skip(self)`. Key and tags are made before the body runs, because it
/// may consume its arguments.
///
/// The earlier entry of the key is gone when the function returns. The new value is stored unless something else invalidated the
/// key while the function ran. A function that returns an error, or whose future is dropped, may have written all the same: its
/// key is invalidated and nothing is stored.
#[doc = options_of!(cache_put)]
#[doc = guide!("cache_put")]
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    cache_put::attribute(args.into(), &item.into()).into()
}

/// Rejects calls for a while after too many of them have failed.
///
/// ```text
/// #[circuit_breaker(name = "supplier", failure_threshold = 5, open_for = "5s")]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// While it is *closed*, calls are made and their outcomes counted. Enough failures *open* it: calls are then rejected without being
/// made, until `open_for` has passed. Then it is *half-open*: a few probes are made, and it closes if the share of them that fails
/// is below `failure_rate`.
///
/// The function's error type needs `From<fastness::resilience::Rejected>` for rejected calls, unless a `fallback` answers them.
#[doc = options_of!(circuit_breaker)]
#[doc = guide!("circuit_breaker")]
#[proc_macro_attribute]
pub fn circuit_breaker(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::circuit_breaker::attribute(args.into(), &item.into()).into()
}

/// Runs a function again after it failed.
///
/// ```text
/// #[retry(attempts = 3, wait = "100ms", when = |error| error.is_temporary())]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// Each wait is drawn at random between zero and a bound that doubles with each attempt, so that callers do not all come back at the
/// same moment. After a rejection with a `retry_after`, the wait is at least that long. Over time, at most a fifth of the
/// calls are repeated (the *budget*), so that retries do not multiply an outage. Only repeat calls that are safe to repeat.
///
/// Arguments that the function owns are cloned for each attempt.
#[doc = options_of!(retry)]
#[doc = guide!("retry")]
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
/// The error type needs `From<fastness::resilience::TimedOut>`. A call that was dropped may have had its effect.
#[doc = options_of!(timeout)]
#[doc = guide!("timeout")]
#[proc_macro_attribute]
pub fn timeout(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::timeout::attribute(args.into(), &item.into()).into()
}

/// Bounds the number of calls that are under way at a time.
///
/// ```text
/// #[bulkhead(max = 64, wait = "50ms")]
/// async fn render(&self, page: &Page) -> Result<Image, RenderError> { .. }
/// ```
///
/// A call that finds all places taken is rejected: the error type needs `From<fastness::resilience::Rejected>`.
#[doc = options_of!(bulkhead)]
#[doc = guide!("bulkhead")]
#[proc_macro_attribute]
pub fn bulkhead(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::bulkhead::attribute(args.into(), &item.into()).into()
}

/// Bounds the number of calls in a period. Needs the feature `rate-limit` of `fastness`.
///
/// ```text
/// #[rate_limit(calls = 100, per = "1s", key = "{customer}")]
/// async fn export(&self, customer: u64) -> Result<Report, ExportError> { .. }
/// ```
///
/// A call over the limit is rejected, with the time after which the next call may succeed: the error type needs
/// `From<fastness::resilience::Rejected>`.
#[doc = options_of!(rate_limit)]
#[doc = guide!("rate_limit")]
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
/// Meant for calls that only read, because both calls may have their effect. Arguments that the function owns are cloned for each
/// call.
#[doc = options_of!(hedge)]
#[doc = guide!("hedge")]
#[proc_macro_attribute]
pub fn hedge(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::hedge::attribute(args.into(), &item.into()).into()
}

/// Calls another function after this one failed.
///
/// ```text
/// #[fallback(Self::last_known)]
/// async fn rating(&self, id: u64) -> Result<Rating, SupplierError> { .. }
///
/// async fn last_known(&self, id: u64, error: SupplierError) -> Result<Rating, SupplierError> { .. }
/// ```
///
/// The other function takes the same arguments and then the error; a path that begins with `Self::` gets `self` too. Arguments that
/// the function owns are cloned for it. Put `#[fallback]` above `#[cacheable]`, because below it the fallback's answers would be
/// cached like real ones.
#[doc = options_of!(fallback)]
#[doc = guide!("fallback")]
#[proc_macro_attribute]
pub fn fallback(args: TokenStream, item: TokenStream) -> TokenStream {
    resilience::fallback::attribute(args.into(), &item.into()).into()
}

/// Records the duration and the outcome of each call, for `fastness::timing::snapshots()` and the metrics.
///
/// ```text
/// #[timed]
/// async fn find(&self, id: u64) -> Result<User, Error> { .. }
///
/// #[timed(name = "checkout", slow = "250ms", labels(tier = user.tier), error_if = |r| r.status().is_server_error())]
/// async fn checkout(user: User) -> impl IntoResponse { .. }
/// ```
///
/// Free functions, methods, associated functions and functions of trait implementations can be timed: `async`, plain, under
/// `#[async_trait]`, or with a future as return type, whatever its name; generic ones too. An async function is timed from its first
/// poll until it is done.
///
/// A call ends as `ok`, as `error` (it returned an `Err`, whatever its type is called), as `cancelled` (its future was
/// dropped) or as `panicked`. Each outcome has a histogram of its own, with an error of 1.6 % at most. A call costs two reads of the
/// processor's cycle counter and a few nanoseconds; it takes no lock, and allocates only where a thread first records an outcome.
#[doc = options_of!(timed)]
/// A `#[timed]` above `#[cacheable]` times every call, hits included; below it, only loads. All instantiations of a generic function
/// share one timing; give methods of the same name in one module a `name`.
///
#[doc = guide!("timed")]
#[proc_macro_attribute]
pub fn timed(args: TokenStream, item: TokenStream) -> TokenStream {
    timed::attribute(args.into(), &item.into()).into()
}

/// Makes a struct or an enum a part of keys, by its fields.
///
/// ```text
/// #[derive(KeyPart)]
/// struct UserId(u64); // as a `u64`
///
/// #[derive(KeyPart)]
/// enum Filter { All, Team { id: u64, #[key(lower)] name: String }, Near(#[key(debug)] f64) }
/// ```
///
/// Values are compared field by field, each field as the parameter of a cached function would be. A struct with one field is written as that
/// field; so it shares entries with functions that take the field's type. Other types are written with the names of their variants and all
/// fields. A type that contains itself implements the trait by hand.
///
/// `#[key(..)]` on a field chooses its form, as a formatter does in a placeholder; on the type, it names the runtime crate:
#[doc = options_of!(key)]
#[doc = guide!("keys")]
#[proc_macro_derive(KeyPart, attributes(key))]
pub fn derive_key_part(item: TokenStream) -> TokenStream {
    key_part::derive(item.into()).into()
}

/// Makes an enum a label of timings: each variant by its name in snake case, without its fields.
///
/// ```text
/// #[derive(Clone, Copy, Label)]
/// enum Tier { Free, EarlyBird } // "free", "early_bird"
/// ```
///
/// Its values go to the option `labels(..)` of [`macro@timed`]. On the enum, `#[label(..)]`:
#[doc = options_of!(label)]
#[proc_macro_derive(Label, attributes(label))]
pub fn derive_label(item: TokenStream) -> TokenStream {
    label::derive(item.into()).into()
}

/// Declares the MongoDB indexes of a model, and gives it paths to its fields that the compiler checks.
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
/// Paths are written with the Rust names of fields, and lead through `Option`, `Vec`, `Box`, `Arc` and the like; stored names follow
/// serde's `rename`, `rename_all`, `flatten`, `skip` and `with`. `metadata["color"]` is a key of a map or of a `Document`.
///
/// On the struct, `#[indexed(..)]`:
#[doc = options_of!(indexed)]
/// A kind may stand in place of a direction in `keys(..)`: `name = text(weight = 10)` for words (a model has one text index),
/// `place = sphere` or `"2dsphere"`, `point = plane` or `"2d"`, `id = hashed`, and `"a.**"` or `wildcard(a)` for everything below `a`.
///
/// On a field, `#[index]` declares an ascending index on this field alone; the words `desc`, `text`, `sphere`, `plane`, `hashed` and
/// `wildcard` choose another kind. All text fields of a model make one index together. On the struct or on a field, `#[index(..)]`:
#[doc = options_of!(index)]
/// The options of its `collation(..)`:
#[doc = options_of!(collation)]
///
/// The options of `time_series(..)` and `capped(..)` in `#[indexed(..)]`:
#[doc = options_of!(time_series)]
///
#[doc = options_of!(capped)]
/// Indexes that MongoDB refuses are compile errors, and so are common mistakes: an index that another one makes superfluous, or
/// documents that expire by a field which is not stored as a date.
///
#[doc = guide!("indexed")]
#[proc_macro_derive(Indexed, attributes(indexed, index))]
pub fn indexed(item: TokenStream) -> TokenStream {
    indexed::derive(&item.into()).into()
}

/// Expands to the text of a page of the guide; only `fastness::guide` calls it.
#[doc(hidden)]
#[proc_macro]
pub fn guide_page(page: TokenStream) -> TokenStream {
    guide::page(page.into()).into()
}
