//! Cached functions by their names, to turn one off and on while the program runs, and to list its keys.
//!
//! May use: `error`, `handle`, `key`, `l1`, `nearest`, `registry`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorDetail};
use crate::handle::{Fastness, FunctionControl, FunctionControls};
use crate::key::template::{bare, shown};
use crate::nearest::distance;

mod keys;

use keys::KeyOrder;
pub use keys::{KeyInfo, Keys};

/// The number of names that an error lists.
const LISTED: usize = 3;

/// One cached function of a handle, from [`Fastness::function`]. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// async fn lucky_number() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build()?;
/// fastness::with_cache(&fast, lucky_number()).await;
/// fast.function("lucky_number")?.set_enabled(false);
/// fastness::with_cache(&fast, lucky_number()).await;
/// assert_eq!((fast.stats().total.loads, fast.stats().total.bypassed), (1, 1));
///
/// let error = fast.function("lucky_nubmer").unwrap_err();
/// assert!(error.is_unknown_function() && error.to_string().contains("lucky_number"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct CachedFunction {
    handle: Fastness,
    path: String,
    /// The paths by which its keys are listed: several for methods that share their switch.
    called: Vec<String>,
    control: Arc<FunctionControl>,
}

impl CachedFunction {
    /// Returns the path of the function, as [`SiteStats::name`](crate::SiteStats::name) has it, without the types that it is generic over.
    /// Methods of one name that were turned off together before their first call have that of their module and this name.
    pub fn name(&self) -> &str {
        &self.path
    }

    /// Turns the function off, or on again, in this process: all its instantiations, and its typed handle. Calls that begin while it is off
    /// bypass the cache; its entries stay, as [`Fastness::set_enabled`] says. Other functions of the same key have switches of their own. A
    /// function that is off by settings (feature `settings`) stays off.
    pub fn set_enabled(&self, enabled: bool) {
        self.control.switch.set_off(!enabled);
    }

    /// Returns whether the function is on. The whole cache may be off all the same.
    pub fn is_enabled(&self) -> bool {
        !self.control.switch.is_off()
    }

    /// Lists up to `limit` keys of which this process has an entry, the hottest first, and of equally hot ones the newest first. Functions
    /// of the same key and type share their entries, and list the same.
    ///
    /// Each list reads all entries of the function once, a million in a tenth of a second or two, without a lock: calls go on meanwhile. A
    /// listed entry counts no hit. One that comes or goes meanwhile may be missing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// #[fastness::cacheable(ttl = 60, key = "cube:{n}")]
    /// async fn cube(n: u32) -> u32 { n * n * n }
    ///
    /// let fast = fastness::Fastness::builder().build()?;
    /// for n in 1..=3 {
    ///     fastness::with_cache(&fast, cube(n)).await;
    /// }
    /// let keys = fast.function("cube")?.keys(2);
    /// assert_eq!((keys.keys.len(), keys.is_complete), (2, false));
    /// println!("{} is fresh for another {:?}", keys.keys[0].key, keys.keys[0].ttl_left);
    /// # Ok(()) }
    /// ```
    pub fn keys(&self, limit: usize) -> Keys {
        keys::list(&self.handle.keys_of(&self.called), limit, KeyOrder::Heat)
    }

    /// Lists up to `limit` keys as [`keys`](Self::keys) does, those whose entries take the most bytes first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// #[fastness::cacheable(ttl = 60, key = "line:{length}")]
    /// async fn line(length: usize) -> String { "-".repeat(length) }
    ///
    /// let fast = fastness::Fastness::builder().build()?;
    /// for length in [10, 1_000, 100] {
    ///     fastness::with_cache(&fast, line(length)).await;
    /// }
    /// let largest = &fast.function("line")?.largest_keys(1).keys[0];
    /// assert!(largest.key.as_str() == "line:1000" && largest.bytes > 1_000 && !largest.is_size_of_type);
    /// # Ok(()) }
    /// ```
    pub fn largest_keys(&self, limit: usize) -> Keys {
        keys::list(&self.handle.keys_of(&self.called), limit, KeyOrder::Bytes)
    }
}

