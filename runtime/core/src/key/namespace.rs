//! The namespace of a key, which comes first in it if the receiver's type has one.

use std::hash::Hasher;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::part::KeyPart;
use super::writer::KeyWriter;

/// A namespace that leads every key of a type's methods: a tenant, a region, an account.
///
/// Two services of one type but of different tenants must not share entries. Implement this for the type, and the namespace
/// leads the key of each of its cached methods and of each pattern that its methods invalidate.
///
/// ```
/// use fastness::key::KeyNamespace;
///
/// struct Orders { tenant: String }
///
/// impl KeyNamespace for Orders {
///     type Namespace<'a> = &'a str;
///     fn key_namespace(&self) -> &str { &self.tenant }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`self` is not in the key, so all values of `{Self}` would share one entry: write `skip(self)`, \
               name a field of it in `key`, as `{{self.tenant}}`, or implement `KeyNamespace` for `{Self}`",
    label = "neither in the key nor skipped",
    note = "`skip(self)` says that all values of the type give the same result"
)]
pub trait KeyNamespace {
    /// The namespace's type, often `&'a str` or an id.
    type Namespace<'a>: KeyPart
    where
        Self: 'a;

    /// Returns the namespace of this value.
    fn key_namespace(&self) -> Self::Namespace<'_>;
}

macro_rules! namespace_of_target {
    ($($pointer:ty),*) => {$(
        impl<T: KeyNamespace + ?Sized> KeyNamespace for $pointer {
            type Namespace<'a>
                = T::Namespace<'a>
            where
                Self: 'a;

            fn key_namespace(&self) -> Self::Namespace<'_> {
                (**self).key_namespace()
            }
        }
    )*};
}

namespace_of_target!(&T, Arc<T>, Box<T>, Rc<T>, Pin<&T>, Pin<Arc<T>>, Pin<Box<T>>);

/// The empty namespace, which adds nothing to the key.
#[derive(Clone, Copy, Debug)]
pub struct NoNamespace;

/// A namespace that leads the key.
#[derive(Clone, Copy, Debug)]
pub struct InNamespace<P>(pub(super) P);

/// The first element of an argument tuple.
pub trait Namespace {
    /// True for [`InNamespace`].
    const HAS_NAMESPACE: bool;
    /// The form that is stored with an entry.
    type Owned: Clone + Eq + Send + Sync + 'static;
    /// Feeds the namespace to a hasher.
    fn feed<H: Hasher>(&self, state: &mut H);
    /// Returns whether `owned` was made of an equal namespace.
    fn same(&self, owned: &Self::Owned) -> bool;
    /// Makes the owned form.
    fn to_owned_part(&self) -> Self::Owned;
    /// Appends the namespace to a key.
    fn write(&self, out: &mut KeyWriter);
    /// Does what [`write`](Self::write) does, for the owned form.
    fn write_owned(owned: &Self::Owned, out: &mut KeyWriter);
}

impl Namespace for NoNamespace {
    const HAS_NAMESPACE: bool = false;
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

impl<P: KeyPart> Namespace for InNamespace<P> {
    const HAS_NAMESPACE: bool = true;
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
        write_namespace(&self.0, out);
    }
    fn write_owned(owned: &P::Owned, out: &mut KeyWriter) {
        write_namespace(owned, out);
    }
}

fn write_namespace(namespace: &impl KeyPart, out: &mut KeyWriter) {
    // No template starts with `@`, so a namespace cannot pose as the literal that starts another key.
    out.raw("@");
    namespace.write(out);
    out.raw(":");
}
