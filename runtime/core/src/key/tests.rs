use proptest::prelude::*;

use super::arg::Arg;
use super::args::{Args, lower};
use super::namespace::NoNamespace;
use super::pattern::Pattern;
use super::template::{Piece, Template, bare, bounded, dotted, shown};
use super::{Key, KeyPart, KeyWriter, Scope, Scopes, scopes};
use crate::__private::prelude::*;

const USER_POSTS: Template = Template {
    text: "user:{id}:posts:{page}",
    pieces: &[Piece::Lit("user:"), Piece::Arg(0), Piece::Lit(":posts:"), Piece::Arg(1)],
};

fn text(part: &(impl KeyPart + ?Sized)) -> String {
    let mut out = KeyWriter::new();
    part.write(&mut out);
    out.into_string()
}

/// Strings that try to pass for other arguments.
fn nasty() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just(":".to_owned()),
            Just("*".to_owned()),
            Just("%".to_owned()),
            Just("%_".to_owned()),
            Just("%~".to_owned()),
            Just("%,".to_owned()),
            Just("@".to_owned()),
            Just("\u{0}".to_owned()),
            Just("é".to_owned()),
            "[a-c]{0,2}",
        ],
        0..4,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn different_arguments_never_make_the_same_key(a in (nasty(), nasty()), b in (nasty(), nasty())) {
        let key = |(x, y): &(String, String)| USER_POSTS.render("", &(NoNamespace, x, y));
        prop_assert_eq!(a == b, key(&a) == key(&b));
    }

    #[test]
    fn different_lists_and_options_never_make_the_same_text(
        a in proptest::collection::vec(proptest::option::of(nasty()), 0..4),
        b in proptest::collection::vec(proptest::option::of(nasty()), 0..4),
    ) {
        prop_assert_eq!(a == b, text(&a) == text(&b));
    }

    #[test]
    fn nested_options_stay_apart(a in any::<Option<Option<Option<u8>>>>(), b in any::<Option<Option<Option<u8>>>>()) {
        prop_assert_eq!(a == b, text(&a) == text(&b));
    }

    #[test]
    fn an_argument_never_leaves_its_segment(x in nasty(), y in nasty()) {
        let key = USER_POSTS.render("", &(NoNamespace, &x, &y));
        prop_assert_eq!(key.split(':').count(), 4);
        prop_assert!(!key.contains('*'));
        prop_assert!(!key.ends_with(':'), "a key never reads as a prefix");
    }

    #[test]
    fn borrowed_and_owned_forms_agree(a in nasty(), b in nasty()) {
        prop_assert_eq!(a.as_str().same(&b.to_owned_part()), a == b);
        prop_assert_eq!(lower(&a).same(&lower(&b).to_owned_part()), a.to_lowercase() == b.to_lowercase());
    }
}

#[test]
fn texts_of_every_length_are_compared_whole() {
    for length in 0..80 {
        let text = "x".repeat(length);
        assert!(text.as_str().same(&text.to_owned_part()));
        assert!(!text.as_str().same(&(text.clone() + "x").to_owned_part()));
        for at in 0..length {
            let mut other = text.clone();
            other.replace_range(at..=at, "y");
            assert!(!text.as_str().same(&other.to_owned_part()), "{length} {at}");
        }
    }
}

#[test]
fn a_key_belongs_to_itself_its_prefixes_and_its_tags() {
    let own = Scopes::new("user:42:orders", &["t:7".to_owned()]);
    let expected = [
        Pattern::exact("user:42:orders").scope,
        Pattern::prefix("user").scope,
        Pattern::prefix("user:42").scope,
        scopes::tag("t:7"),
    ];
    assert_eq!(own.hashes(), expected);
    assert_eq!(own.key_pattern(), Pattern::exact("user:42:orders"));
    assert_eq!(own.root(), Pattern::prefix("user").root);
    assert_eq!(own.log_part().breadth(), super::scopes::Breadth::Tagged);
}

#[test]
fn scope_hashes_do_not_change_between_versions() {
    // Processes of different builds exchange these hashes.
    assert_eq!(scopes::hash("user:42"), 0x9FC1_E605_FA71_74AA);
    assert_eq!(scopes::tag("t:7"), scopes::hash("#t:7"));
}

#[test]
fn scopes_are_parsed_from_text() {
    let pattern = |scope: Scope| scope.pattern().unwrap();
    assert_eq!(pattern("user:42".parse().unwrap()), Pattern::exact("user:42"));
    assert_eq!(pattern("user:*".parse().unwrap()), Pattern::prefix("user"));
    assert_eq!(pattern(Scope::from_static("user:42:*")), Pattern::prefix("user:42"));
    assert_eq!(pattern(Scope::from_static("http::*")), Pattern::prefix("http:"), "an empty segment");
    assert_eq!(Scope::from_tag(Key::from_static("team:7")).pattern(), Err("team:7"));
    for bad in ["", "*", ":*", ":x", "user:", "us*", "user:*:orders", "user:**", "*:x"] {
        let message = bad.parse::<Scope>().unwrap_err().to_string();
        assert!(message.contains(&format!("`{bad}`")) && message.contains("user:*"), "{message}");
    }
}

