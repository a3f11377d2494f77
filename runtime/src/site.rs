//! A call site: what the macro emits as a static, and what each handle keeps for it.
//!
//! May use: `flight`, `handle`, `key`, `l1`, `log`, `shape`, `stats`.
//!
//! The types of a call site (arguments, value, error) are not known to the static, because a generic function has many.
//! So a site keeps a short list of cells, one per instantiation, told apart by the type of a closure that the expansion
//! makes: a closure's type names its function with all type parameters, those of the impl included. The first cell of
//! the list is found by one comparison.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::any::{Any, TypeId};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use crate::flight::Flights;
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::template::{Template, dotted};
use crate::key::{Hashed, Scopes};
use crate::l1::{Entry, L1, Lifetime};
use crate::log::Epoch;
use crate::shape::{CacheValue, Outcome, Shape};
use crate::stats::Counters;

/// What kind of call site it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    Cacheable,
    Put,
    Batch,
}

/// How the receiver takes part in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// There is none.
    None,
    /// The template names a field of it.
    InKey,
    /// `skip(self)`.
    Skipped,
    /// As its type says, by implementing `KeyScope` or not.
    ByType,
}

/// What the macro knows.
#[derive(Debug)]
pub struct SiteMeta {
    pub kind: SiteKind,
    pub name: &'static str,
    pub module: &'static str,
    pub file: &'static str,
    pub line: u32,
    pub template: Template,
    pub tags: &'static [&'static str],
    pub receiver: Receiver,
    pub capacity: Option<usize>,
}

/// One instantiation of a call site.
#[derive(Clone, Copy, Debug)]
pub struct Here {
    id: TypeId,
    path: &'static str,
}

/// The instantiation in which this closure was made.
#[inline]
pub fn here<T>(_: &T) -> Here {
    Here {
        id: typeid::of::<T>(),
        path: std::any::type_name::<T>(),
    }
}

impl Here {
    /// That of a function whose site belongs to a type.
    pub fn named<T>(path: &'static str) -> Self {
        Self {
            id: typeid::of::<T>(),
            path,
        }
    }

    /// The function's path as a key segment.
    pub(crate) fn dotted(&self) -> String {
        dotted(self.path)
    }

    /// Whether the function or its impl has type parameters: a path has brackets beyond those of `<Type as Trait>`.
    fn is_generic(&self) -> bool {
        self.path.matches('<').count() > usize::from(self.path.starts_with('<'))
    }
}

/// A call site.
pub struct Site {
    meta: SiteMeta,
    /// The cells of the process default.
    first: OnceLock<Slot>,
    /// Whether a scope leads its keys: 0 not known yet, 1 no, 2 yes.
    scoped: AtomicU8,
}

struct Slot {
    here: TypeId,
    cell: Arc<dyn Any + Send + Sync>,
    next: OnceLock<Box<Slot>>,
}

/// What one handle keeps for one instantiation of a call site.
pub(crate) struct Cell<K: Eq, S: Shape> {
    pub(crate) handle: Fastness,
    pub(crate) store: Arc<L1<K, S::Item>>,
    pub(crate) negative: OnceLock<L1<K, Negative<S>>>,
    pub(crate) flights: Arc<Flights<K, Landing<S>>>,
    pub(crate) counters: Arc<Counters>,
    /// How many refreshes run in the background.
    pub(crate) refreshing: Arc<std::sync::atomic::AtomicUsize>,
}

/// What all aboard a flight get.
pub(crate) type Landing<S> = Outcome<<S as Shape>::Item, <S as Shape>::Absent, <S as Shape>::Kept>;

/// A cached "there is none", or a cached error.
pub(crate) enum Negative<S: Shape> {
    Absent(S::Absent),
    Failed(Arc<S::Kept>),
}

impl<S: Shape> Clone for Negative<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Absent(absent) => Self::Absent(*absent),
            Self::Failed(kept) => Self::Failed(kept.clone()),
        }
    }
}

impl Site {
    pub const fn new(meta: SiteMeta) -> Self {
        Self {
            meta,
            first: OnceLock::new(),
            scoped: AtomicU8::new(0),
        }
    }

    pub(crate) fn meta(&self) -> &SiteMeta {
        &self.meta
    }

    /// Whether a scope leads its keys; `None` before the first call.
    pub(crate) fn scoped(&self) -> Option<bool> {
        match self.scoped.load(Relaxed) {
            0 => None,
            scoped => Some(scoped == 2),
        }
    }

