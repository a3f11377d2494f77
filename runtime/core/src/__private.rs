//! The items that expansions of the macros use, and the only path by which they reach the runtime. They are not public API: any of them may
//! change in any release.
//!
//! May use: everything.

pub use inventory;

pub use crate::batch::{Batch, BatchIds, BatchMap, Each, load_batch, load_batch_spawned, load_batch_sync};
pub use crate::codec::Codec;
pub use crate::codec::wire::{Wire, Wired};
pub use crate::invalidate::{
    InvalidateMeta, InvalidateSite, InvalidatedScopes, PatternKind, SitePattern as Pattern, invalidate, invalidate_sync,
};
pub use crate::key::arg::Arg;
pub use crate::key::args::{Args, DigestPart, digest, lower};
pub use crate::key::derived::{begin_fields, end_fields, write_field, write_variant};
pub use crate::key::namespace::NoNamespace;
pub use crate::key::template::{Piece, Template};
pub use crate::key::text::{OwnedText, by_debug, by_display};
pub use crate::key::{KeyPart, KeyWriter};
pub use crate::load::{Loading, Miss, Previous, end_sync, load, load_spawned, load_task};
pub use crate::log::Reach;
pub use crate::policy::{Policy, SiteFigures, TagTexts, TtlSource, stated_tags, ttl_of};
pub use crate::put::{Put, store, store_sync};
#[cfg(feature = "registry")]
pub use crate::registry::Registered;
pub use crate::resilience;
pub use crate::resilience::sites::*;
pub use crate::shape::{Shape, returns};
pub use crate::site::{
    Call, Instance, Instantiation, Receiver, Site, SiteKind, instance, instance_of_function, instance_of_method,
};
pub use crate::timed::{Label, Returned, TimedEntry, TimedMeta, TimedSite, call, error_if, ok_if};
pub use crate::typed::{Handle, Handled, add_handle, handle};

/// Imports of those blocks of an expansion that hold arguments but no other code of the user: the traits by which a call site asks types
/// through method calls, and short names for items of every expansion, because each token of a path takes time to compile. A glob import
/// shadows the function's parameters, so each of these names begins with `__fastness_`.
pub mod prelude {
    pub use std::option::Option::None as __fastness_None;

    pub use super::kind::ladder::*;
    pub use super::{
        Arg as __fastness_Arg, Call as __fastness_Call, NoNamespace as __fastness_NoNamespace, Site as __fastness_Site,
        Wired as __fastness_Wired, instance as __fastness_instance,
        instance_of_function as __fastness_instance_of_function, instance_of_method as __fastness_instance_of_method,
        returns as __fastness_returns,
    };
    pub use crate::codec::wire::WireRung;
    pub use crate::key::arg::{
        DisplayArg, HashedTextArg, MissingNamespaceArg, NoNamespaceArg, ReferencedArg, TextArg, UnfitArg,
    };
    pub use crate::key::template::Piece::{
        Arg as __fastness_Placeholder, Lit as __fastness_Lit, Path as __fastness_Path,
    };
    pub use crate::shape::ladder::*;
    pub use crate::site::SiteKind::{
        Batch as __fastness_Batch, Cacheable as __fastness_Cacheable, Put as __fastness_Put,
    };
    pub use crate::timed::{ReturnedResult, ReturnedValue};
}

#[cfg(feature = "redis")]
pub mod fuzz;

mod kind;
pub use kind::{probe_of, probe_of_future, probe_of_value};

use std::time::Duration;

/// Registers a static, if the build has a registry.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($kind:ident $site:ident) => {
        $crate::__private::inventory::submit! { $crate::__private::Registered::$kind(&$site) }
    };
}

#[cfg(not(feature = "registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($kind:ident $site:ident) => {};
}

pub use crate::__register as register;

/// Registers the name of a policy, if the build has a registry.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register_policy {
    ($kind:ident $name:expr) => {
        $crate::__private::inventory::submit! {
            $crate::__private::PolicyDeclared::new($crate::__private::resilience::PolicyKind::$kind, $name)
        }
    };
}

#[cfg(not(feature = "registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __register_policy {
    ($kind:ident $name:expr) => {};
}

pub use crate::__register_policy as register_policy;

/// The policy of a call site, which the calls of its options refine.
pub fn policy<S: Shape>(_: S, ttl: Duration) -> Policy<S> {
    Policy::new(ttl)
}

/// The policy of each element of a batch.
pub fn batch_policy<S: Shape<Item: BatchMap>>(_: S, ttl: Duration) -> Policy<Each<S>> {
    Policy::new(ttl)
}

/// The elements of a batch, to be asked for their wire form.
pub fn wired_each<S: Shape<Item: BatchMap>>(_: S) -> Wired<Each<S>, ()> {
    Wired(Each::new(), ())
}

/// Requirement of `codec = bincode` on the build.
#[diagnostic::on_unimplemented(
    message = "`codec = bincode` needs the feature `bincode` of fastness",
    label = "this build has no bincode",
    note = "add \"bincode\" to the features of fastness in Cargo.toml, or leave `codec` out"
)]
pub trait HasBincode {}

#[cfg(feature = "bincode")]
impl<S> HasBincode for S {}

/// The codec of `codec = bincode`.
pub fn bincode<S: HasBincode>(_: S) -> Codec {
    #[cfg(feature = "bincode")]
    return Codec::Bincode;
    #[cfg(not(feature = "bincode"))]
    Codec::default()
}

/// The tags of a handle.
pub fn tag_list<const N: usize>(tags: [String; N]) -> Vec<String> {
    tags.into()
}

/// The text of a tag, rendered from its template and the arguments.
pub fn tag<A: Args>(pieces: &[Piece], args: &A) -> String {
    crate::key::template::render(pieces, "", args)
}
