//! Typed handles, which the functions that `handle = users` declares return.
//!
//! May use: `handle`, `invalidate`, `key`, `load`, `log`, `policy`, `put`, `shape`, `site`.

use std::fmt;

use crate::handle::{CallMode, Fastness};
use crate::invalidate::InvalidatedScopes;
use crate::key::args::Args;
use crate::key::{Key, Pattern};
use crate::load::{Miss, Pending};
use crate::log::{Reach, Record};
use crate::policy::Policy;
use crate::put::{store, store_sync};
use crate::shape::{CacheValue, Shape};
use crate::site::{Call, Instance, Site};

/// The entry of one key of a cached function, read and written without a call of that function. `handle = users` declares a function
/// beside the cached one that takes the arguments in the key and returns this.
///
/// ```
/// use fastness::{cache_invalidate, cacheable};
///
/// #[cacheable(ttl = 60, handle = squared)]
/// async fn square(n: u32) -> u32 {
///     n * n
/// }
///
/// #[cache_invalidate(squared(n))]
/// async fn forget(n: u32) {}
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_eq!(squared(&3).get().await, None);
/// assert_eq!(square(3).await, 9);
/// assert_eq!(squared(&3).get().await, Some(9));
/// forget(3).await;
/// assert_eq!(squared(&3).get().await, None);
/// # }
/// ```
#[must_use = "a handle does nothing by itself: call one of its methods"]
pub struct Handle<C>(C);

/// The call of a [`Handle`]. Only the types in an expansion implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the call of a typed handle",
    label = "write what `handle = ..` declares"
)]
pub trait Handled {
    /// The return type of the cached function; of an `async fn`, that of its future.
    type Out;
    #[doc(hidden)]
    type Args: Args;
    #[doc(hidden)]
    type Shape: Shape<Out = Self::Out, Item: CacheValue> + 'static;
    #[doc(hidden)]
    fn site(&self) -> &'static Site;
    #[doc(hidden)]
    fn on(&self) -> Option<&Fastness>;
    #[doc(hidden)]
    fn call(&self) -> Call<'_, Self::Args, Self::Shape>;
    /// The tags and the policy, which a hit does not need.
    #[doc(hidden)]
    fn details(&self) -> (Vec<String>, Policy<Self::Shape>);
}

type Owned<C> = <<C as Handled>::Args as Args>::Owned;

