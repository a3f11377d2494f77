//! Names, lints and surroundings that could break an expansion.

use crate::fresh;

#[allow(dead_code)]
#[no_implicit_prelude]
mod hostile {
    #![deny(warnings, clippy::pedantic, unused_qualifications, unreachable_pub, missing_docs)]

    use ::fastness::{cache_invalidate, cache_put, cacheable, timed};

    struct Option;
    struct Result;
    struct Some;
    struct Box;
    struct String;
    struct Vec;
    struct Fastness;
    struct Site;
    struct Arg;
    trait Clone {}
    trait Future {}
    trait Send {}
    mod std {}
    mod core {}
    mod alloc {}
    mod tokio {}
    mod fastness {}

    fn __site() {}
    fn __here() {}
    fn drop() {}
    const __SITE: u8 = 0;

    #[cacheable(ttl = 60)]
    pub(super) async fn r#type(r#fn: u64, __hit: u64) -> ::core::result::Result<u64, ::std::string::String> {
        ::core::result::Result::Ok(r#fn + __hit)
    }

    #[cacheable(ttl = 60, key = "import:{__returns}:{__instance}:{__Arg}:{__None}", tags = ["t:{__None}"])]
    #[allow(non_snake_case)]
    pub(super) fn imports(__returns: u64, __instance: u64, __Arg: u64, __None: u64) -> u64 {
        __returns + __instance + __Arg + __None
    }

    #[cacheable(ttl = 60, key = "shadow:{__key}:{__here}:{__miss}", tags = ["t:{__key}"], condition = __shape > 0, skip(__shape))]
    pub(super) fn shadows(__key: u64, __here: u64, __miss: u64, __shape: u64) -> u64 {
        __key + __here + __miss + __shape
    }

    #[cacheable(ttl = 60, key = "named:{r#match}", handle = hostile_entry, stale = 60, stale_if_error = 60)]
    pub(super) async fn r#match(r#match: u64) -> u64 {
        r#match + ::core::convert::Into::<u64>::into(__SITE)
    }

    #[cacheable(ttl = 60, key = "named:{__id}", batch(__id))]
    pub(super) async fn many(__id: &[u64]) -> ::std::collections::HashMap<u64, u64> {
        let mut map = ::std::collections::HashMap::new();
        for id in __id {
            map.insert(*id, *id);
        }
        map
    }

    #[cache_put(key = "put:{__miss}:{__put}", ttl = 60)]
    pub(super) async fn put(__miss: u64, __put: u64) -> u64 {
        __miss + __put
    }

    #[cache_invalidate("put:{__scopes}:*", hostile_entry(__scopes))]
    pub(super) async fn forget(__scopes: u64) {}

    #[timed(slow = 60, labels(r#type = __timer))]
    pub(super) fn times(__timer: bool, __value: u64) -> ::core::result::Result<u64, ::std::string::String> {
        ::core::result::Result::Ok(__value + ::core::convert::Into::<u64>::into(__timer))
    }

    #[timed]
    #[cacheable(ttl = 60)]
    pub(super) async fn timed_unit(__value: u64) -> u64 {
        forget(__value).await;
        drop();
        __value
    }

    #[timed]
    pub(super) async fn nothing() {}

    #[cacheable(ttl = 60, stale = 60, refresh = background)]
    pub(super) async fn background(__self: &str, __miss: &[u8]) -> usize {
        __self.len() + __miss.len()
    }
}

