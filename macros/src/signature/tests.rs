use quote::ToTokens;
use syn::parse_quote;

use super::{Function, Kind, Params, Returns, refuse, self_tokens, without_lifetimes};
use crate::diag::Diag;

fn kind(sig: &syn::Signature) -> (Kind, String) {
    let returns = Returns::new(sig);
    (returns.kind, returns.value.to_token_stream().to_string())
}

#[test]
fn the_kind_of_a_function_follows_its_return_type() {
    assert_eq!(kind(&parse_quote!(fn f())), (Kind::Sync, "()".into()));
    assert_eq!(kind(&parse_quote!(fn f() -> u8)), (Kind::Sync, "u8".into()));
    assert_eq!(kind(&parse_quote!(async fn f() -> u8)), (Kind::Async, "u8".into()));
    assert_eq!(
        kind(&parse_quote!(fn f() -> Pin<Box<dyn Future<Output = u8> + Send + '_>>)),
        (Kind::Boxed, "u8".into())
    );
    assert_eq!(
        kind(&parse_quote!(fn f() -> std::pin::Pin<Box<dyn Send + Future<Output = u8>>>)),
        (Kind::Boxed, "u8".into())
    );
    assert_eq!(kind(&parse_quote!(fn f() -> impl Send + Future<Output = u8>)), (Kind::ImplFuture, "u8".into()));
    assert_eq!(kind(&parse_quote!(async fn f() -> !)), (Kind::Async, ":: core :: convert :: Infallible".into()));
}

#[test]
fn the_compiler_is_asked_only_about_types_that_may_be_futures() {
    for name in ["BoxFuture<'_, u8>", "Self::Future", "<S as Service<u8>>::Future", "Pin<Box<u8>>", "User", "Box<u8>"] {
        let ty: syn::Type = syn::parse_str(name).expect("a type");
        assert_eq!(kind(&parse_quote!(fn f() -> #ty)).0, Kind::Asked, "{name}");
        assert_eq!(kind(&parse_quote!(async fn f() -> #ty)).0, Kind::Async, "{name}");
        let group = grouped(quote::quote!(#ty));
        assert_eq!(kind(&parse_quote!(fn f() -> #group)).0, Kind::Asked, "{name}");
    }
    for name in
        ["()", "!", "u8", "io::Result<Later>", "Arc<User>", "(Later, u8)", "&Later", "fn() -> Later", "impl Sized"]
    {
        let ty: syn::Type = syn::parse_str(name).expect("a type");
        assert_eq!(kind(&parse_quote!(fn f() -> #ty)).0, Kind::Sync, "{name}");
    }
}

fn refused(sig: &syn::Signature) -> Vec<String> {
    let mut diag = Diag::default();
    let (params, mut returns) = (Params::new(sig), Returns::new(sig));
    refuse::unusual("cacheable", sig, &mut diag);
    refuse::conditional("cacheable", &sig.inputs, &mut diag);
    refuse::mutable(sig, &params, &[parse_quote!(skipped)], &mut diag);
    refuse::hidden_names(sig, &mut diag);
    refuse::nothing(sig, &returns, &mut diag);
    refuse::unnamed(&returns, &mut diag);
    refuse::borrowed(&mut returns, &mut diag);
    diag.messages()
}

#[test]
fn signatures_that_can_be_cached() {
    let good: [syn::Signature; 10] = [
        parse_quote!(extern "C" fn f() -> u8),
        parse_quote!(async fn f(skipped: &mut Conn) -> u8),
        parse_quote!(fn f(&self) -> BoxFuture<'_, u8>),
        parse_quote!(fn f(#[cfg_attr(a, allow(unused))] x: u8) -> u8),
        parse_quote!(fn f(&self) -> &'static str),
        parse_quote!(async fn f<T: Clone>(self: Arc<Self>, t: &T) -> Result<Vec<T>, Error>),
        parse_quote!(fn f() -> fn(&str) -> &str),
        parse_quote!(fn f() -> Arc<dyn Fn(&str) -> &str>),
        parse_quote!(fn f() -> Box<dyn for<'a> Visit<'a>>),
        parse_quote!(fn f() -> Cow<'static, str>),
    ];
    for sig in good {
        assert_eq!(refused(&sig), <[&str; 0]>::default(), "{}", sig.to_token_stream());
    }
}

#[test]
fn signatures_that_cannot_be_cached() {
    let owned = "cached values outlive the call: return an owned value such as `String` or `Arc<str>`";
    let conditional = "`#[cacheable]` cannot know whether this parameter is compiled: \
        write the function twice, each with its own `#[cfg(..)]` above `#[cacheable]`";
    let cases: [(syn::Signature, &str); 18] = [
        (
            parse_quote!(fn f(&mut self) -> u8),
            "`&mut self` may change the value, and a hit would skip the change: take `&self`",
        ),
        (
            parse_quote!(fn f(self: &mut Self) -> u8),
            "`&mut self` may change the value, and a hit would skip the change: take `&self`",
        ),
        (
            parse_quote!(fn f(x: &mut u8) -> u8),
            "a hit would skip the changes to a `&mut` argument: take it by value or by `&`, \
            or write `skip(x)` if the value does not depend on it, as on a connection",
        ),
        (
            parse_quote!(fn f((a, both!(b)): (u8, u8)) -> u8),
            "the attribute cannot see the names that this macro binds, so they would be missing from the key: \
             write the pattern out, or give the parameter a name and destructure it in the body",
        ),
        (
            parse_quote!(fn f((a, b): &mut (u8, u8)) -> u8),
            "a hit would skip the changes to a `&mut` argument: take it by value or by `&`, \
            or write `skip(name)` if the value does not depend on it, as on a connection",
        ),
        (parse_quote!(async fn f() -> !), "there is no value to cache: return one, or remove the attribute"),
        (parse_quote!(fn f()), "there is no value to cache: return one, or remove the attribute"),
        (parse_quote!(async fn f() -> ()), "there is no value to cache: return one, or remove the attribute"),
        (
            parse_quote!(fn f() -> impl Iterator<Item = u8>),
            "the value's type must have a name: write the concrete type, or `Box<dyn ..>`, instead of `impl ..`",
        ),
        (parse_quote!(fn f(&self) -> &str), owned),
        (parse_quote!(fn f<'a>(x: &'a T) -> Option<&'a T>), owned),
        (parse_quote!(async fn f(&self) -> Cow<'_, str>), owned),
        (
            parse_quote!(const fn f() -> u8),
            "a `const fn` cannot use a cache at run time: remove `const` or `#[cacheable]`",
        ),
        (
            parse_quote!(unsafe fn f() -> u8),
            "`#[cacheable]` cannot uphold the safety rules of an `unsafe fn`: put it on a safe function that calls this one",
        ),
        (parse_quote!(fn f(#[cfg(a)] x: u8) -> u8), conditional),
        (parse_quote!(fn f(#[cfg_attr(a, cfg(b))] x: u8) -> u8), conditional),
        (parse_quote!(fn f(#[cfg(a)] &self) -> u8), conditional),
        (parse_quote!(fn f(x: u8, ...) -> u8), "`#[cacheable]` needs a fixed list of parameters: write each one"),
    ];
    for (sig, expected) in cases {
        assert_eq!(refused(&sig), [expected], "{}", sig.to_token_stream());
    }
}

#[test]
fn items_that_are_not_functions_are_errors() {
    for (item, expected) in [
        ("struct S;", "`struct` is not a function: put `#[cacheable]` on a function"),
        ("pub(crate) enum E {}", "`enum` is not a function: put `#[cacheable]` on a function"),
        ("unsafe impl S { fn f() {} }", "`impl` is not a function: put `#[cacheable]` on the functions inside"),
        ("#[x] pub trait T { fn f(); }", "`trait` is not a function: put `#[cacheable]` on the functions inside"),
        ("fn f(&self) -> u8;", "`f` has no body here: put `#[cacheable]` on the implementation"),
    ] {
        let mut diag = Diag::default();
        assert!(Function::parse("cacheable", item.parse().expect("tokens"), &mut diag).is_none());
        assert_eq!(diag.messages(), [expected]);
    }
}

#[test]
fn a_function_is_written_out_as_it_was_read() {
    let item = "#[a] pub(crate) async fn f<T>(x: T) -> u8 where T: Copy { #![allow(unused)] odd & syntax here }";
    let function =
        Function::parse("cacheable", item.parse().expect("tokens"), &mut Diag::default()).expect("a function");
    let again = function.with_body(&function.body.stream());
    let expected: proc_macro2::TokenStream = item.parse().expect("tokens");
    let dense = |tokens: &proc_macro2::TokenStream| tokens.to_string().replace(' ', "");
    assert_eq!(dense(&again), dense(&expected));
}

#[test]
fn lifetimes_are_left_to_inference() {
    let ty = without_lifetimes(&parse_quote!(&'a [Cow<'b, dyn for<'c> Visit<'c>>]));
    assert_eq!(ty.to_token_stream().to_string(), "& '_ [Cow < '_ , dyn for < 'c > Visit < 'c > >]");
    let ty = without_lifetimes(&parse_quote!(&'static str));
    assert_eq!(ty.to_token_stream().to_string(), "& 'static str");
}

#[test]
fn the_self_of_inner_items_is_not_renamed() {
    for (body, expected) in [
        ("{ self.load(&self).await }", "{ this.load(&this).await }"),
        ("{ log!(\"{}\", self.id); move || self.id }", "{ log!(\"{}\", this.id); move || this.id }"),
        ("{ Self::load(self::LIMIT, self) }", "{ Self::load(self::LIMIT, this) }"),
        ("{ use io::{self, Read}; self.read() }", "{ use io::{self, Read}; this.read() }"),
        ("{ pub(self) struct X; self.x }", "{ pub(self) struct X; this.x }"),
        ("{ fn get(&self) -> u8 { self.0 } get(self) }", "{ fn get(&self) -> u8 { self.0 } get(this) }"),
        ("{ let f: fn(&X) -> u8 = g; f(self) }", "{ let f: fn(&X) -> u8 = g; f(this) }"),
        ("{ apply(X::get as fn(&X) -> u8, self) }", "{ apply(X::get as fn(&X) -> u8, this) }"),
        ("{ apply(get as unsafe extern \"C\" fn(_), self) }", "{ apply(get as unsafe extern \"C\" fn(_), this) }"),
        ("{ vec![size_of::<fn(&X)>(), self.0] }", "{ vec![size_of::<fn(&X)>(), this.0] }"),
    ] {
        let dense = |tokens: String| tokens.replace(' ', "");
        let group: proc_macro2::Group = syn::parse_str(body).expect("a body");
        let renamed = self_tokens::rename(&group, |span| proc_macro2::Ident::new("this", span));
        assert_eq!(dense(renamed.to_string()), dense(expected.to_owned()));
    }
}

/// A type in the invisible group that `macro_rules!` puts around its fragments.
fn grouped(tokens: proc_macro2::TokenStream) -> proc_macro2::Group {
    proc_macro2::Group::new(proc_macro2::Delimiter::None, tokens)
}

#[test]
fn types_from_a_macro_are_read_like_written_ones() {
    let (boxed, unit) = (grouped(parse_quote!(Pin<Box<dyn Future<Output = u8>>>)), grouped(parse_quote!(())));
    assert_eq!(kind(&parse_quote!(fn f() -> #boxed)).0, Kind::Boxed);
    assert!(Returns::new(&parse_quote!(fn f() -> #unit)).is_unit());
    assert!(Returns::new(&parse_quote!(fn f() -> #unit)).cannot_fail());
    let (list, this) = (grouped(parse_quote!(&mut Vec<u8>)), grouped(parse_quote!(&mut Self)));
    assert_eq!(refused(&parse_quote!(fn f(list: #list) -> u8)).len(), 1);
    assert_eq!(refused(&parse_quote!(fn f(self: #this) -> u8)).len(), 1);
}

fn captured(body: &str) -> Vec<String> {
    let body: proc_macro2::Group = syn::parse_str(body).expect("a body");
    self_tokens::captures(&body).iter().map(ToString::to_string).collect()
}

#[test]
fn strings_that_capture_self() {
    for text in ["\"{self}\"", "\"{ self :?}\"", "r#\"a {{{self:>5}}} b\"#", "\"{id} {self:#?}\""] {
        for body in [
            format!("{{ format!({text}) }}"),
            format!("{{ if a {{ log::info![target: X, {text}, n] }} }}"),
            format!("{{ outer! {{ inner({text}) }} }}"),
            format!("{{ let f: fn(u8) -> u8 = g; print!({text}) }}"),
        ] {
            assert_eq!(captured(&body), [text], "{body}");
        }
    }
}

#[test]
fn strings_that_do_not_capture_self() {
    for body in [
        r#"{ format!("{}", self) }"#,
        r#"{ format!("{{self}} {selfish} {this} self {0}", self.0) }"#,
        r#"{ find("{self}") }"#,
        r#"{ if x != ("{self}") { a } }"#,
        r#"{ let no = !("{self}" == x); }"#,
        r#"{ impl Display for X { fn fmt(&self) { write!(f, "{self}") } } }"#,
        r#"{ println!(b"{self}") }"#,
    ] {
        assert_eq!(captured(body), <[String; 0]>::default(), "{body}");
    }
}
