//! The cache without attributes.
//!
//! May use: `codec`, `handle`, `key`, `load`, `log`, `policy`, `put`, `shape`, `shared`, `site`.
//!
//! Direct calls use the same stores, in-flight loads and log as the attributes, with a key given as text. The segments of a key are its
//! prefixes here too, so `user:*` invalidates `user:1` of direct calls and of functions alike. Each value type has a store of its own: a
//! value that was set as one type is not found as another. `site/by_text.rs` explains how direct calls and functions of the same keys and
//! type find each other's entries.
//!
//! A [`Cache`] uses both tiers, or the local tier only; its values must fit its tiers ([`StoredIn`]).

use std::collections::HashMap;
use std::future::{poll_fn, ready};
use std::marker::PhantomData;
use std::task::Poll;
use std::time::Duration;

#[cfg(feature = "http")]
use crate::codec::SharedValue;
use crate::codec::Wire;
use crate::handle::Fastness;
use crate::key::args::{Args, Verbatim};
use crate::key::namespace::NoNamespace;
use crate::key::template::Piece;
use crate::key::{Key, Scope};
use crate::load::{ManyReads, Miss, Pending, load};
use crate::log::Reach;
use crate::policy::Policy;
use crate::put::{Put, store};
use crate::shape::{Fallible, Maybe, Plain, Private, Shape};
#[cfg(feature = "http")]
use crate::shared::Unavailable;
#[cfg(feature = "http")]
pub(crate) use crate::shared::{LeaseApi, LoadLease};
use crate::site::{Call, Instance, Instantiation, Site, SiteKind};

mod blocking;
mod tier;

pub use tier::{Both, Local, StoredIn};

static SITE: Site = Site::new(SiteKind::Cacheable, "cache", module_path!(), "<key>", &[Piece::Arg(0)]).settable(&[]);

/// Direct access to a [`Fastness`], from [`Fastness::cache`]. Cheap to clone.
///
/// A [`Key`] is parsed before it is used, so only a load can fail here. Each type of values has entries of its own: a value that was stored
/// as one type is not found as another. Put large values in an `Arc`.
///
/// Values go to both tiers, so they must be serialisable ([`SharedValue`](crate::SharedValue)). The cache of [`local`](Self::local) stores
/// them in this process only, and takes any value that is `Clone + Send + Sync + 'static`.
///
/// ```
/// use std::time::Duration;
/// use fastness::{Key, Scope};
///
/// const USERS: Key = Key::from_static("user");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let cache = fastness::Fastness::builder().build()?.cache();
/// let ttl = Duration::from_secs(60);
///
/// cache.set(&USERS.join(1), "Ada".to_owned(), ttl).await;
/// assert_eq!(cache.get::<String>(&USERS.join(1)).await.as_deref(), Some("Ada"));
///
/// cache.mset([(USERS.join(2), 2_u32), (USERS.join(3), 3)], ttl).await;
/// assert_eq!(cache.mget::<u32>(&[2, 9, 3].map(|id| USERS.join(id))).await, [Some(2), None, Some(3)]);
///
/// cache.invalidate(Scope::from_prefix(USERS)).await;
/// assert_eq!(cache.get::<u32>(&USERS.join(2)).await, None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Cache<Tiers = Both> {
    handle: Fastness,
    tiers: PhantomData<fn() -> Tiers>,
}

impl Fastness {
    /// Returns the cache for direct calls.
    pub fn cache(&self) -> Cache {
        Cache { handle: self.clone(), tiers: PhantomData }
    }
}

/// The call with which the shared tier is asked for a value.
type PendingRead<V> = Pending<OwnedArgs, Maybe<V>>;

/// The answer of a call, or its miss.
type HitOrMiss<V, E> = Result<Result<V, E>, Miss<OwnedArgs, Fallible<V, E, Private>>>;

