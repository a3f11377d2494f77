//! Breakers by name, and the statics that name them.

use std::collections::BTreeMap;
#[cfg(feature = "registry")]
use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::clock::Clock;

#[cfg(feature = "settings")]
use super::super::changes::{SettingsChange, changes};
use super::super::keyed::Evictable;
use super::super::registry::{Named, Use};
use super::evaluated::Evaluated;
#[cfg(feature = "settings")]
use super::settings::Contradiction;
use super::{Breaker, KeyedBreaker, Settings};

/// The requested settings, and the maximum number of keys of a breaker per key.
type Requested = (Settings, Option<usize>);

/// The default number of stored names.
const DEFAULT_NAMES: usize = 1_000;

/// All breakers with a name.
pub(in crate::resilience) static BREAKERS: LazyLock<Named<Breaker, Requested>> =
    LazyLock::new(|| Named::new(DEFAULT_NAMES, Clock::system()));
/// All breakers per key. Only attributes name them, so the source bounds their number.
pub(in crate::resilience) static KEYED: LazyLock<Named<Arc<KeyedBreaker>, Requested>> =
    LazyLock::new(|| Named::new(usize::MAX, Clock::system()));

/// A breaker can be dropped if it rejects no call and only the registry holds it: no attribute, variable or call in flight.
impl Evictable for Breaker {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.cell) == 1 && self.cell.may_be_forgotten()
    }
}

impl Evictable for Arc<KeyedBreaker> {
    fn is_idle(&self) -> bool {
        false
    }
}

impl Breaker {
    /// Returns the circuit breaker of this name, which is the same in the whole process. A new one gets the settings of the attribute that
    /// names it, or else the defaults.
    ///
    /// The lookup takes about 50 ns; if that matters, look the breaker up once and store it. At most 1 000 names are stored (see
    /// [`set_max_named`](Self::set_max_named)); for one breaker per host or tenant use [`KeyedBreaker`]. A name longer than 256 bytes is
    /// stored as its beginning and a digest.
    ///
    /// ```
    /// use fastness::resilience::CallError;
    /// use fastness::resilience::breaker::Breaker;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), CallError<std::num::ParseIntError>> {
    /// let answer = Breaker::named("parser").try_call(async { "42".parse::<u8>() }).await?;
    /// assert_eq!(answer, 42);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn named(name: &str) -> Self {
        Self::find(name).unwrap_or_else(|| get_or_make(name, &Settings::new(), Location::caller()))
    }

    /// Returns the circuit breaker of this name, as [`named`](Self::named) does; a new one gets these settings. One that exists keeps its
    /// own, and [`conflicts`](Self::conflicts) lists the difference.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use fastness::resilience::breaker::{Breaker, Settings};
    ///
    /// let settings = Settings::new().failure_threshold(NonZeroU32::MIN);
    /// assert_eq!(Breaker::named_with("fragile", &settings).settings(), settings);
    /// ```
    #[track_caller]
    pub fn named_with(name: &str, settings: &Settings) -> Self {
        get_or_make(name, settings, Location::caller())
    }

    /// Returns the circuit breaker of this name, if an attribute names it or [`named`](Self::named) was called with it before. Creates
    /// none, so the name may come from outside.
    ///
    /// ```
    /// use fastness::resilience::breaker::Breaker;
    ///
    /// assert!(Breaker::find("archive").is_none());
    /// Breaker::named("archive").force_open();
    /// assert!(Breaker::find("archive").is_some());
    /// ```
    pub fn find(name: &str) -> Option<Self> {
        BREAKERS.get(name).or_else(|| declared().find(|site| site.name == name).map(|site| site.breaker().clone()))
    }

    /// Sets the maximum number of breakers by name in this process: at least 1, by default 1 000.
    ///
    /// Above the bound, the least recently requested breaker is dropped, among those that are held nowhere and reject no calls; attributes
    /// hold theirs. If all reject calls or are held, a new name gets a breaker that is not stored: its calls are made, and each lookup
    /// starts with empty counts. So names from outside take bounded memory, and never push out a breaker that rejects calls or that was
    /// forced.
    ///
    /// ```
    /// use fastness::resilience::breaker::Breaker;
    ///
    /// Breaker::set_max_named(2);
    /// Breaker::named("a.example").force_open();
    /// for n in 0..1_000 {
    ///     Breaker::named(&format!("{n}.example"));
    /// }
    /// assert!(Breaker::find("a.example").is_some() && Breaker::find("999.example").is_some());
    /// assert!(Breaker::find("0.example").is_none());
    /// ```
    pub fn set_max_named(breakers: usize) {
        BREAKERS.set_most(breakers);
    }

    /// Returns the names that were given different settings at different places, by calls so far or by attributes. Settings of attributes
    /// that are expressions are compared once they were used, as this evaluates none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::resilience::breaker::{Breaker, Settings};
    ///
    /// Breaker::named_with("mail", &Settings::new());
    /// Breaker::named_with("mail", &Settings::new().open_for(Duration::from_secs(1)));
    /// assert_eq!(Breaker::conflicts()[0].name, "mail");
    /// ```
    pub fn conflicts() -> Vec<Conflict> {
        let mut found = differing(uses().into_iter());
        found.extend(differing(keyed_uses().into_iter()));
        found
    }
}

