//! Settings at run time: options of functions and of policies, by name, from one value of a configuration.
//!
//! | part | purpose |
//! |---|---|
//! | `at`, `units` | values with the paths that lead to them, read as what they must be |
//! | `functions` | the section for cached functions |
//! | `policies`, `kinds` | the section for policies; the settings of each kind |
//!
//! Everything is read and checked before anything changes. Then the values go where calls read them: into the words of a switch and of a
//! store's bounds, beside the policy that a miss makes, and into the shared part of a policy. A hit reads none of them.
//!
//! May use: `error`, `function`, `handle`, `key`, `l1`, `nearest`, `policy`, `registry`, `resilience`.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use self::at::{At, Faults};
use self::functions::FunctionPlan;
use self::policies::PolicyPlan;
use crate::error::{Error, ErrorDetail};
use crate::handle::Fastness;

mod at;
mod functions;
mod kinds;
mod policies;
mod units;

/// The sections of the settings.
const FUNCTIONS: &str = "functions";
const POLICIES: &str = "policies";
const SECTIONS: &[&str] = &[FUNCTIONS, POLICIES];

/// The settings in force, from [`Fastness::settings`]: a value for serde, of the same form as that which was applied, with the full path of
/// each function and policy and without what was left out. It prints as JSON.
///
/// ```
/// let fast = fastness::Fastness::builder().build()?;
/// let before = fast.settings();
/// assert_eq!(before.to_string(), "{}");
/// fast.apply_settings(&before)?; // as they were
/// # Ok::<(), fastness::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct AppliedSettings(Value);

impl Fastness {
    /// Puts settings in the place of options that attributes have, while the program runs. They are any value that serde can write: a
    /// table of TOML, JSON or YAML, or a struct of your own. [The guide](https://docs.rs/fastness/latest/fastness/guide/settings/index.html)
    /// lists all of them.
    ///
    /// They replace the settings that were applied before, as a whole: what is not named returns to the value in its attribute. Counts,
    /// entries and states stay. Two calls at the same time apply one after the other.
    ///
    /// A name is that of [`function`](Self::function); without its type, that of a method sets all methods of the name in its module.
    /// Functions that were not called yet are known by the registry, and have their settings from their first call on. The functions' settings are those of this handle, in this process. Policies are those of the
    /// process: of several handles that name one, the last counts, until it is dropped.
    ///
    /// ```standalone_crate
    /// use std::collections::BTreeMap;
    ///
    /// #[fastness::cacheable(ttl = 300, stale = 60)]
    /// async fn exchange_rate() -> f64 { 1.07 }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let fast = fastness::Fastness::builder().build()?;
    /// let rate = BTreeMap::from([("ttl", "30s"), ("stale", "off")]);
    /// fast.apply_settings(&BTreeMap::from([("functions", BTreeMap::from([("exchange_rate", rate)]))]))?;
    /// assert!(fast.settings().to_string().contains(r#""ttl":"30s""#));
    ///
    /// let wrong = BTreeMap::from([("functions", BTreeMap::from([("exchange_rat", BTreeMap::from([("ttl", "30")]))]))]);
    /// let error = fast.apply_settings(&wrong).unwrap_err();
    /// assert_eq!(error.wrong_settings().len(), 2, "the name, and the unit");
    /// assert_eq!(error.wrong_settings()[1].path, "functions.exchange_rat.ttl");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if a setting is wrong, and then applies none. [`Error::wrong_settings`] has all that is wrong: names that nothing has or that
    /// several have, options that do not exist or that an attribute does not have, values of a wrong type, contradictions.
    pub fn apply_settings(&self, settings: &impl Serialize) -> Result<(), Error> {
        apply(self, serde_json::to_value(settings))
    }

    /// Returns the settings in force; an empty table if there are none.
    pub fn settings(&self) -> AppliedSettings {
        AppliedSettings(self.applied_settings().shown.clone().into())
    }
}

fn apply(handle: &Fastness, settings: serde_json::Result<Value>) -> Result<(), Error> {
    let mut faults = Faults::default();
    let settings = settings.unwrap_or_else(|error| {
        faults.add("", format!("serde cannot write the settings: {error}"));
        Value::Null
    });
    let sections = At::root(&settings).entries(&mut faults);
    let named = |wanted| sections.iter().find(|(name, _)| *name == wanted).map(|(_, section)| section);
    for (_, section) in sections.iter().filter(|(name, _)| !SECTIONS.contains(name)) {
        faults.unknown(section, "no part of the settings", SECTIONS);
    }
    let policies = named(POLICIES).map(|section| policies::read(section, &mut faults)).unwrap_or_default();
    // Locked in this order from the check to the last change, so that applications follow each other, and no function is called for the
    // first time between the check of its name and its settings.
    let mut applied = handle.applied_settings();
    let mut controls = handle.controls();
    let functions =
        named(FUNCTIONS).map(|section| functions::read(section, &mut controls, &mut faults)).unwrap_or_default();
    if !faults.0.is_empty() {
        return Err(ErrorDetail::Settings(faults.0).into());
    }
    applied.shown = in_force(&functions, &policies);
    let smaller = functions::set_all(&controls, functions);
    drop(controls);
    applied.policies.replace(policies.into_iter().flat_map(|plan| plan.changes).collect());
    drop(applied);
    handle.evict_excess(&smaller);
    Ok(())
}

/// Returns the settings as they are shown.
fn in_force(functions: &[FunctionPlan], policies: &[PolicyPlan]) -> Map<String, Value> {
    let functions = functions.iter().map(|plan| (plan.path.clone(), plan.given.clone())).collect();
    let policies = policies.iter().map(|plan| (plan.name.clone(), plan.given.clone())).collect();
    let sections = [(FUNCTIONS, functions), (POLICIES, policies)];
    let given = sections.into_iter().filter(|(_, settings): &(_, Map<_, _>)| !settings.is_empty());
    given.map(|(name, settings)| (name.to_owned(), settings.into())).collect()
}

impl Serialize for AppliedSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for AppliedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AppliedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
