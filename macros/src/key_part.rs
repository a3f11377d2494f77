//! `#[derive(KeyPart)]`: a struct or an enum as a part of a key, field by field.
//!
//! A struct with one field is written as this field, and has its owned form. Other types have an owned form of their own: an enum that is
//! generic over the owned forms of all fields, so that it needs neither the type's parameters nor its lifetimes.
//!
//! May use: diag, options, signature, subject.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Fields, GenericParam, Generics, Member, Type, WherePredicate, spanned::Spanned,
};

use crate::{diag::Diag, options::Options, signature::mentions, subject::Door};

const NO_UNION: &str = "a union does not know which of its fields it has: derive `KeyPart` on a struct or an enum";
const NO_VARIANTS: &str = "an enum without variants has no value: add a variant";
const NO_FIELDS: &str =
    "all values of this struct are the same in a key: leave the parameter out with `skip(..)`, or keep a field";

/// Expands `#[derive(KeyPart)] item`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let expansion = syn::parse2(item).map(|input| Model::check(&input, &mut diag).map(|model| model.expand(&input)));
    let expansion = expansion.map_err(|error| diag.add(error)).ok().flatten();
    diag.into_errors().unwrap_or_else(|| expansion.unwrap_or_default())
}

/// A checked type.
struct Model {
    door: Door,
    /// The variants of an enum, or a struct as the only one.
    variants: Vec<Variant>,
}

struct Variant {
    /// `None` for a struct.
    name: Option<Ident>,
    /// The fields in the key.
    fields: Vec<PartField>,
}

struct PartField {
    member: Member,
    ty: Type,
    form: FieldForm,
    /// The name of the type parameter for its owned form.
    owned: Ident,
}

/// The form of a field in the key, as the formatters of a placeholder.
#[derive(Clone, Copy)]
enum FieldForm {
    Plain,
    Display,
    Debug,
    Lower,
    Hash,
}

/// The words of `#[key(..)]` on a field.
const FORMS: [(&str, FieldForm); 4] = [
    ("display", FieldForm::Display),
    ("debug", FieldForm::Debug),
    ("lower", FieldForm::Lower),
    ("hash", FieldForm::Hash),
];

impl Model {
    fn check(input: &DeriveInput, diag: &mut Diag) -> Option<Self> {
        let options = options(&input.attrs, diag);
        for (word, _) in FORMS {
            options.refuse(word, "this stands on a field: write it there", diag);
        }
        options.refuse("skip", "this stands on a field: write it there", diag);
        let mut count = 0;
        let variants: Vec<Variant> = match &input.data {
            Data::Struct(data) => vec![Variant { name: None, fields: fields(&data.fields, &mut count, diag) }],
            Data::Enum(data) => data
                .variants
                .iter()
                .map(|variant| Variant {
                    name: Some(variant.ident.clone()),
                    fields: fields(&variant.fields, &mut count, diag),
                })
                .collect(),
            Data::Union(_) => {
                diag.at(&input.ident, NO_UNION);
                return None;
            }
        };
        match &variants[..] {
            [] => diag.at(&input.ident, NO_VARIANTS),
            [Variant { name: None, fields }] if fields.is_empty() => diag.at(&input.ident, NO_FIELDS),
            _ => {}
        }
        Some(Self { door: Door::new(&options), variants })
    }

    fn expand(&self, input: &DeriveInput) -> TokenStream {
        match &self.variants[..] {
            [Variant { name: None, fields }] if fields.len() == 1 => self.transparent(&fields[0], input),
            _ => self.composed(input),
        }
    }