#[tokio::test]
async fn names_of_users_do_not_collide_with_ours() {
    let fast = fresh();
    fastness::with_cache(&fast, async {
        for _ in 0..2 {
            assert_eq!(hostile::r#type(1, 2).await, Ok(3));
            assert_eq!(hostile::shadows(1, 2, 3, 4), 10);
            assert_eq!(hostile::imports(1, 2, 3, 4), 10);
            assert_eq!(hostile::r#match(5).await, 5);
            assert_eq!(hostile::many(&[5, 6]).await[&6], 6);
            assert_eq!(hostile::put(3, 4).await, 7);
            assert_eq!(hostile::background("ab", &[1]).await, 3);
        }
        assert_eq!((fast.stats().total.loads, fast.stats().total.hits), (6, 8));
        hostile::forget(5).await;
        hostile::r#match(5).await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 7);
}

/// A function whose user gives it names that are spelled like the macro's own.
macro_rules! made_by_a_macro {
    ($name:ident, $arg:ident: $ty:ty, $ttl:expr, $key:literal) => {
        #[fastness::cacheable(ttl = $ttl, key = $key, skip(value))]
        async fn $name($arg: $ty, value: u64) -> u64 {
            let doubled = *$arg * 2;
            doubled + value
        }
    };
}

made_by_a_macro!(made, id: &u64, 60, "made:{id}");

mod documented {
    #![deny(missing_docs, unreachable_pub, warnings)]
    #![allow(dead_code)]

    /// A function with documentation, lints, a visibility and `doc(hidden)`, as users write it.
    #[doc(hidden)]
    #[fastness::cacheable(ttl = 60)]
    #[must_use = "it costs something"]
    #[allow(clippy::unused_async)]
    #[cfg(not(any()))]
    pub(super) async fn visible(n: u8, #[allow(unused_variables)] unused: bool) -> u8 {
        n
    }

    #[cfg(any())]
    #[fastness::cacheable(ttl = 60)]
    async fn left_out(n: NoSuchType) -> NoSuchType {
        n
    }

    #[fastness::cacheable(ttl = 60)]
    #[cfg_attr(all(), deprecated)]
    pub(super) fn old(n: u8) -> u8 {
        #![allow(clippy::let_and_return)]
        let same = n;
        same
    }
}

#[tokio::test]
async fn attributes_and_visibility_are_kept() {
    let fast = fresh();
    fastness::with_cache(&fast, async {
        #[expect(deprecated)]
        let old = documented::old(1) + documented::old(1);
        assert_eq!(old, 2);
        #[expect(unused_must_use)]
        {
            documented::visible(1, true).await;
        }
        assert_eq!(documented::visible(1, true).await, 1);
        assert_eq!(made(&20, 2).await, 42);
        assert_eq!(made(&20, 3).await, 42, "skipped");
    })
    .await;
    assert_eq!((fast.stats().total.loads, fast.stats().total.hits), (3, 3));
}

/// Bodies that end in every way: none is emitted twice or loses its type.
mod bodies {
    #![deny(warnings, clippy::pedantic)]

    use fastness::cacheable;

    #[cacheable(ttl = 60)]
    pub(super) async fn returns_early(n: u8) -> u8 {
        let outcome: Result<u8, u8> = 'block: {
            if n > 3 {
                break 'block Err(n);
            }
            Ok(n)
        };
        match outcome {
            Ok(n) => return n,
            Err(_) => tokio::task::yield_now().await,
        }
        0
    }

    #[cacheable(ttl = 60)]
    pub(super) async fn infers(n: u8) -> anyhow::Result<Vec<u8>> {
        let all = [n, n].into_iter().map(|n| if n == 0 { anyhow::bail!("zero") } else { Ok(n) });
        let all: Vec<_> = all.collect::<Result<_, _>>()?;
        Ok(all)
    }

    #[cacheable(ttl = 60)]
    pub(super) fn questions(n: u8) -> Option<u8> {
        let n = n.checked_sub(1)?;
        if n == 7 {
            return None;
        }
        n.into()
    }

    #[cacheable(ttl = 60)]
    pub(super) async fn diverges(n: u8) -> u8 {
        panic!("{n}")
    }
}

#[tokio::test]
async fn bodies_keep_their_types() {
    fastness::with_cache(&fresh(), async {
        assert_eq!((bodies::returns_early(3).await, bodies::returns_early(4).await), (3, 0));
        assert_eq!(bodies::infers(2).await.unwrap(), [2, 2]);
        assert_eq!(bodies::infers(0).await.unwrap_err().to_string(), "zero");
        assert_eq!((bodies::questions(2), bodies::questions(8), bodies::questions(0)), (Some(1), None, None));
        assert!(tokio::spawn(bodies::diverges(1)).await.unwrap_err().is_panic());
    })
    .await;
}
