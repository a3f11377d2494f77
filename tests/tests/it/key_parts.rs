//! Types of users in keys: by `#[derive(KeyPart)]`, and by the formatters `:display` and `:debug`.

use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;

use fastness::key::{KeyPart, KeyWriter};
use fastness::{cache_invalidate, cacheable, with_cache, with_cache_sync};

use crate::fresh;

fn text(part: &impl KeyPart) -> String {
    let (mut key, mut owned) = (KeyWriter::new(), KeyWriter::new());
    part.write(&mut key);
    part.to_owned_part().write(&mut owned);
    assert_eq!(key.as_str(), owned.as_str(), "the owned form writes the same text");
    assert!(part.same(&part.to_owned_part()));
    key.as_str().to_owned()
}

#[derive(Clone, Copy, KeyPart)]
struct TeamId(u64);

#[derive(KeyPart)]
struct Nickname {
    name: Option<String>,
    #[key(skip)]
    _shown: bool,
}

#[derive(KeyPart)]
struct Page<'a, T> {
    of: &'a [T],
    number: u32,
    #[key(hash)]
    filter: Vec<u8>,
}

#[derive(KeyPart)]
enum Filter {
    All,
    Team {
        id: TeamId,
        #[key(lower)]
        name: String,
    },
    Near(#[key(debug)] f64, #[key(display)] f64),
    Nothing(),
}

#[derive(KeyPart)]
enum Only {
    One,
}

#[derive(KeyPart)]
struct Typed<T: Debug>(#[key(debug)] T, #[key(skip)] PhantomData<fn() -> T>);

mod raw {
    #![allow(non_camel_case_types)]

    #[derive(fastness::key::KeyPart)]
    pub(super) enum Kind {
        r#type,
        r#fn(u8),
    }
}

#[test]
fn a_struct_with_one_field_is_written_as_that_field() {
    assert_eq!(text(&TeamId(7)), "7");
    assert_eq!(text(&Nickname { name: Some("a:b".into()), _shown: true }), "a%3Ab");
    assert_eq!(text(&Some(Nickname { name: None, _shown: true })), "%+%~", "and an `Option` around it is told apart");
    assert_eq!(text(&Typed(1.5, PhantomData)), "1.5");
}

#[test]
fn other_types_are_written_with_all_fields() {
    let page = Page { of: &[TeamId(1), TeamId(2)], number: 3, filter: vec![] };
    let written = text(&page);
    assert!(written.starts_with("%(%[1%,2%,%]%,3%,") && written.ends_with("%,%)"), "{written}");
    assert_eq!(text(&Filter::All), "All");
    assert_eq!(text(&Filter::Nothing()), "Nothing");
    assert_eq!(text(&Filter::Team { id: TeamId(7), name: "Red:*".into() }), "%(Team%,7%,red%3A%2A%,%)");
    assert_eq!(text(&Filter::Near(1.0, 1.0)), "%(Near%,1.0%,1%,%)");
    assert_eq!(text(&Only::One), "One");
    assert_eq!((text(&raw::Kind::r#type), text(&raw::Kind::r#fn(1))), ("type".into(), "%(fn%,1%,%)".into()));
}

#[test]
fn values_are_the_same_if_all_fields_are() {
    let team = |id, name: &str| Filter::Team { id: TeamId(id), name: name.into() };
    assert!(team(1, "Red").same(&team(1, "rED").to_owned_part()));
    assert!(!team(1, "Red").same(&team(2, "Red").to_owned_part()));
    assert!(!Filter::All.same(&team(1, "All").to_owned_part()));
    assert!(!Filter::All.same(&Filter::Nothing().to_owned_part()));
}

#[cacheable(ttl = 60, key = "search:{filter}")]
fn search(filter: &Filter) -> u64 {
    match filter {
        Filter::Team { id, .. } => id.0,
        _ => 0,
    }
}

#[cacheable(ttl = 60, key = "team:{id}")]
async fn team(id: TeamId) -> String {
    format!("team {}", id.0)
}

#[cacheable(ttl = 60, key = "team:{number}")]
async fn team_by_number(number: u64) -> String {
    unreachable!("{number} is in the cache")
}

#[cache_invalidate("team:{id}")]
async fn change(id: u64) {}

#[tokio::test]
async fn a_newtype_shares_its_entries_with_the_type_inside() {
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!(team(TeamId(7)).await, "team 7");
        assert_eq!(team_by_number(7).await, "team 7");
        change(7).await;
        team(TeamId(7)).await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 2);
}

#[test]
fn derived_parts_tell_entries_apart() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            search(&Filter::All);
            search(&Filter::Team { id: TeamId(1), name: "red".into() });
            search(&Filter::Team { id: TeamId(2), name: "red".into() });
            search(&Filter::Near(1.0, 2.0));
        }
    });
    assert_eq!(fast.stats().total.loads, 4);
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    New,
    Used,
}

/// A type whose `Eq` distinguishes more than its text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Version {
    number: u32,
    build: u32,
}

impl Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.number)
    }
}

#[cacheable(ttl = 60, key = "by_debug:{kind:debug}:{also:debug}")]
async fn by_debug(kind: Kind, also: Option<&[Kind]>) -> String {
    format!("{kind:?} {also:?}")
}

#[cacheable(ttl = 60, key = "exact:{version}")]
async fn exact(version: Version) -> u32 {
    version.build
}

#[cacheable(ttl = 60, key = "by_text:{version:display}")]
async fn by_text(version: &Version) -> u32 {
    version.build
}

#[cache_invalidate("by_text:{version:display}")]
async fn published(version: &str) {}

#[tokio::test]
async fn debug_text_is_in_the_key_and_compared() {
    let fast = fresh();
    with_cache(&fast, async {
        for _ in 0..2 {
            assert_eq!(by_debug(Kind::New, None).await, "New None");
            assert_eq!(by_debug(Kind::Used, None).await, "Used None");
            assert_eq!(by_debug(Kind::New, Some(&[Kind::Used])).await, "New Some([Used])");
        }
    })
    .await;
    assert_eq!(fast.stats().total.loads, 3);
}

#[tokio::test]
async fn display_compares_by_text_where_the_type_compares_by_more() {
    let fast = fresh();
    let [first, second] = [1, 2].map(|build| Version { number: 3, build });
    with_cache(&fast, async {
        assert_eq!((exact(first.clone()).await, exact(second.clone()).await), (1, 2));
        assert_eq!((by_text(&first).await, by_text(&second).await), (1, 1));
        published("v3").await;
        assert_eq!(by_text(&second).await, 2);
    })
    .await;
}
