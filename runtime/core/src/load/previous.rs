//! The value that a load replaces, on its way to the body.

use std::any::Any;
use std::sync::Arc;

use crate::shape::Shape;
use crate::sync::{Mutex, lock};

/// A place into which a load puts the value that it replaces, and from which its body takes it. It is type-erased, because the type of a
/// handle's call is hidden.
#[derive(Clone, Debug, Default)]
pub struct Previous(Option<Arc<Place>>);

type Place = Mutex<Option<Box<dyn Any + Send>>>;

impl Previous {
    /// Creates an empty place.
    pub(super) fn open() -> Self {
        Self(Some(Arc::default()))
    }

    /// Returns whether a body may take a value from here.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Puts a value into the place.
    pub(super) fn put<V: Send + 'static>(&self, value: V) {
        if let Some(place) = &self.0 {
            *lock(place) = Some(Box::new(value));
        }
    }

    /// Takes the value. `None` if there is none to be replaced, or if the call bypasses the cache.
    pub fn take<S: Shape<Item: 'static>>(&self, _: S) -> Option<S::Item> {
        let value = lock(self.0.as_ref()?).take()?;
        value.downcast::<S::Item>().ok().map(|value| *value)
    }
}
