//! Call sites: the static that a macro emits, and its state under each handle.
//!
//! May use: `engine`, `events`, `flight`, `handle`, `key`, `l1`, `log`, `policy`, `shape`, `shared`, `stats`, `sync`.
//!
//! The static does not know the types of its call site (arguments, value, error), because a generic function has many. So a site has a
//! short list of states. A state is found by the address of a constant that is generic over a closure of the expansion, because the type of
//! that closure names the function with all type parameters, those of the `impl` included. The first state takes one comparison. An
//! instantiation has one state; where several crates have compiled it, it has several addresses, and each is in the list.

use std::any::{Any, TypeId};
use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Arc, OnceLock};

use crate::engine::{LocalStore, TieredStore};
use crate::handle::{CallMode, Fastness, SiteSwitches};
use crate::key::args::Args;
use crate::key::template::{Piece, Template, bare, bounded, shown};
#[cfg(feature = "settings")]
use crate::l1::AnyStore;
use crate::l1::most_entries;
use crate::shape::{CacheValue, Outcome, Shape};
use crate::shared::Tier;
use crate::stats::{AnswerRecorder, Counters};
use crate::sync::thread_is_ending;

mod by_text;
mod call;
mod instance;
mod meta;
mod negatives;
#[cfg(feature = "settings")]
mod settings;
mod state;
mod variant;

use by_text::{KeyTexts, Membership, TextStores};
pub use call::Call;
pub use instance::{Instance, Instantiation, instance, instance_of_function, instance_of_method};
use meta::Capacity;
#[cfg_attr(not(feature = "registry"), allow(unused_imports))] // only the audit reads it elsewhere
pub(crate) use meta::Leaves;
pub(crate) use meta::SiteMeta;
pub use meta::{Receiver, SiteKind};
use negatives::Negatives;
pub(crate) use state::{Dated, Negative, NotedOutdated, Outdated, SiteState};
use variant::{ValueType, variant};

/// A call site.
pub struct Site {
    meta: SiteMeta,
    /// The head of the list of states under the process default.
    first: OnceLock<StateNode>,
    /// The presence of a namespace that leads the keys: 0 not known yet, 1 no, 2 yes.
    has_namespace: AtomicU8,
}

struct StateNode {
    instance: Instance,
    /// A [`LocalStore`], in a `Box` rather than an `Arc`: a hit then adds no offset to skip the counts.
    local: Box<dyn Any + Send + Sync>,
    /// A [`SiteState`], for calls that are not hits.
    state: Arc<dyn Any + Send + Sync>,
    next: OnceLock<Box<StateNode>>,
}

impl Site {
    /// A call site with the facts that every site has; builder methods set the others. Arguments are positional, because the compiler takes
    /// twice as long for a literal of `SiteMeta`. The source location is that of the attribute.
    #[track_caller]
    pub const fn new(
        kind: SiteKind,
        name: &'static str,
        module: &'static str,
        text: &'static str,
        pieces: &'static [Piece],
    ) -> Self {
        let template = Template { text, pieces };
        let (handle, tags, receiver, version) = (None, &[] as &[_], Receiver::None, 0);
        let (capacity, max_bytes, long_ttl) = (None, None, None);
        let settable = &["ttl"] as &[_];
        let source = Location::caller();
        let meta = SiteMeta {
            kind,
            name,
            handle,
            module,
            source,
            template,
            tags,
            receiver,
            capacity,
            max_bytes,
            settable,
            version,
            long_ttl,
            leaves: Leaves::Bytes,
        };
        Self { meta, first: OnceLock::new(), has_namespace: AtomicU8::new(0) }
    }

    /// The function that has the static, if that is not the annotated one but the one that `handle = ..` declares beside it.
    #[must_use]
    pub const fn handle(mut self, name: &'static str) -> Self {
        self.meta.handle = Some(name);
        self
    }