fn declared() -> impl Iterator<Item = &'static BreakerSite> {
    inventory::iter::<BreakerDeclared>().map(|declared| declared.0)
}

fn declared_per_key() -> impl Iterator<Item = &'static KeyedBreakerSite> {
    inventory::iter::<KeyedBreakerDeclared>().map(|declared| declared.0)
}

/// Returns the names of the breakers that attributes name.
#[cfg(feature = "settings")]
pub(in crate::resilience) fn declared_names() -> impl Iterator<Item = &'static str> {
    declared().map(|site| site.name).chain(declared_per_key().map(|site| site.name))
}

/// Creates the breakers that attributes name, so that they are listed before their first call, except those whose settings would have to
/// be evaluated.
pub(in crate::resilience) fn make_declared() {
    for site in declared().filter(|site| site.settings.known().is_some()) {
        site.breaker();
    }
    for site in declared_per_key().filter(|site| site.settings.known().is_some()) {
        site.breakers();
    }
}

fn get_or_make(name: &str, settings: &Settings, location: &'static Location<'static>) -> Breaker {
    let requested = Use { location, settings: (settings.clone(), None) };
    let mut is_new = false;
    let breaker = BREAKERS.get_or_make(name, requested, |name| {
        is_new = true;
        Breaker::new(name, settings.clone())
    });
    // Others find it from now on, so each change finds it or is found by it.
    if is_new {
        breaker.begin();
    }
    breaker
}

/// Returns the contradictions that a change makes in the settings of the breakers of this name, as far as these are known:
/// this evaluates no expression of a user.
#[cfg(feature = "settings")]
pub(crate) fn contradictions(name: &str, change: &SettingsChange<Settings>) -> Vec<Contradiction> {
    make_declared();
    let one = BREAKERS.get(name).map(|breaker| breaker.cell.given.clone());
    let keyed = KEYED.get(name).map(|breakers| breakers.given().clone());
    one.into_iter().chain(keyed).flat_map(|given| change(given).contradictions().collect::<Vec<_>>()).collect()
}

/// The static that an attribute expands to: a named breaker.
#[derive(Debug)]
pub struct BreakerSite {
    name: &'static str,
    settings: Evaluated<Settings>,
    location: &'static Location<'static>,
    breaker: OnceLock<Breaker>,
}

impl BreakerSite {
    /// Creates a site for a breaker of this name, declared at this location.
    pub const fn new(name: &'static str, settings: fn() -> Settings, location: &'static Location<'static>) -> Self {
        Self { name, settings: Evaluated::new(settings), location, breaker: OnceLock::new() }
    }

    /// Says that an expression is among the settings, which only a use of the breaker evaluates.
    #[must_use]
    pub const fn computed(mut self) -> Self {
        self.settings.set_computed();
        self
    }

    /// Returns the breaker.
    #[inline]
    pub fn breaker(&self) -> &Breaker {
        self.breaker.get_or_init(|| get_or_make(self.name, self.settings.get(), self.location))
    }
}

/// The static that an attribute with `per` expands to: a named breaker per key.
#[derive(Debug)]
pub struct KeyedBreakerSite {
    name: &'static str,
    settings: Evaluated<(Settings, usize)>,
    location: &'static Location<'static>,
    breakers: OnceLock<Arc<KeyedBreaker>>,
}