impl<C: Handled> Handle<C> {
    /// Returns the stored value, if there is one that may be served, from either tier. Never runs the function.
    ///
    /// `Some(Err(..))` is an error that `cache_err` has stored, and `Some(None)` a stored absence. The read counts as a hit or a miss of
    /// the function.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn get(self) -> Option<C::Out> {
        if let Some(hit) = self.__hit() {
            return Some(hit);
        }
        let pending = self.lookup()?;
        drop(self);
        pending.begin_fetch();
        if let Some(found) = pending.local_answer() {
            return Some(found);
        }
        pending.fetch().await
    }

    /// Returns the stored value as [`get`](Self::get) does, and blocks the thread while it asks the shared tier. It may be called within a
    /// runtime, whose other tasks do not run on this thread meanwhile.
    pub fn get_sync(self) -> Option<C::Out> {
        if let Some(hit) = self.__hit() {
            return Some(hit);
        }
        let pending = self.lookup()?;
        pending.begin_fetch();
        pending.local_answer().or_else(|| pending.fetch_blocking())
    }

    /// Returns the value that this process has stored, if it may be served. The shared tier is not asked, and no counter counts it.
    ///
    /// ```
    /// use fastness::cacheable;
    ///
    /// #[cacheable(ttl = 60, handle = squared)]
    /// fn square(n: u32) -> u32 {
    ///     n * n
    /// }
    ///
    /// assert_eq!((square(3), squared(&3).peek(), squared(&4).contains()), (9, Some(9), false));
    /// ```
    pub fn peek(self) -> Option<C::Out> {
        let (tags, policy) = self.0.details();
        let pending = self.0.site().pending(self.0.on(), self.0.call(), &tags, policy).uncounted();
        if pending.state.mode() == CallMode::Bypass { None } else { pending.local_answer() }
    }

    /// Returns whether this process has a stored value that may be served, as [`peek`](Self::peek) finds it.
    pub fn contains(self) -> bool {
        self.peek().is_some()
    }

    /// Stores a value as if the function had just returned it, under the function's options: an error, or a value that `unless` names,
    /// is not stored, and the entry is invalidated.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future invalidates the entry.
    pub async fn put(self, value: C::Out) {
        let put = {
            let (tags, policy) = self.0.details();
            self.0.site().put(self.0.on(), self.0.call(), &tags, policy)
        };
        drop(self);
        store(put, std::future::ready(value)).await;
    }

    /// Stores a value as [`put`](Self::put) does. If the values of the function go to the shared tier, it blocks the thread until the others
    /// are told; otherwise they are told in the background.
    pub fn put_sync(self, value: C::Out) {
        let put = {
            let (tags, policy) = self.0.details();
            self.0.site().put(self.0.on(), self.0.call(), &tags, policy)
        };
        store_sync(put, || value);
    }

    /// Invalidates the entry, so that its value is not served again, and returns the reach of the invalidation.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the entry is invalidated in this process all the same, and announced to the others in the background.
    pub async fn invalidate(self) -> Reach {
        let (handle, record) = self.record();
        handle.announce(record).await
    }

    /// Invalidates the entry as [`invalidate`](Self::invalidate) does, and blocks the thread until the others are told.
    pub fn invalidate_sync(self) -> Reach {
        let (handle, record) = self.record();
        handle.announce_sync(record)
    }

    /// Expires the entry, and returns the reach of the refresh. The next call runs the function, and until it has returned, `stale` decides
    /// whether other callers get the old value.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the entry is expired in this process all the same, and announced to the others in the background.
    pub async fn refresh(self) -> Reach {
        let (handle, record) = self.record();
        handle.announce(record.into_refresh()).await
    }

    /// Expires the entry as [`refresh`](Self::refresh) does, and blocks the thread until the others are told.
    pub fn refresh_sync(self) -> Reach {
        let (handle, record) = self.record();
        handle.announce_sync(record.into_refresh())
    }

    /// Returns the key, in full, as the direct API takes it.
    ///
    /// ```
    /// use fastness::{Key, cacheable};
    ///
    /// #[cacheable(ttl = 60, key = "user:{id}:{part}", handle = users)]
    /// async fn user(id: u64, part: &str) -> String {
    ///     format!("{part} of {id}")
    /// }
    ///
    /// assert_eq!(users(&7, "name").key(), Key::from_static("user").join(7).join("name"));
    /// ```
    #[must_use]
    pub fn key(self) -> Key {
        Key::from_rendered(self.text())
    }

    #[doc(hidden)]
    #[inline]
    pub fn __hit(&self) -> Option<C::Out> {
        self.0.site().hit(self.0.on(), self.0.call())
    }

    #[doc(hidden)]
    #[cold]
    pub fn __miss(&self) -> Miss<Owned<C>, C::Shape> {
        Miss::new(self.lookup())
    }

    #[doc(hidden)]
    pub fn __bypass(&self) -> Miss<Owned<C>, C::Shape> {
        self.0.site().bypassed::<C::Args, C::Shape>(self.0.on(), self.0.call().instance)
    }

    /// The call on its way to a value; `None` if it bypasses the cache.
    fn lookup(&self) -> Option<Pending<Owned<C>, C::Shape>> {
        let (tags, policy) = self.0.details();
        self.0.site().lookup(self.0.on(), self.0.call(), &tags, policy)
    }

    fn text(&self) -> String {
        let (site, call) = (self.0.site(), self.0.call());
        site.meta().template.render(&site.path(call.instance), call.args)
    }

    /// The cache of this handle, and the record that it has to announce.
    fn record(self) -> (Fastness, Record) {
        let handle = self.0.on().cloned().unwrap_or_else(Fastness::current);
        let text = self.text();
        let mut record = Record::from_pattern(Pattern::exact(&text));
        if handle.names_scopes() {
            record.name(text);
        }
        (handle, record)
    }
}

impl<C: Handled> fmt::Debug for Handle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.text()).finish()
    }
}

/// Adds the key of a handle to the scopes that a function invalidates.
pub fn add_handle<C: Handled>(scopes: &mut InvalidatedScopes, handle: &Handle<C>) {
    scopes.push(Pattern::exact(&handle.text()), || handle.text());
}

/// Makes the handle of one call. `details` makes its tags and its policy.
#[inline]
pub fn handle<A, S, D>(
    site: &'static Site,
    instance: Instance,
    shape: S,
    args: A,
    details: D,
) -> Handle<TypedCall<A, S, D>>
where
    A: Args,
    S: Shape<Item: CacheValue> + 'static,
    D: Fn() -> (Vec<String>, Policy<S>),
{
    Handle(TypedCall { site, on: None, instance, shape, args, details })
}

/// The call of a handle, as an expansion makes it.
pub struct TypedCall<A, S, D> {
    site: &'static Site,
    on: Option<Fastness>,
    instance: Instance,
    shape: S,
    args: A,
    details: D,
}

impl<A, S, D> Handle<TypedCall<A, S, D>> {
    #[doc(hidden)]
    pub fn __on(mut self, on: Option<&Fastness>) -> Self {
        self.0.on = on.cloned();
        self
    }
}

impl<A, S, D> Handled for TypedCall<A, S, D>
where
    A: Args,
    S: Shape<Item: CacheValue> + 'static,
    D: Fn() -> (Vec<String>, Policy<S>),
{
    type Out = S::Out;
    type Args = A;
    type Shape = S;

    #[inline]
    fn site(&self) -> &'static Site {
        self.site
    }

    #[inline]
    fn on(&self) -> Option<&Fastness> {
        self.on.as_ref()
    }

    #[inline]
    fn call(&self) -> Call<'_, A, S> {
        Call::new(self.instance, self.shape, &self.args)
    }

    fn details(&self) -> (Vec<String>, Policy<S>) {
        (self.details)()
    }
}

impl<A, S, D> fmt::Debug for TypedCall<A, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedCall").field("site", &self.site).field("instance", &self.instance).finish_non_exhaustive()
    }
}
