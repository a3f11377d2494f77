//! Parameters that are patterns: every name that a pattern binds is in the key.
#![allow(non_snake_case)]

use fastness::{cacheable, with_cache, with_cache_sync};

use crate::fresh;

#[derive(Clone, Copy)]
struct Id(u64);

#[derive(Clone, Copy)]
struct Pair {
    N: u64,
    m: u64,
}

/// A constant in a pattern, which binds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit;

#[cacheable(ttl = 60)]
fn area((W, H): (u64, u64)) -> u64 {
    W * H
}

#[cacheable(ttl = 60)]
fn newtype(Id(N): Id) -> u64 {
    N
}

#[cacheable(ttl = 60, key = "shorthand:{N}:{m}")]
fn shorthand(Pair { N, m }: Pair) -> u64 {
    N * 100 + m
}

#[cacheable(ttl = 60)]
fn renamed(Pair { N: mut First, m: Second }: Pair) -> u64 {
    First *= 100;
    First + Second
}

#[cacheable(ttl = 60)]
fn slice([First, Rest @ ..]: [u64; 3]) -> u64 {
    First * 10_000 + Rest[0] * 100 + Rest[1]
}

#[cacheable(ttl = 60, key = "whole:{Whole}", skip(First))]
fn whole(Whole @ (First, _): (u64, u64)) -> u64 {
    First + Whole.1
}

#[cacheable(ttl = 60)]
async fn waits((ref N, M): (String, u64)) -> String {
    format!("{N}{M}")
}

#[cacheable(ttl = 60, skip(Unit))]
fn constant((N, Unit): (u64, Unit)) -> u64 {
    N
}

#[cacheable(ttl = 60)]
fn lone(N: u64) -> u64 {
    N
}

#[tokio::test]
async fn names_with_a_capital_letter_are_in_the_key() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            assert_eq!((area((2, 3)), area((5, 7))), (6, 35));
            assert_eq!((newtype(Id(1)), newtype(Id(2))), (1, 2));
            assert_eq!((shorthand(Pair { N: 1, m: 1 }), shorthand(Pair { N: 2, m: 1 })), (101, 201));
            assert_eq!((renamed(Pair { N: 1, m: 1 }), renamed(Pair { N: 2, m: 1 })), (101, 201));
            assert_eq!((slice([1, 2, 3]), slice([1, 2, 4])), (10_203, 10_204));
            assert_eq!((whole((1, 2)), whole((3, 4))), (3, 7));
            assert_eq!((constant((1, Unit)), constant((2, Unit))), (1, 2));
            assert_eq!((lone(1), lone(2)), (1, 2));
        }
    });
    with_cache(&fast, async {
        let one = waits(("a".to_owned(), 1)).await;
        assert_eq!((one, waits(("b".to_owned(), 1)).await), ("a1".to_owned(), "b1".to_owned()));
    })
    .await;
    assert_eq!(fast.stats().total.loads, 18);
}
