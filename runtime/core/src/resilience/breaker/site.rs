//! Breakers by name, and the statics that name them.

use std::collections::BTreeMap;
#[cfg(feature = "registry")]
use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::clock::Clock;

use super::super::keyed::Keep;
use super::super::registry::{Named, Use};
use super::{Breaker, KeyedBreaker, Settings};

/// The settings that were asked for, and the number of keys where there is one per key.
type Asked = (Settings, Option<usize>);

/// Names that are kept by default.
const MOST: usize = 1_000;

/// All breakers that have a name.
pub(in crate::resilience) static BREAKERS: LazyLock<Named<Breaker, Asked>> =
    LazyLock::new(|| Named::new(MOST, Clock::system()));
/// All that are one per key. Only attributes name them, so the source bounds their number.
pub(in crate::resilience) static KEYED: LazyLock<Named<Arc<KeyedBreaker>, Asked>> =
    LazyLock::new(|| Named::new(usize::MAX, Clock::system()));

/// It can be forgotten if it refuses no call, and nobody but the registry has it: not an attribute, not a variable, not a call under
/// way.
impl Keep for Breaker {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.cell) == 1 && self.cell.may_be_forgotten()
    }
}

impl Keep for Arc<KeyedBreaker> {
    fn is_idle(&self) -> bool {
        false
    }
}

impl Breaker {
    /// The circuit breaker of this name, which is the same in the whole process. If nobody named it before, it gets the
    /// settings of the attribute that names it, or else the defaults.
    ///
    /// Looking it up costs about 50 ns: keep it where that matters. There are 1 000 names at most, see [`set_max_named`](Self::set_max_named); for one
    /// breaker per host or tenant there is [`KeyedBreaker`]. Of a name of more than 256 bytes the beginning and a digest are kept.
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

    /// [`named`](Self::named), with settings. If it is there already with others, they stay in force, and [`conflicts`](Self::conflicts) tells.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use fastness::resilience::breaker::{Breaker, Settings};
    ///
    /// let settings = Settings::new().failure_threshold(NonZeroU32::MIN);
    /// assert_eq!(Breaker::named_with("fragile", &settings).settings(), &settings);
    /// ```
    #[track_caller]
    pub fn named_with(name: &str, settings: &Settings) -> Self {
        get_or_make(name, settings, Location::caller())
    }

    /// The circuit breaker of this name, if an attribute names it or it was asked for before. Makes none, so the name may come
    /// from outside.
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

    /// Sets how many breakers there may be by name in this process: at least one, and 1 000 until this is called.
    ///
    /// Over the bound, the breaker that was asked for longest ago is forgotten, of those that are not held anywhere and that are closed or were open
    /// until now; attributes hold theirs. Where all refuse calls or are held, a new name gets a breaker that is not kept: calls are made, and each time anew nothing is
    /// known of those before. So names from outside cost a bounded memory and never push out a breaker that refuses calls, or that was forced.
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

    /// All names that are given different settings at different places, of what was called so far and of what attributes
    /// declare.
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

/// Makes those that attributes name, so that they are listed before their first call.
pub(in crate::resilience) fn make_declared() {
    for site in declared() {
        site.breaker();
    }
    for declared in inventory::iter::<KeyedBreakerDeclared>() {
        declared.0.breakers();
    }
}

fn get_or_make(name: &str, settings: &Settings, location: &'static Location<'static>) -> Breaker {
    let asked = Use { location, settings: (settings.clone(), None) };
    BREAKERS.get_or_make(name, asked, |name| Breaker::new(name, settings.clone()))
}

/// A static that names a breaker: what an attribute expands to.
#[derive(Debug)]
pub struct BreakerSite {
    name: &'static str,
    settings: Settings,
    location: &'static Location<'static>,
    breaker: OnceLock<Breaker>,
}

impl BreakerSite {
    /// Names a breaker, at this location in the source.
    pub const fn new(name: &'static str, settings: Settings, location: &'static Location<'static>) -> Self {
        Self { name, settings, location, breaker: OnceLock::new() }
    }

    /// The breaker.
    #[inline]
    pub fn breaker(&self) -> &Breaker {
        self.breaker.get_or_init(|| get_or_make(self.name, &self.settings, self.location))
    }
}

/// A static that names breakers, one per key.
#[derive(Debug)]
pub struct KeyedBreakerSite {
    name: &'static str,
    settings: Settings,
    cap: usize,
    location: &'static Location<'static>,
    breakers: OnceLock<Arc<KeyedBreaker>>,
}

impl KeyedBreakerSite {
    /// The number of keys at most, unless something else is said.
    pub const DEFAULT_CAP: usize = KeyedBreaker::MAX_KEYS;

    /// Names breakers, at most so many, at this location in the source.
    pub const fn new(name: &'static str, settings: Settings, cap: usize, location: &'static Location<'static>) -> Self {
        Self { name, settings, cap, location, breakers: OnceLock::new() }
    }

    /// The breaker of this key.
    pub fn get(&self, key: &str) -> Breaker {
        self.breakers().get(key)
    }

    fn breakers(&self) -> &KeyedBreaker {
        self.breakers.get_or_init(|| {
            let asked = Use { location: self.location, settings: (self.settings.clone(), Some(self.cap)) };
            let make = || KeyedBreaker::new(self.name, self.settings.clone()).with_max_keys(self.cap);
            KEYED.get_or_make(self.name, asked, |_| Arc::new(make()))
        })
    }
}

/// A site that is known from link time on, for [`Breaker::find`] and [`Breaker::conflicts`].
#[derive(Debug)]
pub struct BreakerDeclared(pub &'static BreakerSite);

/// The same, of one per key.
#[derive(Debug)]
pub struct KeyedBreakerDeclared(pub &'static KeyedBreakerSite);

inventory::collect!(BreakerDeclared);
inventory::collect!(KeyedBreakerDeclared);

/// Two places that name one breaker, with different settings. Those of the one that was first are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The name.
    pub name: String,
    /// One location.
    pub first: &'static Location<'static>,
    /// The other.
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

/// Settings that cannot be meant, a sentence for each, of what was called so far and of what attributes declare.
#[cfg(feature = "registry")]
pub(crate) fn faults() -> Vec<String> {
    let all = uses().into_iter().chain(keyed_uses());
    let told = all.flat_map(|(name, one)| {
        let location = one.location;
        let faults = one.settings.0.faults().into_iter();
        faults.map(move |fault| format!("circuit breaker `{name}` at {location}: {fault}")).collect::<Vec<_>>()
    });
    told.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every use of a name, called or declared.
fn uses() -> Vec<(Arc<str>, Use<Asked>)> {
    let declared = declared()
        .map(|site| (Arc::from(site.name), Use { location: site.location, settings: (site.settings.clone(), None) }));
    BREAKERS.uses().into_iter().chain(declared).collect()
}

/// The same, of those that are one per key.
fn keyed_uses() -> Vec<(Arc<str>, Use<Asked>)> {
    let declared = inventory::iter::<KeyedBreakerDeclared>().map(|declared| {
        let site = declared.0;
        (Arc::from(site.name), Use { location: site.location, settings: (site.settings.clone(), Some(site.cap)) })
    });
    KEYED.uses().into_iter().chain(declared).collect()
}

/// Per name, the first use, and each other one that differs from it.
fn differing(uses: impl Iterator<Item = (Arc<str>, Use<Asked>)>) -> Vec<Conflict> {
    let mut by_name = BTreeMap::<Arc<str>, Vec<Use<Asked>>>::new();
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
