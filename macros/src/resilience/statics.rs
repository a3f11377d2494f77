//! The static of a policy, and the policy that a call uses: the static itself, or one that shares its state and has the settings of the
//! call.
//!
//! May use: emit, options, subject.

use proc_macro2::{Ident, Span, TokenStream};

use crate::{emit::code, subject::Door};

/// A policy of an expansion.
pub(super) struct PolicyStatic {
    /// The statements that declare it.
    pub(super) statements: TokenStream,
    /// True if each call evaluates the settings, and has the policy in a variable.
    varies: bool,
}

/// The type of a policy and its constructor, without the settings.
pub(super) struct Make<'a> {
    pub(super) ty: &'a TokenStream,
    pub(super) name: &'a TokenStream,
    /// Calls behind the constructor.
    pub(super) then: Option<TokenStream>,
    /// The variant of `PolicyKind`.
    pub(super) kind: &'static str,
    pub(super) door: &'a Door,
}

/// The registration of a policy's name, by which settings find it before its first call.
pub(super) fn registered(kind: &str, name: &TokenStream, door: &Door) -> TokenStream {
    let kind = Ident::new(kind, Span::mixed_site());
    code!(#door::register_policy!(#kind #name);)
}

impl Make<'_> {
    /// A static with these settings; its first call makes it if they hold an expression.
    pub(super) fn once(&self, settings: &TokenStream, is_evaluated: bool) -> PolicyStatic {
        let Self { ty, name, then, kind, door } = self;
        let registered = registered(kind, name, door);
        let policy = code!(#ty::new(#name, #settings) #then);
        let statements = if is_evaluated {
            code!(static __POLICY: ::std::sync::LazyLock<#ty> = ::std::sync::LazyLock::new(|| { #policy }); #registered)
        } else {
            code!(static __POLICY: #ty = #policy; #registered)
        };
        PolicyStatic { statements, varies: false }
    }

    /// A static, and the policy with these settings, which each call evaluates. The static's own settings are `first`.
    pub(super) fn each_call(&self, settings: &TokenStream, first: &TokenStream, is_evaluated: bool) -> PolicyStatic {
        let PolicyStatic { statements, .. } = self.once(first, is_evaluated);
        PolicyStatic { statements: code!(#statements let __policy = __POLICY.with_settings(#settings);), varies: true }
    }
}

impl PolicyStatic {
    /// The policy, to call a method of it.
    pub(super) fn place(&self) -> Ident {
        Ident::new(if self.varies { "__policy" } else { "__POLICY" }, Span::mixed_site())
    }

    /// The policy for a future that outlives the function: the variable itself, or a reference to the static.
    pub(super) fn passed(&self) -> TokenStream {
        let place = self.place();
        if self.varies { code!(#place) } else { code!(&#place) }
    }

    /// The future of a call of the policy, which borrows it: `call` is the call.
    pub(super) fn owned(&self, call: &TokenStream) -> TokenStream {
        if self.varies { code!(async move { #call.await }) } else { call.clone() }
    }
}