    /// A struct with one field, which is that field.
    fn transparent(&self, field: &PartField, input: &DeriveInput) -> TokenStream {
        let door = &self.door;
        let (member, owned) = (&field.member, self.owned_type(field));
        let (associated, part) = (associated(), self.part(field, &quote!(&self.#member)));
        let nullable = matches!(field.form, FieldForm::Plain).then(|| {
            let ty = &field.ty;
            quote!(const NULLABLE: bool = <#ty as #door::KeyPart>::NULLABLE;)
        });
        self.implementation(
            input,
            &quote! {
                type #associated = #owned;
                #nullable
                #[inline]
                fn feed<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                    #door::KeyPart::feed(#part, __state);
                }
                #[inline]
                fn same(&self, __owned: &Self::Owned) -> bool {
                    #door::KeyPart::same(#part, __owned)
                }
                fn to_owned_part(&self) -> Self::Owned {
                    #door::KeyPart::to_owned_part(#part)
                }
                fn write(&self, __out: &mut #door::KeyWriter) {
                    #door::KeyPart::write(#part, __out);
                }
            },
        )
    }

    /// A type with an owned form of its own.
    fn composed(&self, input: &DeriveInput) -> TokenStream {
        let door = &self.door;
        let associated = associated();
        let owned: Vec<_> = self.fields().map(|field| &field.owned).collect();
        let types: Vec<_> = self.fields().map(|field| self.owned_type(field)).collect();
        let variants = self.variants.iter().map(|variant| {
            let (name, fields) = (variant.owned_name(), variant.fields.iter().map(|field| &field.owned));
            quote!(#name(#(#fields),*))
        });
        let this = self.methods(Variant::pattern, |field, name| self.part(field, &quote!(#name)));
        let stored = self.methods(
            |variant| {
                let (name, fields) = (variant.owned_name(), variant.names());
                quote!(Self::#name(#(#fields),*))
            },
            |_, name| quote!(#name),
        );
        let implementation = self.implementation(input, &quote!(type #associated = __OwnedKeyPart<#(#types),*>; #this));
        quote! {
            const _: () = {
                #[automatically_derived]
                #[derive(::core::clone::Clone, ::core::cmp::PartialEq, ::core::cmp::Eq)]
                pub enum __OwnedKeyPart<#(#owned),*> {
                    #(#variants),*
                }

                #implementation

                #[automatically_derived]
                impl<#(#owned),*> #door::KeyPart for __OwnedKeyPart<#(#owned),*>
                where
                    #(#owned: #door::KeyPart,)*
                {
                    type #associated = __OwnedKeyPart<#(<#owned as #door::KeyPart>::Owned),*>;
                    #stored
                }
            };
        }
    }

    /// The methods of a type with variants, of which `pattern` matches one and `part` is the key part of a field under a name.
    fn methods(
        &self,
        pattern: impl Fn(&Variant) -> TokenStream,
        part: impl Fn(&PartField, &Ident) -> TokenStream,
    ) -> TokenStream {
        let door = &self.door;
        let parts = |variant: &Variant| -> Vec<TokenStream> {
            variant.fields.iter().zip(variant.names()).map(|(field, name)| part(field, &name)).collect()
        };
        let arms = |arm: &dyn Fn(usize, &Variant, &[TokenStream]) -> TokenStream| -> TokenStream {
            let arm = |(index, variant): (usize, &Variant)| {
                let (pattern, arm) = (pattern(variant), arm(index, variant, &parts(variant)));
                quote!(#pattern => { #arm })
            };
            self.variants.iter().enumerate().map(arm).collect()
        };
        let feed = arms(&|index, variant, parts| {
            let index = variant.name.as_ref().map(|_| quote!(::core::hash::Hasher::write_usize(__state, #index);));
            quote!(#index #(#door::KeyPart::feed(#parts, __state);)*)
        });
        let same = self.variants.iter().map(|variant| {
            let (pattern, name, parts) = (pattern(variant), variant.owned_name(), parts(variant));
            let others: Vec<_> = variant.names().map(|name| format_ident!("{name}_owned")).collect();
            let same = quote!(true #(&& #door::KeyPart::same(#parts, #others))*);
            quote!((#pattern, __OwnedKeyPart::#name(#(#others),*)) => #same,)
        });
        let same = quote!(#(#same)*);
        let otherwise = (self.variants.len() > 1).then(|| quote!(_ => false,));
        let to_owned = arms(&|_, variant, parts| {
            let name = variant.owned_name();
            quote!(__OwnedKeyPart::#name(#(#door::KeyPart::to_owned_part(#parts)),*))
        });
        let write = arms(&|_, variant, parts| {
            let text = variant.name.as_ref().map(|name| syn::ext::IdentExt::unraw(name).to_string());
            let name = match &text {
                Some(name) if parts.is_empty() => return quote!(#door::write_variant(#name, __out);),
                Some(name) => quote!(::core::option::Option::Some(#name)),
                None => quote!(::core::option::Option::None),
            };
            let fields = quote!(#(#door::write_field(#parts, __out);)*);
            quote!(#door::begin_fields(#name, __out); #fields #door::end_fields(__out);)
        });
        quote! {
            fn feed<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                match self { #feed }
            }
            fn same(&self, __owned: &Self::Owned) -> bool {
                match (self, __owned) { #same #otherwise }
            }
            fn to_owned_part(&self) -> Self::Owned {
                match self { #to_owned }
            }
            fn write(&self, __out: &mut #door::KeyWriter) {
                match self { #write }
            }
        }
    }

    fn implementation(&self, input: &DeriveInput, items: &TokenStream) -> TokenStream {
        let (door, name, generics) = (&self.door, &input.ident, self.bounded(&input.generics));
        let (generics, arguments, clause) = generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #generics #door::KeyPart for #name #arguments #clause { #items }
        }
    }

    /// The generics with the bounds that the fields need, where their types name a type parameter.
    fn bounded(&self, generics: &Generics) -> Generics {
        let door = &self.door;
        let parameters: Vec<String> = generics.type_params().map(|param| param.ident.to_string()).collect();
        let is_generic = |ty: &Type| parameters.iter().any(|name| mentions(ty.to_token_stream(), name));
        let bound = |field: &PartField| -> Option<WherePredicate> {
            let ty = &field.ty;
            Some(match field.form {
                FieldForm::Plain => syn::parse_quote!(#ty: #door::KeyPart),
                FieldForm::Display => syn::parse_quote!(#ty: ::core::fmt::Display),
                FieldForm::Debug => syn::parse_quote!(#ty: ::core::fmt::Debug),
                FieldForm::Lower => syn::parse_quote!(#ty: ::core::convert::AsRef<str>),
                FieldForm::Hash => return None,
            })
        };
        let bounds: Vec<_> = self.fields().filter(|field| is_generic(&field.ty)).filter_map(bound).collect();
        let mut generics = generics.clone();
        for param in &mut generics.params {
            if let GenericParam::Type(param) = param {
                param.default = None;
            }
        }
        if !bounds.is_empty() {
            generics.make_where_clause().predicates.extend(bounds);
        }
        generics
    }

    fn fields(&self) -> impl Iterator<Item = &PartField> {
        self.variants.iter().flat_map(|variant| &variant.fields)
    }

    /// The key part of a field, behind a reference.
    fn part(&self, field: &PartField, value: &TokenStream) -> TokenStream {
        let door = &self.door;
        // The compiler reports a type that cannot be in a key at the field.
        let span = Span::mixed_site().located_at(field.ty.span());
        match field.form {
            FieldForm::Plain => quote_spanned!(span=> #value),
            FieldForm::Display => quote_spanned!(span=> &#door::by_display(#value)),
            FieldForm::Debug => quote_spanned!(span=> &#door::by_debug(#value)),
            FieldForm::Lower => quote_spanned!(span=> &#door::lower(#value)),
            FieldForm::Hash => quote_spanned!(span=> &#door::digest(#value)),
        }
    }

    fn owned_type(&self, field: &PartField) -> TokenStream {
        let (door, ty) = (&self.door, &field.ty);
        let span = Span::mixed_site().located_at(ty.span());
        match field.form {
            FieldForm::Plain => quote_spanned!(span=> <#ty as #door::KeyPart>::Owned),
            FieldForm::Display | FieldForm::Debug => quote!(#door::OwnedText),
            FieldForm::Lower => quote!(<str as #door::KeyPart>::Owned),
            FieldForm::Hash => quote!(#door::DigestPart),
        }
    }
}

impl Variant {
    /// The name of the variant in the owned form.
    fn owned_name(&self) -> Ident {
        self.name.clone().unwrap_or_else(|| format_ident!("Fields"))
    }

    /// The names under which a pattern binds the fields.
    fn names(&self) -> impl Iterator<Item = Ident> {
        (0..self.fields.len()).map(|index| format_ident!("__field_{index}"))
    }

    fn pattern(&self) -> TokenStream {
        let fields =
            self.fields.iter().zip(self.names()).map(|(PartField { member, .. }, name)| quote!(#member: #name,));
        let path = self.name.as_ref().map(|name| quote!(::#name));
        quote!(Self #path { #(#fields)* .. })
    }
}

/// The name of the type of a part's owned form.
fn associated() -> Ident {
    format_ident!("Owned")
}

/// The fields that are in the key; `count` numbers those of all variants.
fn fields(fields: &Fields, count: &mut usize, diag: &mut Diag) -> Vec<PartField> {
    let mut in_key = Vec::new();
    for (field, member) in fields.iter().zip(fields.members()) {
        let options = options(&field.attrs, diag);
        options.refuse("crate", "`crate` stands on the type: write it there", diag);
        let skipped = options.is_given("skip");
        let mut forms = FORMS.iter().filter(|(word, _)| options.is_given(word));
        let form = forms.next();
        let second = forms.next().map(|(word, _)| *word).or(form.filter(|_| skipped).map(|_| "skip"));
        if let Some(second) = second {
            options.refuse(second, "a field has one form in the key: keep one of the two", diag);
        }
        if !skipped {
            let owned = format_ident!("__Field{count}");
            *count += 1;
            let form = form.map_or(FieldForm::Plain, |(_, form)| *form);
            in_key.push(PartField { member, ty: field.ty.clone(), form, owned });
        }
    }
    in_key
}

/// The options in the `#[key(..)]`s of an item or a field.
fn options(attrs: &[Attribute], diag: &mut Diag) -> Options {
    let mut options = Options::new("key");
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("key")) {
        match attr.meta.require_list() {
            Ok(list) => options.add(list.tokens.clone(), diag),
            Err(error) => diag.add(error),
        }
    }
    options
}

#[cfg(test)]
mod tests;