impl fmt::Debug for CachedFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedFunction")
            .field("name", &self.path)
            .field("is_enabled", &self.is_enabled())
            .finish_non_exhaustive()
    }
}

impl Fastness {
    /// Returns the cached function of this name.
    ///
    /// A name is the path that [`SiteStats`](crate::SiteStats) shows, or as much of its end as is unique: `get_user`, `users::get_user` or
    /// `shop.users.get_user`. `fastness.cache` are the direct calls, and `http` is the HTTP cache. A function is known from its first call
    /// with this handle on; with the feature `registry` every annotated function is known.
    ///
    /// # Errors
    ///
    /// Fails if no function has this name, and lists the nearest ones; if several have it, and lists these.
    pub fn function(&self, name: &str) -> Result<CachedFunction, Error> {
        let found = find(&mut self.controls(), name);
        let FoundFunction { path, called, control } = found.map_err(ErrorDetail::Function)?;
        Ok(CachedFunction { handle: self.clone(), path, called, control })
    }
}

/// A function as a name leads to it.
struct FoundFunction {
    path: String,
    /// The paths by which its keys are listed.
    called: Vec<String>,
    control: Arc<FunctionControl>,
}

/// Returns the cached function of this name, or a sentence about the lack of one. Methods that share their controls are one.
fn find(controls: &mut FunctionControls, name: &str) -> Result<FoundFunction, String> {
    let wanted = bare(&shown(name));
    let known = known(controls);
    let matching = matching(&known, &wanted);
    let Some((path, _)) = matching.first() else { return Err(no_function(name, &wanted, known.keys())) };
    let called: Vec<_> = matching.iter().flat_map(|(_, function)| &function.called).collect();
    let uncalled = matching.iter().filter(|(_, function)| function.called.is_empty()).count();
    let of_called = |path: &String, control: &Arc<FunctionControl>, called| FoundFunction {
        path: path.clone(),
        called,
        control: control.clone(),
    };
    match &called[..] {
        [] if uncalled == 1 => {
            let control = controls.declared(path);
            return Ok(FoundFunction { path: (*path).clone(), called: vec![(*path).clone()], control });
        }
        [(path, control)] if uncalled == 0 => return Ok(of_called(path, control, vec![path.clone()])),
        [(_, control), others @ ..] if uncalled == 0 && others.iter().all(|(_, other)| Arc::ptr_eq(other, control)) => {
            return Ok(of_called(path, control, called.iter().map(|(path, _)| path.clone()).collect()));
        }
        _ => {}
    }
    // A free function beside methods of its name.
    if let Some((path, control)) = called.iter().find(|(path, _)| *path == wanted) {
        return Ok(of_called(path, control, vec![path.clone()]));
    }
    let uncalled = matching.iter().filter(|(_, function)| function.called.is_empty()).map(|(path, _)| *path);
    Err(several(name, called.iter().map(|(path, _)| path).chain(uncalled)))
}

/// The functions that a name in the settings leads to.
#[cfg(feature = "settings")]
pub(crate) struct NamedFunctions {
    /// The path that settings show.
    pub(crate) path: String,
    /// True if the path is one by which the registry knows all of them, those too that were not called yet.
    pub(crate) is_declaration: bool,
    pub(crate) controls: Vec<Arc<FunctionControl>>,
}