impl<Tiers> Cache<Tiers> {
    /// Returns the same cache without the shared tier: its values stay in this process, and may be of any type that is
    /// `Clone + Send + Sync + 'static`. Its invalidations still reach all processes.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// struct Template { parsed: Vec<fn() -> String> } // nothing that serde could write
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache().local();
    /// let key = Key::from_static("template:welcome");
    /// cache.set(&key, Arc::new(Template { parsed: Vec::new() }), Duration::from_secs(60)).await;
    /// assert!(cache.get::<Arc<Template>>(&key).await.is_some());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn local(&self) -> Cache<Local> {
        Cache { handle: self.handle.clone(), tiers: PhantomData }
    }

    /// Returns the value of a key, if it is fresh and was set as this type, or stored by an annotated function whose values are of this
    /// type.
    pub async fn get<V: StoredIn<Tiers>>(&self, key: &Key) -> Option<V> {
        match self.near(key) {
            Ok(value) => Some(value),
            Err(pending) => pending?.fetch().await.flatten(),
        }
    }

    /// Returns the values of several keys, in their order.
    pub async fn mget<V: StoredIn<Tiers>>(&self, keys: &[Key]) -> Vec<Option<V>> {
        let state = SITE.state::<TextArgs<'_>, _>(Some(&self.handle), instance::<Maybe<V>>());
        let mut reads = ManyReads::begin(state, read_policy(V::__wire()), keys.len());
        for key in keys {
            reads.lookup(&(NoNamespace, Verbatim(key.as_str())), key.as_str());
        }
        reads.fetch().await
    }

    /// Stores a value for `ttl`, less a jitter of up to 10 %. It replaces the value that was cached under the key, of any type. With
    /// a `ttl` of zero the old value is removed, and nothing is stored; with [`Duration::MAX`] the value never expires.
    pub async fn set<V: StoredIn<Tiers>>(&self, key: &Key, value: V, ttl: Duration) {
        store(self.put(key, ttl), ready(value)).await;
    }

    /// Stores several values, each as [`set`](Self::set) does, all at once: over a network that is one round trip. Of a key that
    /// is given twice the last value is stored.
    pub async fn mset<V: StoredIn<Tiers>>(&self, entries: impl IntoIterator<Item = (Key, V)>, ttl: Duration) {
        self.mset_each(entries.into_iter().map(|(key, value)| (key, value, ttl))).await;
    }

    /// Does what [`mset`](Self::mset) does, with a ttl for each value.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// const RATES: Key = Key::from_static("rate");
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let rates = [("eur", 1.08, 60), ("btc", 97_000.0, 1)];
    /// cache.mset_each(rates.map(|(name, rate, secs)| (RATES.join(name), rate, Duration::from_secs(secs)))).await;
    /// assert_eq!(cache.get::<f64>(&RATES.join("eur")).await, Some(1.08));
    /// # Ok(()) }
    /// ```
    pub async fn mset_each<V: StoredIn<Tiers>>(&self, entries: impl IntoIterator<Item = (Key, V, Duration)>) {
        let entries: HashMap<_, _> = entries.into_iter().map(|(key, value, ttl)| (key, (value, ttl))).collect();
        let stores = entries.into_iter().map(|(key, (value, ttl))| Box::pin(store(self.put(&key, ttl), ready(value))));
        let mut under_way: Vec<_> = stores.collect();
        poll_fn(|cx| {
            under_way.retain_mut(|store| store.as_mut().poll(cx).is_pending());
            if under_way.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Returns the value of a key; loads it if it is missing. Of concurrent callers one loads and the others wait for it. An error goes to
    /// the caller whose load failed, and the waiters then load concurrently. With a `ttl` of zero callers share the load, but its value is
    /// not stored.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// const ANSWER: Key = Key::from_static("answer");
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let load = async || Ok::<_, std::io::Error>(42);
    /// assert_eq!(cache.get_or_load(&ANSWER, Duration::from_secs(60), load()).await?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the load.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops its load; a waiter takes over with a load of its own.
    pub async fn get_or_load<V, E, F>(&self, key: &Key, ttl: Duration, load_value: F) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
        F: Future<Output = Result<V, E>>,
    {
        self.load(key, || Policy::new(ttl), None, load_value).await
    }

    /// Does what [`get_or_load`](Self::get_or_load) does, for the time that `ttl` returns of the loaded value. That time counts from the
    /// beginning of the load. A value with a ttl of zero, or for which `ttl` panics, is returned and not stored; one with
    /// [`Duration::MAX`] never expires.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// #[derive(Clone)]
    /// struct Token { bearer: &'static str, expires_in: u64 }
    ///
    /// const TOKEN: Key = Key::from_static("token");
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = fastness::Fastness::builder().build()?.cache().local();
    /// let load = async || Ok::<_, std::io::Error>(Token { bearer: "s3cr3t", expires_in: 3_600 });
    /// let token = cache.get_or_load_by(&TOKEN, |token| Duration::from_secs(token.expires_in), load()).await?;
    /// assert_eq!(token.bearer, "s3cr3t");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The load's.
    ///
    /// # Cancel safety
    ///
    /// As for [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_by<V, E, F>(&self, key: &Key, ttl: fn(&V) -> Duration, load_value: F) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
        F: Future<Output = Result<V, E>>,
    {
        self.load(key, || Policy::new(Duration::MAX).ttl_by(ttl), None, load_value).await
    }

    /// Does what [`get_or_load`](Self::get_or_load) does, with the tags that `tags` returns of the loaded value: an invalidation of one of
    /// them ([`Scope::from_tag`]) reaches the entry in all processes. They are judged from the beginning of the load, so a caller that comes
    /// after an invalidation of a tag does not get the value of a load that began before it. A value with more than 1024 tags, or for which
    /// `tags` panics, is returned and not stored.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::{Key, Scope};
    ///
    /// const ORDER: Key = Key::from_static("order");
    /// const PRODUCT: Key = Key::from_static("product");
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let load = async || Ok::<_, std::io::Error>(vec![7_u64, 8]); // the products of an order
    /// let tags = |products: &Vec<u64>| products.iter().map(|id| PRODUCT.join(id)).collect();
    /// cache.get_or_load_tagged(&ORDER.join(1), Duration::from_secs(60), tags, load()).await?;
    ///
    /// cache.invalidate(Scope::from_tag(PRODUCT.join(8))).await; // its price changed
    /// assert_eq!(cache.get::<Vec<u64>>(&ORDER.join(1)).await, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The load's.
    ///
    /// # Cancel safety
    ///
    /// As for [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_tagged<V, E, F>(
        &self,
        key: &Key,
        ttl: Duration,
        tags: fn(&V) -> Vec<Key>,
        load_value: F,
    ) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
        F: Future<Output = Result<V, E>>,
    {
        self.load(key, || Policy::new(ttl), Some(tags), load_value).await
    }

    /// Does what [`get_or_load`](Self::get_or_load) does, and gives the load the value that it replaces, so that the load can ask whether
    /// there is a newer one. A load that returns that value itself has found that there is none: the entry begins a new lifetime.
    ///
    /// The value has expired, for at most `grace`, or is about to (a busy value is loaded again shortly before it expires), or a
    /// [`refresh`](Self::refresh) has expired it. It is `None` if there is no such value: never an invalidated one, and none inside of
    /// [`reload`](crate::reload) and [`bypass`](crate::bypass).
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// struct Page { etag: String, body: String }
    ///
    /// /// Stands for a request with `If-None-Match`; `None` is the answer 304.
    /// async fn fetch(etag: Option<&str>) -> Result<Option<Page>, std::io::Error> {
    ///     let is_same = etag == Some("v1");
    ///     Ok((!is_same).then(|| Page { etag: "v1".to_owned(), body: "hello".to_owned() }))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// const PAGE: Key = Key::from_static("page");
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let (ttl, grace) = (Duration::from_secs(60), Duration::from_secs(3_600));
    /// let load = async |old: Option<Page>| {
    ///     let page = fetch(old.as_ref().map(|page| &*page.etag)).await?;
    ///     page.or(old).ok_or_else(|| std::io::Error::other("304 without a request for it"))
    /// };
    /// let page = cache.get_or_reload(&PAGE, ttl, grace, load).await?;
    /// assert_eq!(page.body, "hello");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The load's.
    ///
    /// # Cancel safety
    ///
    /// As for [`get_or_load`](Self::get_or_load).
    pub async fn get_or_reload<V, E, F>(
        &self,
        key: &Key,
        ttl: Duration,
        grace: Duration,
        load_value: impl FnOnce(Option<V>) -> F,
    ) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
        F: Future<Output = Result<V, E>>,
    {
        let (miss, previous) = match self.begin(key, || Policy::new(ttl).grace_in_shared_store(grace).with_previous()) {
            Ok(hit) => return hit,
            Err(miss) => miss.with_previous(),
        };
        load(miss, async move { load_value(previous.take(Fallible::<V, E, Private>::NEW)).await }).await
    }

    /// Returns the value of a key, or loads it under a policy, which a hit does not make.
    async fn load<V, E, F, P>(
        &self,
        key: &Key,
        policy: P,
        tags: Option<fn(&V) -> Vec<Key>>,
        load_value: F,
    ) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
        F: Future<Output = Result<V, E>>,
        P: FnOnce() -> Policy<Fallible<V, E, Private>>,
    {
        let miss = match self.begin(key, policy) {
            Ok(hit) => return hit,
            Err(miss) => miss.with_tags(tags),
        };
        load(miss, load_value).await
    }

    /// The value of a key, or its miss.
    #[inline]
    fn begin<V, E, P>(&self, key: &Key, policy: P) -> HitOrMiss<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
        P: FnOnce() -> Policy<Fallible<V, E, Private>>,
    {
        let args = (NoNamespace, Verbatim(key.as_str()));
        let (on, call) = (Some(&self.handle), call(Fallible::<V, E, Private>::NEW, &args));
        match SITE.hit(on, call) {
            Some(hit) => Ok(hit),
            None => Err(SITE.miss(on, call, &[], policy().wire(V::__wire()))),
        }
    }

    /// Invalidates a key, all keys below a prefix, or everything with a tag, entries of annotated functions included.
    ///
    /// ```
    /// use fastness::{Key, Reach, Scope};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let user = Key::from_static("user").join(42);
    /// assert_eq!(cache.invalidate(&user).await, Reach::Announced);
    /// cache.invalidate("user:*".parse::<Scope>()?).await; // from a request: a text that is no scope is an error
    /// cache.invalidate(Scope::from_tag(Key::from_static("team:7"))).await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the scope is invalidated in this process all the same, and announced to the others in the background.
    pub async fn invalidate(&self, scope: impl Into<Scope>) -> Reach {
        self.handle.announce(self.handle.record([scope.into()])).await
    }

    /// Invalidates several scopes at once, in one message to other processes.
    ///
    /// # Cancel safety
    ///
    /// The same holds as for [`invalidate`](Self::invalidate).
    pub async fn invalidate_many(&self, scopes: impl IntoIterator<Item = Scope>) -> Reach {
        self.handle.announce(self.handle.record(scopes)).await
    }

    /// Expires a key, all keys below a prefix, or everything with a tag, entries of annotated functions included, in all processes: every
    /// value whose load began before counts as past its ttl. The next call loads. If the function has `stale`, the old value is served
    /// during that load; if it has `stale_if_error`, when the load fails; both until its original ttl plus that time has passed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::{Key, Scope};
    ///
    /// const RATES: Key = Key::from_static("rate");
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// cache.set(&RATES.join("eur"), 1.08, Duration::from_secs(3_600)).await;
    /// cache.refresh(Scope::from_prefix(RATES)).await; // a webhook says that rates have changed
    /// assert_eq!(cache.get::<f64>(&RATES.join("eur")).await, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the scope is expired in this process all the same, and announced to the others in the background.
    pub async fn refresh(&self, scope: impl Into<Scope>) -> Reach {
        self.handle.announce(self.handle.record([scope.into()]).into_refresh()).await
    }

    /// The value, if this process has it; otherwise the call with which the shared tier is asked, unless the read bypasses the cache.
    fn near<V: StoredIn<Tiers>>(&self, key: &Key) -> Result<V, Option<Box<PendingRead<V>>>> {
        let args = (NoNamespace, Verbatim(key.as_str()));
        let (on, call) = (Some(&self.handle), call(Maybe::<V>::NEW, &args));
        if let Some(hit) = SITE.hit(on, call).flatten() {
            return Ok(hit);
        }
        let Some(pending) = SITE.lookup(on, call, &[], read_policy(V::__wire())) else { return Err(None) };
        pending.begin_fetch();
        pending.local_answer().flatten().ok_or_else(|| Some(Box::new(pending)))
    }

    fn put<V: StoredIn<Tiers>>(&self, key: &Key, ttl: Duration) -> Put<OwnedArgs, Plain<V>> {
        let args = (NoNamespace, Verbatim(key.as_str()));
        SITE.put(Some(&self.handle), call(Plain::<V>::NEW, &args), &[], Policy::new(ttl).wire(V::__wire()))
    }
}

/// A call with these arguments. Each shape has a state of its own; those of one value type share their store.
fn call<A, S: Shape>(shape: S, args: &A) -> Call<'_, A, S> {
    Call::new(instance::<S>(), shape, args)
}

