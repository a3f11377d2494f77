//! Signatures in one line that is short enough to review: names without their paths, and no bounds except those of `impl Trait`.

use std::collections::BTreeMap;

use rustdoc_types::{
    AssocItemConstraint, AssocItemConstraintKind, Function, FunctionSignature, GenericArg, GenericArgs, GenericBound,
    GenericParamDef, GenericParamDefKind, Generics, Id, Item, ItemEnum, MacroKind, Path, Term, Type, VariantKind,
};

use crate::check::QUALIFIED;
use crate::crates::{Crates, Definition, Package, Target};
use crate::list::{fields, items};

/// Writes signatures of items of one package.
#[derive(Debug)]
pub(crate) struct Signatures<'a> {
    pub(crate) crates: &'a Crates,
    pub(crate) package: &'a Package,
    /// The public path of each definition.
    pub(crate) public: &'a BTreeMap<Definition, &'a str>,
}

impl Signatures<'_> {
    /// The kind and the signature of an item.
    pub(crate) fn item(&self, item: &Item) -> String {
        match &item.inner {
            ItemEnum::Module(_) => "module".into(),
            ItemEnum::Struct(of) => format!("struct{}", parameters(&of.generics)),
            ItemEnum::Union(of) => format!("union{}", parameters(&of.generics)),
            ItemEnum::Enum(of) => format!("enum{}", parameters(&of.generics)),
            ItemEnum::Trait(of) => format!("trait{}", parameters(&of.generics)),
            ItemEnum::TypeAlias(of) => format!("type{} = {}", parameters(&of.generics), self.ty(&of.type_)),
            ItemEnum::StructField(of) => format!("field: {}", self.ty(of)),
            ItemEnum::Variant(of) => format!("variant{}", self.variant(&of.kind)),
            ItemEnum::Function(of) => self.function(of),
            ItemEnum::Constant { type_, .. } | ItemEnum::AssocConst { type_, .. } => {
                format!("const: {}", self.ty(type_))
            }
            ItemEnum::Static(of) => format!("static: {}", self.ty(&of.type_)),
            ItemEnum::AssocType { generics, .. } => format!("type{}", parameters(generics)),
            ItemEnum::ProcMacro(of) => match of.kind {
                MacroKind::Bang => "macro".into(),
                MacroKind::Attr => "attribute".into(),
                MacroKind::Derive => "derive".into(),
            },
            ItemEnum::Macro(_) => "macro".into(),
            _ => format!("{:?}", item.inner.item_kind()).to_lowercase(),
        }
    }

    fn variant(&self, kind: &VariantKind) -> String {
        let fields = fields(kind);
        let types = items(self.package, &fields).map(|field| match (&field.inner, &field.name) {
            (ItemEnum::StructField(of), Some(name)) if matches!(kind, VariantKind::Struct { .. }) => {
                format!("{name}: {}", self.ty(of))
            }
            (ItemEnum::StructField(of), _) => self.ty(of),
            _ => String::new(),
        });
        let types = types.collect::<Vec<_>>().join(", ");
        match kind {
            VariantKind::Plain => String::new(),
            VariantKind::Tuple(_) => format!("({types})"),
            VariantKind::Struct { .. } => format!(" {{ {types} }}"),
        }
    }

    fn function(&self, of: &Function) -> String {
        let constant = if of.header.is_const { "const " } else { "" };
        let asynchronous = if of.header.is_async { "async " } else { "" };
        format!("{constant}{asynchronous}fn{}{}", parameters(&of.generics), self.arguments(&of.sig))
    }

    fn arguments(&self, of: &FunctionSignature) -> String {
        let arguments = of.inputs.iter().map(|(name, ty)| match (&**name, ty) {
            ("self", Type::Generic(_)) => "self".into(),
            ("self", Type::BorrowedRef { is_mutable, .. }) => if *is_mutable { "&mut self" } else { "&self" }.into(),
            (name, ty) => format!("{name}: {}", self.ty(ty)),
        });
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        format!("({arguments}){}", self.output(of.output.as_ref()))
    }

    fn output(&self, output: Option<&Type>) -> String {
        output.map(|ty| format!(" -> {}", self.ty(ty))).unwrap_or_default()
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::ResolvedPath(path) => self.path(path),
            Type::DynTrait(of) => {
                let traits = of.traits.iter().map(|bound| self.path(&bound.trait_));
                format!("dyn {}", traits.chain(of.lifetime.clone()).collect::<Vec<_>>().join(" + "))
            }
            Type::Generic(name) | Type::Primitive(name) => name.clone(),
            Type::FunctionPointer(of) => format!("fn{}", self.pointer(&of.sig)),
            Type::Tuple(of) => format!("({})", self.types(of)),
            Type::Slice(of) => format!("[{}]", self.ty(of)),
            Type::Array { type_, len } => format!("[{}; {len}]", self.ty(type_)),
            Type::Pat { type_, .. } => self.ty(type_),
            Type::ImplTrait(bounds) => format!("impl {}", self.bounds(bounds)),
            Type::Infer => "_".into(),
            Type::RawPointer { is_mutable, type_ } => {
                format!("*{} {}", if *is_mutable { "mut" } else { "const" }, self.ty(type_))
            }
            Type::BorrowedRef { lifetime, is_mutable, type_ } => {
                let lifetime = lifetime.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
                format!("&{lifetime}{}{}", if *is_mutable { "mut " } else { "" }, self.ty(type_))
            }
            Type::QualifiedPath { name, self_type, args, .. } => {
                format!("{}::{name}{}", self.ty(self_type), self.generic_arguments(args.as_deref()))
            }
        }
    }

    fn pointer(&self, of: &FunctionSignature) -> String {
        let inputs = of.inputs.iter().map(|(_, ty)| self.ty(ty)).collect::<Vec<_>>().join(", ");
        format!("({inputs}){}", self.output(of.output.as_ref()))
    }

    fn types(&self, types: &[Type]) -> String {
        types.iter().map(|ty| self.ty(ty)).collect::<Vec<_>>().join(", ")
    }

    fn bounds(&self, bounds: &[GenericBound]) -> String {
        let bounds = bounds.iter().filter_map(|bound| match bound {
            GenericBound::TraitBound { trait_, .. } => Some(self.path(trait_)),
            GenericBound::Outlives(lifetime) => Some(lifetime.clone()),
            GenericBound::Use(_) => None,
        });
        bounds.collect::<Vec<_>>().join(" + ")
    }

    fn path(&self, path: &Path) -> String {
        self.name(path.id, &path.path) + &self.generic_arguments(path.args.as_deref())
    }

    /// The last segment of the public path. Names that several modules have get their module, and those of other crates get the crate.
    fn name(&self, id: Id, written: &str) -> String {
        match self.crates.target(self.package, id) {
            Some(Target::Ours(found)) => match self.public.get(&found.definition()) {
                Some(path) => {
                    let last = path.rsplit("::").next().unwrap_or(path);
                    let segments = if QUALIFIED.contains(&last) { 2 } else { 1 };
                    let from = path.rmatch_indices("::").nth(segments - 1).map_or(0, |(at, _)| at + 2);
                    path[from..].to_owned()
                }
                None => found.item.name.clone().unwrap_or_default(),
            },
            Some(Target::Foreign { name, summary }) if !matches!(name, "std" | "core" | "alloc") => {
                format!("{name}::{}", summary.path.last().map_or("", |name| name))
            }
            Some(Target::Foreign { summary, .. } | Target::Hidden(summary)) => {
                summary.path.last().cloned().unwrap_or_default()
            }
            None => written.to_owned(),
        }
    }

    fn generic_arguments(&self, arguments: Option<&GenericArgs>) -> String {
        match arguments {
            None | Some(GenericArgs::ReturnTypeNotation) => String::new(),
            Some(GenericArgs::AngleBracketed { args, constraints }) => {
                let args = args.iter().map(|argument| match argument {
                    GenericArg::Lifetime(name) => name.clone(),
                    GenericArg::Type(ty) => self.ty(ty),
                    GenericArg::Const(of) => of.expr.clone(),
                    GenericArg::Infer => "_".into(),
                });
                let all: Vec<_> = args.chain(constraints.iter().map(|of| self.constraint(of))).collect();
                if all.is_empty() { String::new() } else { format!("<{}>", all.join(", ")) }
            }
            Some(GenericArgs::Parenthesized { inputs, output }) => {
                format!("({}){}", self.types(inputs), self.output(output.as_ref()))
            }
        }
    }

    fn constraint(&self, of: &AssocItemConstraint) -> String {
        match &of.binding {
            AssocItemConstraintKind::Equality(Term::Type(ty)) => format!("{} = {}", of.name, self.ty(ty)),
            AssocItemConstraintKind::Equality(Term::Constant(value)) => format!("{} = {}", of.name, value.expr),
            AssocItemConstraintKind::Constraint(bounds) => format!("{}: {}", of.name, self.bounds(bounds)),
        }
    }
}

/// Generic parameters that a user names, without bounds.
fn parameters(generics: &Generics) -> String {
    let named = generics.params.iter().filter_map(|GenericParamDef { name, kind }| match kind {
        GenericParamDefKind::Type { is_synthetic: true, .. } => None,
        GenericParamDefKind::Lifetime { .. } if name.starts_with("'_") => None,
        GenericParamDefKind::Const { .. } => Some(format!("const {name}")),
        _ => Some(name.clone()),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    if named.is_empty() { named } else { format!("<{named}>") }
}
