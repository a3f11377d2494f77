//! The cache without attributes.
//!
//! May use: `codec`, `error`, `handle`, `key`, `load`, `log`, `policy`, `put`, `shape`, `shared`, `site`.
//!
//! The same kind of stores and flights and the same log as under the attributes, with a key given as text. A key's segments are its
//! prefixes here too, so `user:*` invalidates `user:1` whoever stored it. Each value type has a store of its own: what was set as
//! one type is not found as another. Functions of the same keys and type are met as `site/by_text.rs` says.
//!
//! With a shared tier, values go through both tiers, so they have to be fit for it.

use std::collections::HashMap;
use std::future::{poll_fn, ready};
use std::task::Poll;
use std::time::Duration;

use crate::codec::{SharedValue, Wire};
use crate::error::{Error, Kind};
use crate::handle::Fastness;
use crate::key::Pattern;
use crate::key::args::{Args, Verbatim};
use crate::key::scope::NoScope;
use crate::key::template::Piece;
use crate::load::{Pending, fetch_many, load};
use crate::log::{Reach, Record};
use crate::policy::Policy;
use crate::put::{Put, store};
use crate::shape::{Fallible, Maybe, Plain, Private, Shape};
#[cfg(feature = "http")]
use crate::shared::Unavailable;
#[cfg(feature = "http")]
pub(crate) use crate::shared::{Lease, LeaseApi};
use crate::site::{Call, Instance, Instantiation, Site, SiteKind};

static SITE: Site = Site::new(SiteKind::Cacheable, "cache", module_path!(), "<key>", &[Piece::Arg(0)]);

/// Direct access to a [`Fastness`], from [`Fastness::cache`]. Cheap to clone.
///
/// Keys are `:`-separated segments of your own making: escape what comes from outside, or better, use an attribute, which
/// does. Values are typed, `Clone + Send + Sync + 'static`; put large ones in an `Arc`.
///
/// ```
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let cache = fastness::Fastness::builder().build()?.cache();
/// let ttl = Duration::from_secs(60);
///
/// cache.set("user:1", "Ada".to_owned(), ttl).await?;
/// assert_eq!(cache.get::<String>("user:1").await?.as_deref(), Some("Ada"));
///
/// cache.mset([("user:2", 2_u32), ("user:3", 3)], ttl).await?;
/// assert_eq!(cache.mget::<u32>(&["user:2", "user:9", "user:3"]).await?, [Some(2), None, Some(3)]);
///
/// cache.invalidate("user:*").await?;
/// assert_eq!(cache.get::<u32>("user:2").await?, None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    handle: Fastness,
}

impl Fastness {
    /// Direct calls, without attributes.
    pub fn cache(&self) -> Cache {
        Cache { handle: self.clone() }
    }
}

impl Cache {
    /// The value of a key, if it is fresh and was set as this type, or stored by an annotated function whose values are of this type.
    ///
    /// # Errors
    ///
    /// If the key is empty, holds a `*`, or begins or ends with a colon.
    pub async fn get<T: SharedValue>(&self, key: &str) -> Result<Option<T>, Error> {
        checked(key)?;
        Ok(self.look(key).await)
    }

    /// The values of several keys, in their order.
    ///
    /// # Errors
    ///
    /// If one of the keys is empty, holds a `*`, or begins or ends with a colon.
    pub async fn mget<T: SharedValue>(&self, keys: &[&str]) -> Result<Vec<Option<T>>, Error> {
        keys.iter().try_for_each(|key| checked(key))?;
        let near: Vec<Result<T, _>> = keys.iter().map(|key| self.near(key)).collect();
        let (mut found, mut missing) = (Vec::with_capacity(keys.len()), Vec::new());
        for value in near {
            found.push(value.map_err(|pending| missing.push(*pending)).ok());
        }
        if !missing.is_empty() {
            let mut far = fetch_many(missing).await.into_iter();
            let none = found.iter_mut().filter(|value| value.is_none());
            none.for_each(|value| *value = far.next().flatten());
        }
        Ok(found)
    }