fn instance<S: Shape>() -> Instance {
    Instance::new(const { &Instantiation::named::<S>("fastness::cache") })
}

/// The policy of a read, which never loads: its ttl is only an upper bound of the lifetime that the shared tier states.
fn read_policy<V>(wire: Option<Wire<V>>) -> Policy<Maybe<V>> {
    Policy::new(Duration::MAX).wire(wire).no_early()
}

#[cfg(feature = "http")]
impl Cache {
    /// Returns whether there is a shared tier.
    pub(crate) fn is_shared(&self) -> bool {
        self.handle.is_shared()
    }

    /// The value of a key in the shared tier. It stores nothing in this process.
    pub(crate) async fn fetch_shared<T: SharedValue>(&self, key: &str) -> Option<T> {
        self.shared_only::<T>(key).fetch().await.flatten()
    }

    /// Stores a value for exactly `ttl` in the shared tier only: once its invalidation is announced, the value is sent in the background.
    /// Subscribers to events of this process are not told, because the key is none of the program's.
    pub(crate) async fn set_shared<T: SharedValue>(&self, key: &str, value: T, ttl: Duration) {
        let policy = Policy::new(ttl).wire(Wire::new()).only_shared().jitter(0.0);
        let args = (NoNamespace, Verbatim(key));
        // Not `Site::put`: what this crate itself remembers is stored while the cache is turned off, too.
        let pending = SITE.pending(Some(&self.handle), call(Plain::<T>::NEW, &args), &[], policy);
        store(Put::new(pending).silent(), ready(value)).await;
    }

    /// Asks for the lease on a key, which one process has at a time, for `lasts` at most. `None` while another process has it.
    pub(crate) async fn lease<T: SharedValue>(
        &self,
        key: &str,
        lasts: Duration,
    ) -> Result<Option<LoadLease>, Unavailable> {
        let pending = self.shared_only::<T>(key);
        pending.shared_key().ok_or(Unavailable)?.lease(lasts).await
    }

    fn shared_only<T: SharedValue>(&self, key: &str) -> PendingRead<T> {
        let policy = Policy::new(Duration::MAX).wire(Wire::new()).no_early().only_shared();
        let args = (NoNamespace, Verbatim(key));
        SITE.pending(Some(&self.handle), call(Maybe::<T>::NEW, &args), &[], policy).uncounted()
    }
}

/// The arguments of a direct call.
type TextArgs<'a> = (NoNamespace, Verbatim<'a>);
type OwnedArgs = <TextArgs<'static> as Args>::Owned;
