//! Cached functions by their names, to turn one off and on while the program runs, and to list its keys.
//!
//! May use: `error`, `handle`, `key`, `l1`, `nearest`, `registry`.

use std::collections::BTreeMap;
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
    control: Arc<FunctionControl>,
}

impl CachedFunction {
    /// Returns the path of the function, as [`SiteStats::name`](crate::SiteStats::name) has it, without the types that it is generic over.
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
        keys::list(&self.handle.keys_of(&self.path), limit, KeyOrder::Heat)
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
        keys::list(&self.handle.keys_of(&self.path), limit, KeyOrder::Bytes)
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
        let (path, control) = found.map_err(ErrorDetail::Function)?;
        Ok(CachedFunction { handle: self.clone(), path, control })
    }
}

/// Returns the path and the controls of the cached function of this name, or a sentence about the lack of one.
pub(crate) fn find(controls: &mut FunctionControls, name: &str) -> Result<(String, Arc<FunctionControl>), String> {
    let wanted = bare(&shown(name));
    let known = known(controls);
    let matching: Vec<_> = known.iter().filter(|(path, _)| has_name(path, &wanted)).collect();
    match &matching[..] {
        [] => Err(no_function(name, &wanted, known.keys())),
        [(path, control)] => {
            let control = (*control).clone().unwrap_or_else(|| controls.declared(path));
            Ok(((*path).clone(), control))
        }
        several => Err(format!(
            "`{name}` is the name of several cached functions: write one of {}",
            list(several.iter().map(|(path, _)| *path))
        )),
    }
}

type KnownFunctions = BTreeMap<String, Option<Arc<FunctionControl>>>;

/// Returns the controls of all functions, by path; those that have none yet were not called.
fn known(controls: &FunctionControls) -> KnownFunctions {
    #[allow(unused_mut)] // without a registry
    let mut known: KnownFunctions =
        controls.called().map(|(path, control)| (path.clone(), Some(control.clone()))).collect();
    #[cfg(feature = "registry")]
    for function in crate::registry::annotated().into_iter().filter(|function| function.role.stores()) {
        let module = shown(function.module);
        // A method that was called is known by its type, which the registry does not see.
        let is_known = |path: &String| {
            path.strip_prefix(&module).is_some_and(|rest| rest.starts_with('.')) && has_name(path, function.name)
        };
        if !known.keys().any(is_known) {
            known.insert(format!("{module}.{}", function.name), None);
        }
    }
    known
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