#[test]
fn keys_from_text_and_from_parts_are_equal() {
    for text in ["user:42", "user", "@acme:user:7%3A8", "http::x"] {
        assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
    }
    for bad in ["", "*", "user:*", "us*r", ":user", "user:", ":"] {
        let message = bad.parse::<Key>().unwrap_err().to_string();
        assert!(message.contains(&format!("`{bad}` is not a key")) && message.contains("user:42"), "{message}");
    }
    let users = Key::from_static("user");
    for (key, text) in [
        (users.join(42), "user:42"),
        (users.join("a:*"), "user:a%3A%2A"),
        (users.join(""), "user:%_"),
        (users.join(None::<u8>), "user:%~"),
        (users.join("a").join([1_u16, 2]), "user:a:%[1%,2%,%]"),
    ] {
        assert_eq!((key.as_str(), text.parse::<Key>().unwrap()), (text, key.clone()));
    }
}

#[cfg(not(feature = "hash"))]
#[test]
fn a_long_key_stays_whole_without_digests() {
    let long = format!("user:{}", "x".repeat(600));
    assert_eq!(bounded(long.clone()), long);
    let bytes = [0xAB_u8; 300];
    assert_eq!(text(&bytes), format!("%x{}", "AB".repeat(300)));
}

#[test]
#[allow(clippy::needless_borrow)] // the reference is the first rung of the ladder
fn parts_are_chosen_by_type() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Id(u8);
    impl std::fmt::Display for Id {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "id:{}", self.0)
        }
    }
    let (id, name, borrowed) = (Id(7), String::from("x"), "y");
    let args = (NoNamespace, (&Arg(&id)).__part(), (&Arg(&name)).__part(), (&Arg(&borrowed)).__part());
    let mut out = KeyWriter::new();
    (0..3).for_each(|index| args.write_part(index, &mut out));
    assert_eq!(out.as_str(), "id%3A7xy");
    assert!(args.same(&args.to_owned_args()));
}

#[test]
fn paths_become_one_segment() {
    assert_eq!(dotted("app::Repo<app::User>::get::{{closure}}"), "app.Repo<app.User>.get");
    assert_eq!(dotted("<app::Svc as app::Api>::get::{{closure}}::{{closure}}"), "<app.Svcasapp.Api>.get");
}

#[test]
fn paths_are_shown_without_closures_and_lifetimes() {
    assert_eq!(shown("<app::Svc as app::Api>::get<'_, '_>::{{closure}}"), "<app.Svc as app.Api>.get");
    assert_eq!(shown("app::Of<'_, u8, dyn app::T + '_>::get<'_>"), "app.Of<u8, dyn app.T>.get");
}

#[test]
fn a_text_that_no_arguments_make_is_recognised_by_its_beginning_and_segments() {
    let user = |text| USER_POSTS.may_make(text, false);
    assert!(
        user("user:7:posts:1") && user("user:7:others:1"),
        "only the beginning and the number of segments are checked"
    );
    assert!(
        !user("member:7:posts:1") && !user("user:7:posts") && !user("user:7:posts:1:2") && !user("@a:user:7:posts:1")
    );
    assert!(USER_POSTS.may_make("@a:user:7:posts:1", true) && !USER_POSTS.may_make("user:7:posts:1", true));
    let long = bounded(format!("user:{}:posts:1", "7".repeat(600)));
    assert!(user(&long), "a digest says nothing of the segments");
    let direct = Template { text: "<key>", pieces: &[Piece::Arg(0)] };
    assert!(direct.is_whole_key() && direct.may_make("user:7", false) && !USER_POSTS.is_whole_key());
}

proptest! {
    #[test]
    fn owned_arguments_make_the_same_text(id: u64, page in nasty(), list in proptest::collection::vec(proptest::option::of(nasty()), 0..4)) {
        let args = (super::namespace::InNamespace(page.as_str()), &list, (id, page.as_str()));
        let text = bounded(USER_POSTS.render("", &args));
        prop_assert_eq!(owned_text(&args), text);
    }
}

/// Renders the owned form of these arguments.
fn owned_text<A: Args>(args: &A) -> String {
    super::template::render_owned::<A>(USER_POSTS.pieces, "", &args.to_owned_args())
}

#[test]
fn a_bare_path_has_none_of_the_types_that_it_is_generic_over() {
    for (path, expected) in [
        ("app::get", "app.get"),
        ("app::get<u8>", "app.get"),
        ("app::Repo<app::User>::get<fn(u8) -> u8>", "app.Repo.get"),
        ("<app::Svc as app::Api>::get", "app.Svc.get"),
        ("<app::Svc<<A as B>::C> as app::Api<u8>>::get", "app.Svc.get"),
        ("app::m::<impl app::Api for app::Repo>::get", "app.m.get"),
    ] {
        assert_eq!(bare(&shown(path)), expected);
        assert_eq!(bare(expected), expected);
    }
}