/// Returns the cached functions that a name in the settings leads to, or a sentence about the lack of one. A name that is one before the
/// first call of a method leads to the same methods afterwards.
#[cfg(feature = "settings")]
pub(crate) fn find_all(controls: &mut FunctionControls, name: &str) -> Result<NamedFunctions, String> {
    let wanted = bare(&shown(name));
    let known = known(controls);
    let matching = matching(&known, &wanted);
    let declared = |path: &String, function: &KnownFunction, controls: &mut FunctionControls| {
        let mut all = vec![controls.declared(path)];
        for (_, control) in &function.called {
            if all.iter().all(|known| !Arc::ptr_eq(known, control)) {
                all.push(control.clone());
            }
        }
        NamedFunctions { path: path.clone(), is_declaration: true, controls: all }
    };
    match &matching[..] {
        [] => return Err(no_function(name, &wanted, known.keys())),
        [(path, function)] if function.is_declaration => return Ok(declared(path, function, controls)),
        _ => {}
    }
    let called: Vec<_> = matching.iter().flat_map(|(_, function)| &function.called).collect();
    let is_declaration = matching.iter().any(|(_, function)| function.is_declaration);
    match &called[..] {
        [(path, control), others @ ..]
            if !is_declaration && others.iter().all(|(_, other)| Arc::ptr_eq(other, control)) =>
        {
            // Methods whose controls are those of their declaration are set together, so they are shown by it.
            let declaration = known.iter().find(|(of, function)| {
                function.is_declaration
                    && function.called.iter().any(|(called, _)| called == path)
                    && function.called.iter().all(|(_, other)| Arc::ptr_eq(other, control))
                    && Arc::ptr_eq(&controls.declared(of), control)
            });
            Ok(match declaration {
                Some((path, function)) => declared(path, function, controls),
                None => NamedFunctions { path: path.clone(), is_declaration: false, controls: vec![control.clone()] },
            })
        }
        _ => Err(several(name, matching.iter().map(|(path, _)| *path))),
    }
}

/// The functions that a path stands for.
#[derive(Default)]
struct KnownFunction {
    /// True if the registry has the path: that of a function, or that of all methods of one name in a module, whose types it does not see.
    is_declaration: bool,
    /// The functions that were called, by the paths of their calls.
    called: Vec<(String, Arc<FunctionControl>)>,
}

type KnownFunctions = BTreeMap<String, KnownFunction>;

/// Returns all functions, by path. A method that was called has two paths: that of its declaration, and one with its type.
fn known(controls: &FunctionControls) -> KnownFunctions {
    let mut known = KnownFunctions::new();
    #[cfg(feature = "registry")]
    for function in crate::registry::annotated().into_iter().filter(|function| function.role.stores()) {
        let path = shown(&format!("{}::{}", function.module, function.name));
        known.insert(path, KnownFunction { is_declaration: true, called: Vec::new() });
    }
    let mut called: Vec<_> = controls.called().collect();
    called.sort_unstable_by_key(|(path, _)| *path);
    for (path, function) in called {
        let call = (path.clone(), function.control.clone());
        for declaration in &function.declarations {
            if let Some(known) = known.get_mut(declaration).filter(|known| known.is_declaration) {
                known.called.push(call.clone());
            }
        }
        if !function.declarations.contains(path) || !known.contains_key(path) {
            known.entry(path.clone()).or_default().called.push(call);
        }
    }
    known
}

/// Returns the functions whose path is this name, or else all whose paths end with it; methods that a declaration among them stands for
/// are left out.
fn matching<'a>(known: &'a KnownFunctions, wanted: &str) -> Vec<(&'a String, &'a KnownFunction)> {
    if let Some(exact) = known.get_key_value(wanted) {
        return vec![exact];
    }
    let all: Vec<_> = known.iter().filter(|(path, _)| has_name(path, wanted)).collect();
    let is_declared = |path: &str| {
        let mut declarations = all.iter().filter(|(_, function)| function.is_declaration);
        declarations.any(|(_, function)| function.called.iter().any(|(called, _)| called.as_str() == path))
    };
    all.iter().filter(|(path, function)| function.is_declaration || !is_declared(path.as_str())).copied().collect()
}

fn several<'a>(name: &str, paths: impl Iterator<Item = &'a String>) -> String {
    let paths: BTreeSet<_> = paths.collect();
    format!("`{name}` is the name of several cached functions: write one of {}", list(paths))
}

/// Returns whether a path is this name, as it was given, or ends with it.
#[cfg(feature = "settings")]
pub(crate) fn has_name_of(path: &str, name: &str) -> bool {
    has_name(path, &bare(&shown(name)))
}