    /// Stores a value for `ttl`, less a jitter of up to 10 %. Whatever was cached under the key, as any type, is gone. With
    /// a `ttl` of zero the new value is over at once: nothing is stored, and what was there is gone all the same.
    ///
    /// # Errors
    ///
    /// If the key is empty, holds a `*`, or begins or ends with a colon.
    pub async fn set<T: SharedValue>(&self, key: &str, value: T, ttl: Duration) -> Result<(), Error> {
        checked(key)?;
        store(self.put(key, ttl), ready(value)).await;
        Ok(())
    }

    /// Stores several values, each as [`set`](Self::set) does, all at once: over a network that is one round trip. Of a key that
    /// is given twice the last value is stored. Nothing is stored if one of the keys is malformed.
    ///
    /// # Errors
    ///
    /// If one of the keys is empty, holds a `*`, or begins or ends with a colon.
    pub async fn mset<'a, T: SharedValue>(
        &self,
        entries: impl IntoIterator<Item = (&'a str, T)>,
        ttl: Duration,
    ) -> Result<(), Error> {
        let entries: HashMap<_, _> = entries.into_iter().collect();
        entries.keys().try_for_each(|key| checked(key))?;
        let stores = entries.into_iter().map(|(key, value)| Box::pin(store(self.put(key, ttl), ready(value))));
        let mut under_way: Vec<_> = stores.collect();
        poll_fn(|cx| {
            under_way.retain_mut(|store| store.as_mut().poll(cx).is_pending());
            if under_way.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(())
    }

    /// The value of a key; loads it if it is missing. Of concurrent callers one loads and the others wait for it; an error
    /// goes to its own caller, and the others then load side by side. With a `ttl` of zero they share the load, and its
    /// value is not stored.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let load = async || Ok::<_, std::io::Error>(42);
    /// assert_eq!(cache.get_or_load("answer", Duration::from_secs(60), load()).await?.unwrap(), 42);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The outer error if the key is malformed, as in [`get`](Self::get); the inner one is the load's.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops its load; one of those who wait for it takes over with a load of its own.
    pub async fn get_or_load<T, E, F>(&self, key: &str, ttl: Duration, load_value: F) -> Result<Result<T, E>, Error>
    where
        T: SharedValue,
        E: 'static,
        F: Future<Output = Result<T, E>>,
    {
        checked(key)?;
        let miss = {
            let args = (NoScope, Verbatim(key));
            let call = self.call(Fallible::<T, E, Private>::NEW, &args);
            if let Some(hit) = SITE.hit(&call) {
                return Ok(hit);
            }
            SITE.miss(&call, &[], Policy::new(ttl).wire(Wire::new()))
        };
        Ok(load(miss, load_value).await)
    }

    /// Invalidates a key (`user:42`) or all keys below a prefix (`user:*`), whoever stored them, attributes included.
    ///
    /// # Errors
    ///
    /// If the pattern is empty or holds a `*` anywhere but alone behind its last colon.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future invalidates in this process; others are told in the background.
    pub async fn invalidate(&self, pattern: &str) -> Result<Reach, Error> {
        let pattern = Pattern::parse(pattern).map_err(Kind::Pattern)?;
        Ok(self.handle.announce(Record::from_pattern(pattern)).await)
    }

    /// Expires a key (`user:42`) or all keys below a prefix (`user:*`), whoever stored them, attributes included, in all processes:
    /// what began to be loaded before is over, as if its ttl had passed. The next call loads; where the function has `stale` or
    /// `stale_if_error`, the old value is served while it does, or if that fails, until it would have been without this.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// cache.set("rate:eur", 1.08, Duration::from_secs(3_600)).await?;
    /// cache.refresh("rate:*").await?; // a webhook says that rates have changed
    /// assert_eq!(cache.get::<f64>("rate:eur").await?, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If the pattern is empty or holds a `*` anywhere but alone behind its last colon.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future expires it in this process; others are told in the background.
    pub async fn refresh(&self, pattern: &str) -> Result<Reach, Error> {
        let pattern = Pattern::parse(pattern).map_err(Kind::Pattern)?;
        Ok(self.handle.announce(Record::from_pattern(pattern).into_refresh()).await)
    }

    /// Invalidates everything with one of these tags.
    ///
    /// # Errors
    ///
    /// If one of the tags is blank or holds a `*`, as no tag is a pattern; nothing is invalidated then.
    ///
    /// # Cancel safety
    ///
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_tags(&self, tags: &[&str]) -> Result<Reach, Error> {
        let mut record = Record::default();
        for tag in tags {
            if tag.trim().is_empty() || tag.contains('*') {
                let why = "write it as the attribute does, such as `team:7`; `invalidate` takes patterns of keys, and `clear` takes all";
                return Err(Kind::Pattern(format!("`{tag}` is not a tag: {why}")).into());
            }
            record.push_tag(tag);
        }
        Ok(self.handle.announce(record).await)
    }

    /// Whether there is a shared tier.
    #[cfg(feature = "http")]
    pub(crate) fn is_shared(&self) -> bool {
        self.handle.is_shared()
    }

    /// What the shared tier has under a key; nothing is kept in this process.
    #[cfg(feature = "http")]
    pub(crate) async fn fetch_shared<T: SharedValue>(&self, key: &str) -> Option<T> {
        self.shared_only::<T>(key).fetch().await.flatten()
    }

    /// Stores a value for exactly `ttl` in the shared tier only, in the background once it was announced.
    #[cfg(feature = "http")]
    pub(crate) async fn set_shared<T: SharedValue>(&self, key: &str, value: T, ttl: Duration) {
        let policy = Policy::new(ttl).wire(Wire::new()).only_shared().jitter(0.0);
        store(SITE.put(&self.call(Plain::<T>::NEW, &(NoScope, Verbatim(key))), &[], policy), ready(value)).await;
    }

    /// Asks for a right to a key that one process has at a time, and at most for so long. `None` while another has it.
    #[cfg(feature = "http")]
    pub(crate) async fn lease<T: SharedValue>(&self, key: &str, lasts: Duration) -> Result<Option<Lease>, Unavailable> {
        let pending = self.shared_only::<T>(key);
        pending.shared_key().ok_or(Unavailable)?.lease(lasts).await
    }

    #[cfg(feature = "http")]
    fn shared_only<T: SharedValue>(&self, key: &str) -> Pending<Key, Maybe<T>> {
        let policy = Policy::new(Duration::MAX).wire(Wire::new()).no_early().only_shared();
        SITE.pending(&self.call(Maybe::<T>::NEW, &(NoScope, Verbatim(key))), &[], policy).uncounted()
    }

    async fn look<T: SharedValue>(&self, key: &str) -> Option<T> {
        match self.near(key) {
            Ok(value) => Some(value),
            Err(pending) => pending.fetch().await.flatten(),
        }
    }

    /// The value, if this process has it; else the question to the shared tier.
    fn near<T: SharedValue>(&self, key: &str) -> Result<T, Box<Pending<Key, Maybe<T>>>> {
        if let Some(hit) = SITE.hit(&self.call(Maybe::<T>::NEW, &(NoScope, Verbatim(key)))).flatten() {
            return Ok(hit);
        }
        let pending = self.pending(key);
        pending.look().flatten().ok_or_else(|| Box::new(pending))
    }

    /// A read that never loads, so its ttl is only an upper bound for what the shared tier says.
    fn pending<T: SharedValue>(&self, key: &str) -> Pending<Key, Maybe<T>> {
        let policy = Policy::new(Duration::MAX).wire(Wire::new()).no_early();
        SITE.pending(&self.call(Maybe::<T>::NEW, &(NoScope, Verbatim(key))), &[], policy)
    }

    fn put<T: SharedValue>(&self, key: &str, ttl: Duration) -> Put<Key, Plain<T>> {
        SITE.put(&self.call(Plain::<T>::NEW, &(NoScope, Verbatim(key))), &[], Policy::new(ttl).wire(Wire::new()))
    }

    /// A call with these arguments. Each shape has a state of its own; those of one value type share their store.
    fn call<'a, A, S: Shape>(&'a self, shape: S, args: &'a A) -> Call<'a, A, S> {
        let instance = Instance::new(const { &Instantiation::named::<S>("fastness::cache") });
        Call::new(Some(&self.handle), instance, shape, args)
    }
}

type Key = <(NoScope, Verbatim<'static>) as Args>::Owned;

fn checked(key: &str) -> Result<(), Error> {
    let bad = key.is_empty() || key.contains('*') || key.starts_with(':') || key.ends_with(':');
    if bad {
        let why = "write whole segments such as `user:42`, without `*`; only `invalidate` takes patterns";
        return Err(Kind::Pattern(format!("`{key}` is not a key: {why}")).into());
    }
    Ok(())
}