    /// The templates of the tags.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.meta.tags = tags;
        self
    }

    /// The part that the receiver has in the key.
    #[must_use]
    pub const fn receiver(mut self, receiver: Receiver) -> Self {
        self.meta.receiver = receiver;
        self
    }

    /// The largest number of entries.
    #[must_use]
    pub const fn capacity(mut self, capacity: usize) -> Self {
        self.meta.capacity = Some(Capacity::Fixed(capacity));
        self
    }

    /// The largest number of entries, asked for before a state of this site is made; zero counts as 1.
    #[must_use]
    pub const fn capacity_from(mut self, capacity: fn() -> usize) -> Self {
        self.meta.capacity = Some(Capacity::From(capacity));
        self
    }

    /// The version of the values' meaning.
    #[must_use]
    pub const fn version(mut self, version: usize) -> Self {
        self.meta.version = version;
        self
    }

    /// A ttl in milliseconds that may exceed the retention of the shared log.
    #[must_use]
    pub const fn long_ttl(mut self, millis: u64) -> Self {
        self.meta.long_ttl = Some(millis);
        self
    }

    /// The options of the policy that settings may change; without it, `ttl` alone.
    #[must_use]
    pub const fn settable(mut self, options: &'static [&'static str]) -> Self {
        self.meta.settable = options;
        self
    }

    /// Notes that the function says `erase`.
    #[must_use]
    pub const fn erases(mut self) -> Self {
        self.meta.leaves = Leaves::Nothing;
        self
    }

    /// Notes that no value goes to the shared tier.
    #[must_use]
    pub const fn never_shared(mut self) -> Self {
        self.meta.leaves = Leaves::NeverShared;
        self
    }

    /// The largest number of bytes of all entries.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.meta.max_bytes = Some(bytes);
        self
    }

    pub(crate) fn meta(&self) -> &SiteMeta {
        &self.meta
    }

    /// Returns the capacity of its store, given its own: without one, as many entries as its bound in bytes can hold.
    fn most_entries(&self, capacity: Option<usize>) -> Option<usize> {
        capacity.or(self.meta.max_bytes.map(most_entries))
    }

    /// The function's path as a key segment.
    pub(crate) fn path(&self, instance: Instance) -> String {
        instance.dotted(self.function_name())
    }

    /// The function's name, if the path of an instantiation has the name of its handle instead.
    fn function_name(&self) -> Option<&'static str> {
        self.meta.handle.and(Some(self.meta.name))
    }

    /// Returns whether a namespace leads the keys; `None` before the first call.
    #[cfg(feature = "registry")]
    pub(crate) fn has_namespace(&self) -> Option<bool> {
        match self.has_namespace.load(Relaxed) {
            0 => None,
            known => Some(known == 2),
        }
    }

    /// The value for these arguments, if it is fresh and valid. This is the path of a hit.
    #[inline]
    pub fn hit<A, S>(&'static self, on: Option<&Fastness>, call: Call<'_, A, S>) -> Option<S::Out>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        if on.is_none()
            && Fastness::is_plain_here()
            && let Some(local) = self.first.get().and_then(|node| node.find::<A::Owned, S::Item>(call.instance))
        {
            return local.hit(call.args).map(|value| S::close(Outcome::Present(value)));
        }
        self.find_elsewhere(on, call)
    }

    /// The same as [`hit`](Self::hit), on a handle that is not the process default, on a first call, or in another mode.
    #[cold]
    fn find_elsewhere<A, S>(&'static self, on: Option<&Fastness>, call: Call<'_, A, S>) -> Option<S::Out>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let state = self.state::<A, S>(on, call.instance);
        // The record of an answer needs its entry, which the way of a miss finds.
        if state.mode() != CallMode::Normal || AnswerRecorder::is_in_force() {
            return None;
        }
        let value = state.store.local.hit(call.args)?;
        Some(S::close(Outcome::Present(value)))
    }

    /// The state of this instantiation under the handle in force.
    #[cold]
    pub(crate) fn state<A, S>(&'static self, on: Option<&Fastness>, instance: Instance) -> Arc<SiteState<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        if on.is_none()
            && !Fastness::is_overridden()
            && let Some(node) = self.first.get().and_then(|node| node.with_instance(instance))
            && let Ok(state) = node.state.clone().downcast()
        {
            return state;
        }
        let current = if on.is_none() { Fastness::current_override() } else { None };
        let handle = on.or(current.as_ref()).unwrap_or_else(|| Fastness::process_default());
        self.has_namespace.store(1 + u8::from(A::HAS_NAMESPACE), Relaxed);
        let id = (std::ptr::from_ref(self).addr(), instance.id());
        let state = handle.find_state(id).unwrap_or_else(|| {
            // Here, as the state is made under the lock of its place.
            let capacity = self.meta.entries();
            handle.site_state(id, || self.make_state::<A, S>(handle, instance, capacity))
        });
        // A state that is made while a thread ends is in no statistics, so later calls must not find it.
        if handle.is_process_default() && !thread_is_ending() {
            self.remember(instance, &|| StateNode {
                instance,
                local: Box::new(state.store.local.clone()),
                state: state.clone(),
                next: OnceLock::new(),
            });
        }
        state
    }

    fn remember(&self, instance: Instance, node: &dyn Fn() -> StateNode) {
        let mut last = self.first.get_or_init(node);
        // Each further address of an instantiation gets a node too, so that it is found without a lock.
        while !last.instance.ptr_eq(instance) {
            last = last.next.get_or_init(|| Box::new(node()));
        }
    }

    fn make_state<A, S>(&self, handle: &Fastness, instance: Instance, capacity: Option<usize>) -> SiteState<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let value_id = TypeId::of::<S::Item>();
        let value = (ValueType::new::<S::Item>(instance, self.meta.module), value_id);
        let StateParts { path, name, shape, function, variant, tier, counters, switches, stores } =
            self.make_parts(handle, instance, A::HAS_NAMESPACE, value);
        let negatives = Negatives::new(handle, &shape, function, value_id, capacity);
        let values = handle.store(&shape, function, self.most_entries(capacity));
        values.bound_bytes(self.meta.max_bytes);
        let by_text = Membership::join::<A, _>(stores, &values, self.meta.template, &path);
        let texts = || KeyTexts::new::<A>(self.meta.template, &path);
        for (id, keys) in [by_text.keys(), negatives.keys(texts())] {
            handle.add_keys(&name, id, keys);
        }
        #[cfg(feature = "settings")]
        settings::obey(&self.meta, &switches, &(values.clone() as Arc<dyn AnyStore>), &negatives.store());
        let name = Arc::from(name);
        let text = texts();
        values.set_name(&name, false, move |key| bounded(text.text(key)));
        negatives.set_name(&name, texts());
        let store = TieredStore::new(handle, LocalStore { values, counters }, tier, variant);
        SiteState {
            store,
            by_text,
            negatives,
            switches,
            #[cfg(feature = "settings")]
            settable: self.meta.settable,
            unequal: AtomicBool::new(false),
            path,
            name,
        }
    }

    fn make_parts(
        &self,
        handle: &Fastness,
        instance: Instance,
        has_namespace: bool,
        (value, value_id): (ValueType, TypeId),
    ) -> StateParts {
        let path = self.path(instance);
        let mut shape = self.meta.template.shape(&path);
        if has_namespace {
            shape.insert_str(0, "@{}:");
        }
        if self.meta.version > 0 {
            shape.extend(["#", &self.meta.version.to_string()]);
        }
        // One key may name values of several instantiations, and each instantiation has a store of its own.
        let instantiation = instance.instantiation();
        shape.push_str(&instantiation);
        // Different functions may have the same path: in blocks, in macros.
        let by_path = self.meta.template.pieces.iter().any(|piece| matches!(piece, Piece::Path));
        let function = if by_path { Some(instance.id()) } else { instance.instance() };
        // A unique path is the same in every build, so it identifies the function; otherwise the `TypeId` goes into the shared key.
        let owner =
            function.filter(|_| instance.is_unique(self.meta.module, self.meta.handle.unwrap_or(self.meta.name)));
        let variant = variant(&instantiation, function.filter(|_| owner.is_none()), value, self.meta.version);
        let is_owner = handle.is_owner(&shape, owner);
        let tier = if instance.has_closure() { handle.no_tier_of(&path) } else { handle.tier_of(is_owner, &path) };
        let name = instance.shown(self.function_name());
        let bare_name = bare(&name);
        let switches = handle.switches(&bare_name, &shown(&format!("{}::{}", self.meta.module, self.meta.name)));
        let counters = handle.counters(&name, self.meta.template.text, &switches);
        // Call sites that share entries in the shared tier share local ones.
        let stores: Arc<TextStores> = if is_owner { handle.common(variant, value_id) } else { Arc::default() };
        StateParts { path, name: bare_name, shape, function, variant, tier, counters, switches, stores }
    }
}

/// The parts of a state that do not depend on the types of the call site, so the code that makes them is compiled once.
struct StateParts {
    /// The function's path, as a key segment.
    path: String,
    /// The function's path without types, by which its switch is found.
    name: String,
    /// The key template, without the names of arguments.
    shape: String,
    /// The function, if its path is in its keys; otherwise the types that it is generic over, if there are any.
    function: Option<TypeId>,
    /// The number of the instantiation, the type of values and the version in the shared tier.
    variant: u64,
    /// The shared tier, if the function may use it.
    tier: Option<Arc<Tier>>,
    counters: Arc<Counters>,
    switches: SiteSwitches,
    /// The stores of the same values, where direct calls find them.
    stores: Arc<TextStores>,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl StateNode {
    #[inline]
    fn find<K: 'static, V: 'static>(&self, instance: Instance) -> Option<&LocalStore<K, V>>
    where
        LocalStore<K, V>: Any,
    {
        self.with_instance(instance)?.local.downcast_ref()
    }

    #[inline]
    fn with_instance(&self, instance: Instance) -> Option<&Self> {
        let mut node = self;
        while !node.instance.ptr_eq(instance) {
            node = node.next.get()?;
        }
        Some(node)
    }
}