    /// The value for these arguments, if it is fresh and valid: the hit path.
    #[inline]
    pub fn hit<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        args: &A,
    ) -> Option<S::Out>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        if on.is_none()
            && !Fastness::may_be_scoped()
            && let Some(cell) = self
                .first
                .get()
                .and_then(|slot| slot.find::<A::Owned, S>(here.id))
        {
            return cell.hit(args);
        }
        self.cell::<A, S>(on, here).hit(args)
    }

    /// What the handle in force keeps for this instantiation.
    #[cold]
    pub(crate) fn cell<A, S>(
        &'static self,
        on: Option<&Fastness>,
        here: Here,
    ) -> Arc<Cell<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let handle = on
            .cloned()
            .or_else(Fastness::scoped)
            .unwrap_or_else(|| Fastness::process_default().clone());
        self.scoped.store(1 + u8::from(A::SCOPED), Relaxed);
        let make = || self.make_cell::<A, S>(handle.clone(), here);
        let cell = handle.cell(std::ptr::from_ref(self).addr(), here.id, make);
        if handle.same(Fastness::process_default()) {
            self.remember(here.id, &cell);
        }
        cell
    }

    fn remember<C: Any + Send + Sync>(&self, here: TypeId, cell: &Arc<C>) {
        let slot = || Slot {
            here,
            cell: cell.clone(),
            next: OnceLock::new(),
        };
        let mut last = self.first.get_or_init(slot);
        while last.here != here {
            last = last.next.get_or_init(|| Box::new(slot()));
        }
    }

    fn make_cell<A, S>(&self, handle: Fastness, here: Here) -> Cell<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let path = here.dotted();
        let mut shape = self.meta.template.shape(&path);
        if A::SCOPED {
            shape.insert_str(0, "@{}:");
        }
        if here.is_generic() {
            // One key may name values of several instantiations; each has a store of its own.
            shape.push_str(&path);
        }
        Cell {
            store: handle.store(&shape, self.meta.capacity),
            negative: OnceLock::new(),
            flights: Arc::new(Flights::new(handle.log().clone())),
            counters: handle.counters(&path, self.meta.template.text),
            refreshing: Arc::default(),
            handle,
        }
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

impl Slot {
    #[inline]
    fn find<K: Eq + 'static, S: Shape + 'static>(&self, here: TypeId) -> Option<&Cell<K, S>>
    where
        Cell<K, S>: Any,
    {
        let mut slot = self;
        while slot.here != here {
            slot = slot.next.get()?;
        }
        slot.cell.downcast_ref()
    }
}

impl<K: Clone + Eq + 'static, S: Shape<Item: CacheValue> + 'static> Cell<K, S> {
    #[inline]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<S::Out> {
        let value = self.store.hit(args)?;
        self.counters.hit();
        Some(S::close(Outcome::Present(value)))
    }

    /// The store of absences and errors, made when first needed.
    pub(crate) fn negative(&self) -> &L1<K, Negative<S>> {
        self.negative
            .get_or_init(|| L1::new(self.store.capacity(), self.store.common().clone()))
    }

    /// The cached answer where the hit path passed: a value due for an early refresh, or a cached absence.
    pub(crate) fn peek<A: Args<Owned = K>>(&self, args: &A) -> Option<S::Out> {
        let (key, now) = (self.store.own(args), self.handle.clock().now());
        let value = self.store.look(&key).filter(|found| found.is_fresh(now));
        let ending = match value {
            Some(found) => Outcome::Present(found.value),
            None => match self
                .negative
                .get()?
                .look(&key)
                .filter(|found| found.is_fresh(now))?
                .value
            {
                Negative::Absent(absent) => Outcome::Absent(absent),
                Negative::Failed(_) => return None,
            },
        };
        self.counters.hit();
        Some(S::close(ending))
    }

    /// Stores a value, unless something invalidated its key since its load began.
    pub(crate) fn keep(
        &self,
        key: &Hashed<K>,
        scopes: &Scopes,
        value: S::Item,
        life: Lifetime,
        epoch: Epoch,
    ) {
        if self.handle.log().valid(epoch, scopes.hashes()) {
            self.store
                .insert(key.clone(), Entry::new(value, epoch, life, scopes));
        } else {
            self.counters.overtaken.count();
        }
    }

    /// Stores that there is no value.
    pub(crate) fn keep_negative(
        &self,
        key: &Hashed<K>,
        scopes: &Scopes,
        negative: Negative<S>,
        life: Lifetime,
        epoch: Epoch,
    ) {
        self.negative()
            .insert(key.clone(), Entry::new(negative, epoch, life, scopes));
    }
}