/// Returns whether a path is this name, or ends with it.
fn has_name(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn no_function<'a>(name: &str, wanted: &str, known: impl Iterator<Item = &'a String>) -> String {
    let mut nearest: Vec<_> = known.collect();
    nearest.sort_by_cached_key(|path| {
        let name = path.rsplit('.').next().unwrap_or(path);
        distance(wanted, path).min(distance(wanted, name))
    });
    nearest.truncate(LISTED);
    let unknown = if cfg!(feature = "registry") {
        ""
    } else {
        " (a function is known from its first call on, or at once with the feature `registry`)"
    };
    if nearest.is_empty() {
        return format!("no cached function is called `{name}`: none is known{unknown}");
    }
    format!("no cached function is called `{name}`: the nearest are {}{unknown}", list(nearest))
}

fn list<'a>(paths: impl IntoIterator<Item = &'a String>) -> String {
    paths.into_iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle() -> Fastness {
        let fast = Fastness::builder().build().unwrap();
        for path in ["shop.users.Users.get", "shop.orders.get", "shop.orders.get_many", "other.orders.get_many"] {
            drop(fast.switches(path, path));
        }
        fast
    }

    #[test]
    fn a_name_is_the_end_of_a_path() {
        let fast = handle();
        for (name, path) in [
            ("users::Users::get", "shop.users.Users.get"),
            ("Users.get", "shop.users.Users.get"),
            ("shop::users::Users<u8>::get", "shop.users.Users.get"),
            ("orders.get", "shop.orders.get"),
            ("shop.orders.get_many", "shop.orders.get_many"),
        ] {
            assert_eq!(fast.function(name).unwrap().name(), path);
        }
    }

    #[test]
    fn a_name_of_no_function_or_of_several_is_an_error_that_lists_them() {
        let fast = handle();
        let error = |name| fast.function(name).unwrap_err().to_string();
        assert!(
            error("get_manny").contains("`get_manny`: the nearest are `other.orders.get_many`, `shop.orders.get_many`")
        );
        assert!(error("et").contains("the nearest are"), "the end of a segment is no name");
        assert_eq!(
            error("get_many"),
            "`get_many` is the name of several cached functions: write one of `other.orders.get_many`, `shop.orders.get_many`"
        );
        assert!(fast.function("get").unwrap_err().is_unknown_function());
    }

    #[test]
    fn a_full_path_is_that_of_one_function_though_another_ends_with_it() {
        let fast = handle();
        drop(fast.switches("app.shop.orders.get_many", "app.shop.orders.get_many"));
        assert_eq!(fast.function("shop::orders::get_many").unwrap().name(), "shop.orders.get_many");
        assert!(fast.function("orders.get_many").unwrap_err().to_string().contains("`app.shop.orders.get_many`"));
    }

    #[test]
    fn methods_that_share_their_switch_are_one_name() {
        let fast = handle();
        fast.controls().declared("app.find").switch.set_off(true);
        let of_types = ["app.Repo.find", "app.Users.find"].map(|path| fast.switches(path, "app.find"));
        fast.function("find").unwrap().set_enabled(true);
        assert!(of_types.iter().all(|switches| !switches.is_off()));
        drop(fast.switches("app.Other.seek", "app.seek"));
        drop(fast.switches("app.Users.seek", "app.seek"));
        let error = fast.function("seek").unwrap_err().to_string();
        assert!(error.ends_with("write one of `app.Other.seek`, `app.Users.seek`"), "{error}");
    }

    #[test]
    fn a_method_that_was_turned_off_before_its_first_call_is_one_function() {
        let fast = handle();
        fast.controls().declared("app.find").switch.set_off(true);
        assert!(fast.switches("app.Repo.find", "app.find").is_off());
        let find = fast.function("find").unwrap();
        assert_eq!((find.name(), find.is_enabled()), ("app.Repo.find", false));
        find.set_enabled(true);
        assert!(!fast.switches("app.Repo.find", "app.find").is_off());
    }
}
