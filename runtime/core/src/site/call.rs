//! One call of a call site.

use std::fmt;
use std::marker::PhantomData;

use super::instance::Instance;

/// The facts about a call of an annotated function before its body runs. The expansion makes it once, and passes it to
/// [`Site::hit`](crate::site::Site::hit) and to the functions of a miss. It has the size of two pointers, so it is passed in registers:
/// with the handle of `on = ..` as a third it would be passed in memory, so that handle is an argument of its own.
pub struct Call<'a, A, S> {
    /// The instantiation of the function that is called.
    pub(crate) instance: Instance,
    /// The arguments in the key, each borrowed.
    pub(crate) args: &'a A,
    /// The meaning of the function's return type, which is a type alone.
    shape: PhantomData<fn() -> S>,
}

impl<'a, A, S> Call<'a, A, S> {
    /// Gathers what identifies a call.
    #[inline]
    pub fn new(instance: Instance, _: S, args: &'a A) -> Self {
        Self { instance, args, shape: PhantomData }
    }
}

impl<A, S> Clone for Call<'_, A, S> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, S> Copy for Call<'_, A, S> {}

impl<A, S> fmt::Debug for Call<'_, A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("instance", &self.instance).finish_non_exhaustive()
    }
}
