//! Methods whose key leaves `self` out, on types without a namespace.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{cache_put, cacheable};

struct Storage;

impl Storage {
    #[cacheable(ttl = 300, key = "crate:{name}")]
    fn read(&self, name: &str) -> usize { name.len() }

    #[cacheable(ttl = 300, key = "counted:{name}")]
    async fn counted(self: Arc<Self>, name: &str) -> usize { name.len() }

    #[cacheable(ttl = 300, key = "crate:{names}", batch(names))]
    fn read_many(&self, names: &[String]) -> HashMap<String, usize> { names.iter().map(|name| (name.clone(), 1)).collect() }

    #[cache_put(ttl = 300, key = "crate:{name}")]
    fn write(&mut self, name: &str) -> usize { name.len() }

    #[cacheable(ttl = 300)]
    fn without_a_key(&self, name: &str) -> usize { name.len() }

    #[cacheable(ttl = 300, key = "skipped:{name}", skip(self))]
    fn skipped(&self, name: &str) -> usize { name.len() }
}

struct Generic<T>(T);

impl<T: Send + Sync + 'static> Generic<T> {
    #[cacheable(ttl = 300, key = "generic:{name}")]
    fn read(&self, name: &str) -> usize { name.len() }
}

trait Provided {
    #[cacheable(ttl = 300, key = "provided:{name}")]
    fn read(&self, name: &str) -> usize { name.len() }
}

fn main() {}