impl KeyedBreakerSite {
    /// The default maximum number of keys.
    pub const DEFAULT_CAP: usize = KeyedBreaker::MAX_KEYS;

    /// Creates a site for breakers of this name and their maximum number, declared at this location.
    pub const fn new(
        name: &'static str,
        settings: fn() -> (Settings, usize),
        location: &'static Location<'static>,
    ) -> Self {
        Self { name, settings: Evaluated::new(settings), location, breakers: OnceLock::new() }
    }

    /// Says that an expression is among the settings, which only a use of the breakers evaluates.
    #[must_use]
    pub const fn computed(mut self) -> Self {
        self.settings.set_computed();
        self
    }

    /// Returns the breaker of this key.
    pub fn get(&self, key: &str) -> Breaker {
        self.breakers().get(key)
    }

    fn requested(&self, (settings, keys): &(Settings, usize)) -> Use<Requested> {
        Use { location: self.location, settings: (settings.clone(), Some(*keys)) }
    }

    fn breakers(&self) -> &KeyedBreaker {
        self.breakers.get_or_init(|| {
            // Before the registry is locked.
            let evaluated = self.settings.get();
            let make = |_: &str| {
                let (settings, keys) = evaluated.clone();
                Arc::new(KeyedBreaker::new(self.name, settings).with_max_keys(keys))
            };
            let breakers = KEYED.get_or_make(self.name, self.requested(evaluated), make);
            #[cfg(feature = "settings")]
            breakers.obey(&changes());
            breakers
        })
    }
}

/// A site that is registered at link time, for [`Breaker::find`] and [`Breaker::conflicts`].
#[derive(Debug)]
pub struct BreakerDeclared(pub &'static BreakerSite);

/// A site per key that is registered at link time.
#[derive(Debug)]
pub struct KeyedBreakerDeclared(pub &'static KeyedBreakerSite);

inventory::collect!(BreakerDeclared);
inventory::collect!(KeyedBreakerDeclared);

/// Two places that name one breaker with different settings. The settings of the first one called are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The name.
    pub name: String,
    /// The first place.
    pub first: &'static Location<'static>,
    /// The second place.
    pub second: &'static Location<'static>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, second } = self;
        write!(
            f,
            "circuit breaker `{name}` has other settings at {second} than at {first}, and the first one called wins: \
             write the same settings, or give one of them another name"
        )
    }
}

/// Returns a sentence for each contradiction in settings that were requested so far or that attributes write out.
#[cfg(feature = "registry")]
pub(crate) fn faults() -> Vec<String> {
    let all = uses().into_iter().chain(keyed_uses());
    let sentences = all.flat_map(|(name, one)| {
        let location = one.location;
        let faults = one.settings.0.faults().into_iter();
        faults.map(move |fault| format!("circuit breaker `{name}` at {location}: {fault}")).collect::<Vec<_>>()
    });
    sentences.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns every use of a name, called or declared with settings that are known.
fn uses() -> Vec<(Arc<str>, Use<Requested>)> {
    let declared = declared().filter_map(|site| {
        let settings = (site.settings.known()?.clone(), None);
        Some((Arc::from(site.name), Use { location: site.location, settings }))
    });
    BREAKERS.uses().into_iter().chain(declared).collect()
}

/// Returns every use of a name of breakers per key, called or declared with settings that are known.
fn keyed_uses() -> Vec<(Arc<str>, Use<Requested>)> {
    let declared =
        declared_per_key().filter_map(|site| Some((Arc::from(site.name), site.requested(site.settings.known()?))));
    KEYED.uses().into_iter().chain(declared).collect()
}

/// Pairs the first use of each name with every later one that differs from it.
fn differing(uses: impl Iterator<Item = (Arc<str>, Use<Requested>)>) -> Vec<Conflict> {
    let mut by_name = BTreeMap::<Arc<str>, Vec<Use<Requested>>>::new();
    for (name, one) in uses {
        let known = by_name.entry(name).or_default();
        if !known.contains(&one) {
            known.push(one);
        }
    }
    let per_name = by_name.iter().flat_map(|(name, uses)| {
        let differ = uses.iter().filter(|one| one.settings != uses[0].settings);
        differ.map(|one| Conflict { name: name.to_string(), first: uses[0].location, second: one.location })
    });
    per_name.collect()
}
