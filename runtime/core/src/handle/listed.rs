//! The stores of each function, by which its keys are listed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::l1::KeyList;
use crate::sync::{Mutex, lock};

/// The stores of functions, by the paths of the functions. A store is known by its address.
#[derive(Default)]
pub(super) struct ListedStores(Mutex<HashMap<String, Vec<ListedStore>>>);

type ListedStore = (usize, Arc<dyn KeyList>);

impl ListedStores {
    /// Adds a store, with its address, to those of the function with this path, unless it is there.
    pub(super) fn add(&self, path: &str, id: usize, keys: Arc<dyn KeyList>) {
        let mut functions = lock(&self.0);
        let stores = functions.entry(path.to_owned()).or_default();
        if stores.iter().all(|(known, _)| *known != id) {
            stores.push((id, keys));
        }
    }

    /// Returns the stores of the functions with these paths, each store once.
    pub(super) fn named(&self, paths: &[String]) -> Vec<Arc<dyn KeyList>> {
        let functions = lock(&self.0);
        let mut stores: Vec<&ListedStore> = Vec::new();
        for store in paths.iter().filter_map(|path| functions.get(path)).flatten() {
            if stores.iter().all(|(known, _)| *known != store.0) {
                stores.push(store);
            }
        }
        stores.into_iter().map(|(_, keys)| keys.clone()).collect()
    }
}
