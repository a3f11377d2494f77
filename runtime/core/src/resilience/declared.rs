//! Policies that attributes declare, known at link time: their names, before their first calls.

use super::kind::PolicyKind;

/// The kind and the name of a policy that an attribute declares.
#[derive(Debug)]
#[cfg_attr(not(feature = "settings"), allow(dead_code))]
pub struct PolicyDeclared {
    kind: PolicyKind,
    name: &'static str,
}

impl PolicyDeclared {
    /// Declares a policy of this kind and name.
    pub const fn new(kind: PolicyKind, name: &'static str) -> Self {
        Self { kind, name }
    }
}

inventory::collect!(PolicyDeclared);

/// Returns the kinds and names of all policies that attributes declare.
#[cfg(feature = "settings")]
pub(super) fn declared() -> impl Iterator<Item = (PolicyKind, &'static str)> {
    inventory::iter::<PolicyDeclared>().map(|declared| (declared.kind, declared.name))
}
