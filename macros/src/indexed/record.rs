//! The struct or the tagged enum that derives `Indexed`, and its fields with their stored names.
//!
//! May use: diag, nearest, indexed/{field, serde, variants}.

use syn::{
    Attribute, Data, DeriveInput, Fields, Generics, Ident, Type,
    ext::IdentExt,
    visit_mut::{self, VisitMut},
};

use super::{
    field::{Field, StoredAs},
    serde, variants,
};
use crate::{diag::Diag, nearest::nearest};

/// A struct with named fields, or an enum whose variants' fields stand in one document.
pub(super) struct Record {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    pub(super) attrs: Vec<Attribute>,
    pub(super) fields: Vec<Field>,
    /// The stored name of an enum's tag.
    pub(super) tag: Option<String>,
}

impl Record {
    pub(super) fn read(input: DeriveInput, diag: &mut Diag) -> Option<Self> {
        let container = serde::StructAttributes::read(&input.attrs, diag);
        let is_enum = matches!(input.data, Data::Enum(_));
        let mut fields: Vec<_> = match input.data {
            Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => {
                let case = container.rename_all;
                data.fields.into_iter().filter_map(|field| Field::read(field, case, diag)).collect()
            }
            Data::Struct(_) => {
                return refuse(&input.ident, "a struct without named fields has no paths: name the fields", diag);
            }
            Data::Enum(data) => match variants::refusal(&container) {
                Some(why) => return refuse(&input.ident, why, diag),
                None => variants::fields(data, &container, diag),
            },
            Data::Union(_) => {
                return refuse(&input.ident, "a union cannot be stored: derive `Indexed` for a struct", diag);
            }
        };
        let (ident, (_, of, _)) = (&input.ident, input.generics.split_for_impl());
        let mut spelled = Spelled(syn::parse_quote!(#ident #of));
        for field in &mut fields {
            spelled.visit_type_mut(&mut field.ty);
        }
        if fields.iter().all(|field| matches!(field.stored, StoredAs::Nowhere)) {
            let why = "no field of this struct is stored: remove `Indexed`, or serde's `skip` from a field";
            return refuse(&input.ident, why, diag);
        }
        if let Some(lifetime) = input.generics.lifetimes().next() {
            diag.at(lifetime, "a model owns its data: store a `String` instead of a `&str`");
            return None;
        }
        let tag = container.tag.filter(|_| is_enum).map(|tag| tag.value());
        Some(Self { ident: input.ident, generics: input.generics, attrs: input.attrs, fields, tag })
    }

    /// The fields that are stored.
    pub(super) fn stored(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !matches!(field.stored, StoredAs::Nowhere))
    }

    /// The stored field of this name, or an error at the name.
    pub(super) fn find(&self, name: &Ident, diag: &mut Diag) -> Option<&Field> {
        let wanted = name.unraw().to_string();
        let found = self.fields.iter().find(|field| field.name() == wanted);
        match found {
            Some(Field { stored: StoredAs::Nowhere, .. }) => {
                diag.at(
                    name,
                    format_args!(
                        "`{wanted}` is not stored, as serde skips it: name another field, or remove the `skip`"
                    ),
                );
                None
            }
            Some(field) => Some(field),
            None => {
                diag.at(name, format_args!("`{}` has no field `{wanted}`{}", self.ident, self.hint(&wanted)));
                None
            }
        }
    }

    fn hint(&self, wanted: &str) -> String {
        let stored_so = |field: &&Field| matches!(&field.stored, StoredAs::Name(name) if name == wanted);
        if let Some(field) = self.fields.iter().find(stored_so) {
            return format!(": write the field's Rust name, `{}`", field.name());
        }
        let names: Vec<_> = self.fields.iter().map(Field::name).collect();
        match nearest(wanted, names.iter().map(String::as_str)) {
            Some(near) => format!(": did you mean `{near}`?"),
            None => format!(
                ": write one of {}",
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

fn refuse<T>(ident: &Ident, why: &str, diag: &mut Diag) -> Option<T> {
    diag.at(ident, why);
    None
}

/// Replaces `Self` by the name of the struct, because the expansion repeats a field's type where `Self` is another type.
struct Spelled(Type);

impl VisitMut for Spelled {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self") => *ty = self.0.clone(),
            ty => visit_mut::visit_type_mut(self, ty),
        }
    }
}
