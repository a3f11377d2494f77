//! What leads a key: the scope of the receiver's type, if it has one.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::hash::Hasher;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::part::KeyPart;
use super::writer::KeyWriter;

/// What leads every key of a type: a tenant, a region, an account.
///
/// Two services of one type but of different tenants must not share entries. Implement this for the type, and the scope
/// leads the key of each of its cached methods and of each pattern that its methods invalidate.
///
/// ```
/// use fastness::KeyScope;
///
/// struct Orders { tenant: String }
///
/// impl KeyScope for Orders {
///     type Scope<'a> = &'a str;
///     fn key_scope(&self) -> &str { &self.tenant }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`self` is not in the key, so all values of `{Self}` would share one entry: write `skip(self)`, \
               name a field of it in `key`, as `{{self.tenant}}`, or implement `KeyScope` for `{Self}`",
    label = "neither in the key nor skipped",
    note = "`skip(self)` says that all values of the type give the same result"
)]
pub trait KeyScope {
    /// The scope's type, often `&'a str` or an id.
    type Scope<'a>: KeyPart
    where
        Self: 'a;

    /// The scope of this value.
    fn key_scope(&self) -> Self::Scope<'_>;
}

macro_rules! scope_of_target {
    ($($pointer:ty),*) => {$(
        impl<T: KeyScope + ?Sized> KeyScope for $pointer {
            type Scope<'a>
                = T::Scope<'a>
            where
                Self: 'a;

            fn key_scope(&self) -> Self::Scope<'_> {
                (**self).key_scope()
            }
        }
    )*};
}

scope_of_target!(&T, Arc<T>, Box<T>, Rc<T>, Pin<&T>, Pin<Arc<T>>, Pin<Box<T>>);

/// No scope leads the key.
#[derive(Clone, Copy, Debug)]
pub struct NoScope;

/// This scope leads the key.
#[derive(Clone, Copy, Debug)]
pub struct InScope<P>(pub(super) P);

/// The leading element of an argument tuple.
pub trait Lead {
    const SCOPED: bool;
    type Owned: Clone + Eq + Send + Sync + 'static;
    fn feed<H: Hasher>(&self, state: &mut H);
    fn same(&self, owned: &Self::Owned) -> bool;
    fn to_owned_part(&self) -> Self::Owned;
    fn write(&self, out: &mut KeyWriter);
    /// [`write`](Self::write) of the form kept in the cache.
    fn write_owned(owned: &Self::Owned, out: &mut KeyWriter);
}

impl Lead for NoScope {
    const SCOPED: bool = false;
    type Owned = ();
    #[inline]
    fn feed<H: Hasher>(&self, _: &mut H) {}
    #[inline]
    fn same(&self, (): &()) -> bool {
        true
    }
    fn to_owned_part(&self) {}
    fn write(&self, _: &mut KeyWriter) {}
    fn write_owned((): &(), _: &mut KeyWriter) {}
}

impl<P: KeyPart> Lead for InScope<P> {
    const SCOPED: bool = true;
    type Owned = P::Owned;
    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.feed(state);
    }
    #[inline]
    fn same(&self, owned: &P::Owned) -> bool {
        self.0.same(owned)
    }
    fn to_owned_part(&self) -> P::Owned {
        self.0.to_owned_part()
    }
    fn write(&self, out: &mut KeyWriter) {
        write_scope(&self.0, out);
    }
    fn write_owned(owned: &P::Owned, out: &mut KeyWriter) {
        write_scope(owned, out);
    }
}

fn write_scope(scope: &impl KeyPart, out: &mut KeyWriter) {
    // No template starts with `@`, so a scope cannot pose as the literal that starts another key.
    out.raw("@");
    scope.write(out);
    out.raw(":");
}
