//! Lifetimes that follow from the value or the error, and those without end.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use fastness::{Clock, Key, Scope, cache_put, cacheable, with_cache, with_cache_sync};

use crate::origin::{Fault, MINUTE, Origin, SECOND, TICK, just_before};
use crate::timed;

/// A value that says how long it may be used.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Token {
    number: u32,
    lives: Duration,
}

impl Token {
    fn lifetime(&self) -> Duration {
        self.lives
    }
}

/// An error that says when to come back.
#[derive(Clone, Debug, PartialEq)]
struct Busy {
    number: u32,
    wait: Duration,
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

fn half_of_it(token: &Token) -> Duration {
    token.lives / 2
}

impl Origin {
    fn token(&self, lives: Duration) -> Token {
        Token { number: self.count(), lives }
    }

    /// A token for this long, which takes `takes` to obtain.
    #[cacheable(ttl = |token| token.lives, jitter = 0, early = off, key = "token", skip(self, clock, lives, takes))]
    async fn stated(&self, clock: &Clock, lives: Duration, takes: Duration) -> Token {
        clock.advance(takes);
        self.token(lives)
    }

    #[cacheable(ttl = Token::lifetime, jitter = 0, early = off, key = "method", skip(self, lives))]
    fn by_method(&self, lives: Duration) -> Token {
        self.token(lives)
    }

    #[cacheable(ttl = half_of_it, jitter = 0, early = off, key = "half", skip(self, lives))]
    fn by_function(&self, lives: Duration) -> Result<Token, Fault> {
        Ok(self.token(lives))
    }

    #[cacheable(ttl = MINUTE, jitter = 0, early = off, key = "constant", skip(self, clock, takes))]
    async fn by_constant(&self, clock: &Clock, takes: Duration) -> Option<Token> {
        clock.advance(takes);
        Some(self.token(SECOND))
    }

    #[cacheable(ttl = |token| token.lives, jitter = 0, stale = "1m", key = "stale", skip(self, clock, lives, takes))]
    async fn servable_stale(&self, clock: &Clock, lives: Duration, takes: Duration) -> Result<Token, Fault> {
        clock.advance(takes);
        let number = self.next()?;
        Ok(Token { number, lives })
    }

    #[cacheable(ttl = |token| token.lives, jitter = 0, key = "early", skip(self, clock, lives, takes))]
    async fn early_stated(&self, clock: &Clock, lives: Duration, takes: Duration) -> Token {
        clock.advance(takes);
        self.token(lives)
    }

    #[cacheable(ttl = |_| panic!("on purpose"), key = "panics", skip(self))]
    async fn panicking(&self) -> Token {
        tokio::task::yield_now().await;
        self.token(MINUTE)
    }

    #[cacheable(ttl = forever, key = "forever:{id}", skip(self))]
    async fn endless(&self, id: u32) -> u32 {
        self.count() + id
    }

    #[cacheable(ttl = 60, negative_ttl = forever, key = "nothing", skip(self))]
    async fn never_there(&self) -> Option<u32> {
        self.count();
        None
    }

    #[cacheable(ttl = 60, err_ttl = |busy| busy.wait, jitter = 0, key = "busy", skip(self, clock, wait, takes))]
    async fn busy(&self, clock: &Clock, wait: Duration, takes: Duration) -> Result<u32, Busy> {
        clock.advance(takes);
        Err(Busy { number: self.count(), wait })
    }

    #[cacheable(ttl = 60, cache_err = |busy| busy.number > 1, err_ttl = |busy| busy.wait, key = "picky", skip(self))]
    async fn busy_from_the_second_on(&self) -> Result<u32, Busy> {
        Err(Busy { number: self.count(), wait: MINUTE })
    }

    #[cacheable(ttl = 60, err_ttl = |_| panic!("on purpose"), key = "errors", skip(self))]
    fn panicking_of_an_error(&self) -> Result<u32, Busy> {
        Err(Busy { number: self.count(), wait: MINUTE })
    }

    #[cacheable(ttl = |token| token.lives, jitter = 0, key = "each:{ids}", batch(ids), skip(self, clock))]
    async fn batch(&self, clock: &Clock, ids: &[u64]) -> HashMap<u64, Token> {
        clock.advance(SECOND);
        ids.iter().map(|id| (*id, self.token(SECOND * u32::try_from(*id).unwrap()))).collect()
    }

    #[cache_put(ttl = |token| token.lives, jitter = 0, key = "token", skip(self))]
    async fn replace(&self, clock: &Clock, lives: Duration, takes: Duration) -> Token {
        clock.advance(takes);
        self.token(lives)
    }
}

#[tokio::test]
async fn a_stated_lifetime_runs_from_the_beginning_of_the_load() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let token = async || origin.stated(&clock, MINUTE, SECOND * 10).await.number;
        assert_eq!((token().await, token().await), (1, 1));
        clock.advance(just_before(SECOND * 50));
        assert_eq!(token().await, 1, "to the last moment");
        clock.advance(TICK);
        assert_eq!(token().await, 2, "a minute after the load began");
    })
    .await;
}

/// A value that is over when it arrives, or that states zero, goes to its callers and no further.
#[tokio::test]
async fn a_value_without_a_lifetime_is_returned_and_not_stored() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let token = async |lives, takes| origin.stated(&clock, lives, takes).await.number;
        assert_eq!((token(Duration::ZERO, SECOND).await, token(Duration::ZERO, SECOND).await), (1, 2));
        assert_eq!((token(SECOND, SECOND).await, token(SECOND, SECOND).await), (3, 4));
        let (one, two) = tokio::join!(token(Duration::ZERO, SECOND), token(Duration::ZERO, SECOND));
        assert_eq!((one, two, origin.calls()), (5, 6, 6), "each load ended before the next call began");
    })
    .await;
    assert_eq!(fast.stats().entries, 0);
}

#[tokio::test]
async fn a_function_by_its_path_states_lifetimes_and_a_constant_does_not() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let (method, function) =
            (|| origin.by_method(MINUTE).number, || origin.by_function(MINUTE).map(|token| token.number));
        assert_eq!((method(), function()), (1, Ok(2)));
        clock.advance(SECOND * 30);
        assert_eq!((method(), function()), (1, Ok(3)));
        clock.advance(SECOND * 30);
        assert_eq!(method(), 4);
        let constant = async || origin.by_constant(&clock, SECOND * 10).await.map(|token| token.number);
        assert_eq!(constant().await, Some(5));
        clock.advance(just_before(MINUTE));
        assert_eq!(constant().await, Some(5), "from the end of the load, whatever the value says");
        clock.advance(TICK);
        assert_eq!(constant().await, Some(6));
    })
    .await;
}

#[cacheable(ttl = |token| token.lives, jitter = "50%", early = off, key = "jittered:{id}", skip(origin))]
fn jittered(origin: &Origin, id: u32) -> Token {
    let _ = id;
    origin.token(SECOND * 100)
}

#[test]
fn jitter_only_shortens_a_stated_lifetime() {
    let left = |after| {
        let ((fast, clock), origin) = (timed(), Origin::default());
        with_cache_sync(&fast, || {
            (0..200).map(|id| jittered(&origin, id)).for_each(drop);
            clock.advance(after);
            (0..200).map(|id| jittered(&origin, id)).for_each(drop);
        });
        400 - origin.calls()
    };
    assert_eq!(left(SECOND * 50), 200, "never by more than asked");
    assert!((60..140).contains(&left(SECOND * 75)), "evenly");
    assert_eq!(left(SECOND * 100), 0, "never longer than stated");
}

#[tokio::test]
async fn a_stale_value_is_served_past_its_stated_lifetime_only_where_the_function_says_so() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let token = async |takes| origin.servable_stale(&clock, SECOND * 10, takes).await.map(|token| token.number);
        assert_eq!(token(Duration::ZERO).await, Ok(1));
        origin.set_down(true);
        clock.advance(just_before(SECOND * 70));
        assert_eq!(token(Duration::ZERO).await, Ok(1), "its refresh failed");
        clock.advance(TICK);
        assert_eq!(token(Duration::ZERO).await, Err(Fault::Down));
        origin.set_down(false);
        // The load takes longer than its value lives: it is stale from the beginning.
        let number = token(SECOND * 30).await;
        origin.set_down(true);
        assert_eq!(token(Duration::ZERO).await, number);
        clock.advance(SECOND * 40);
        assert_eq!(token(Duration::ZERO).await, Err(Fault::Down));
    })
    .await;
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.stated(&clock, SECOND, SECOND * 2).await.number, 1);
        assert_eq!(origin.stated(&clock, SECOND, SECOND * 2).await.number, 2, "no stale time, so nothing is stored");
    })
    .await;
}

#[tokio::test]
async fn early_refreshes_come_in_the_last_tenth_of_the_stated_lifetime() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let token = async |takes| origin.early_stated(&clock, SECOND * 100, takes).await.number;
        assert_eq!(token(SECOND * 50).await, 1);
        clock.advance(just_before(SECOND * 40));
        for _ in 0..100 {
            assert_eq!(token(Duration::ZERO).await, 1, "the last tenth has not begun");
        }
        clock.advance(SECOND * 10);
        assert_eq!(token(Duration::ZERO).await, 2, "refreshed, though it was fresh");
    })
    .await;
    assert_eq!(fast.stats().total.early_refreshes, 1);
}

#[tokio::test]
async fn a_panic_of_the_function_that_states_the_lifetime_harms_no_caller() {
    let ((fast, _), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let (one, two) = tokio::join!(origin.panicking(), origin.panicking());
        assert_eq!((one.number, two.number), (1, 1), "the waiter has its value too");
        assert_eq!(origin.panicking().await.number, 2, "nothing is stored");
        let failed = origin.panicking_of_an_error();
        assert_eq!((failed.unwrap_err().number, origin.calls()), (3, 3));
        assert_eq!(origin.panicking_of_an_error().unwrap_err().number, 4);
    })
    .await;
    let stats = fast.stats();
    assert_eq!((stats.total.ttl_panics, stats.total.loads, stats.total.load_errors), (4, 2, 2));
    assert_eq!(stats.entries, 0);
}

#[tokio::test]
async fn forever_ends_only_by_invalidation() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((origin.endless(0).await, origin.never_there().await), (1, None));
        assert_eq!(origin.stated(&clock, Duration::MAX, SECOND).await.number, 3);
        clock.advance(CENTURY);
        assert_eq!((origin.endless(0).await, origin.never_there().await), (1, None));
        assert_eq!(origin.stated(&clock, SECOND, SECOND).await.number, 3);
        assert_eq!(origin.calls(), 3);
        fast.cache().invalidate(Scope::from_static("forever:*")).await;
        assert_eq!((origin.endless(0).await, origin.endless(0).await), (4, 4));
        fast.cache().refresh(Scope::from_static("forever:*")).await;
        assert_eq!(origin.endless(0).await, 5);
    })
    .await;
}

#[tokio::test]
async fn an_error_states_for_how_long_it_is_served() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let busy = async |wait, takes| origin.busy(&clock, wait, takes).await.unwrap_err().number;
        assert_eq!(
            (busy(Duration::ZERO, SECOND).await, busy(Duration::ZERO, SECOND).await),
            (1, 2),
            "zero: not at all"
        );
        assert_eq!(busy(SECOND * 10, SECOND).await, 3);
        clock.advance(just_before(SECOND * 9));
        assert_eq!(busy(Duration::ZERO, SECOND).await, 3);
        clock.advance(TICK);
        assert_eq!(busy(Duration::ZERO, SECOND).await, 4, "ten seconds after the load began");
        assert_eq!((busy(SECOND, SECOND).await, busy(SECOND, SECOND).await), (5, 6), "over as it is returned");
    })
    .await;
    let origin = Origin::default();
    with_cache(&fast, async {
        let busy = async || origin.busy_from_the_second_on().await.unwrap_err().number;
        assert_eq!((busy().await, busy().await, busy().await), (1, 2, 2), "`cache_err` chooses first");
    })
    .await;
}

#[tokio::test]
async fn each_element_of_a_batch_has_a_lifetime_of_its_own() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.batch(&clock, &[0, 1, 2, 3, 9]).await.len(), 5);
        let loaded = async |ids: &[u64]| {
            let before = origin.calls();
            origin.batch(&clock, ids).await;
            origin.calls() - before
        };
        assert_eq!(loaded(&[2, 3, 9]).await, 0);
        assert_eq!(loaded(&[0, 1]).await, 2, "zero, and over after a load of a second; another second has passed");
        assert_eq!(loaded(&[2, 3, 9]).await, 1, "two seconds after the first load began");
        assert_eq!(loaded(&[3, 9]).await, 1);
        clock.advance(MINUTE);
        assert_eq!(loaded(&[9]).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_put_value_lives_from_the_beginning_of_the_write() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let token = async || origin.stated(&clock, MINUTE, Duration::ZERO).await.number;
        assert_eq!(origin.replace(&clock, MINUTE, SECOND * 10).await.number, 1);
        clock.advance(just_before(SECOND * 50));
        assert_eq!(token().await, 1);
        clock.advance(TICK);
        assert_eq!(token().await, 2);
        assert_eq!(origin.replace(&clock, SECOND, SECOND).await.number, 3);
        assert_eq!(token().await, 4, "the old value is gone, and the new one is over");
    })
    .await;
}

#[tokio::test]
async fn direct_calls_take_lifetimes_from_values_too() {
    const TOKEN: Key = Key::from_static("direct");
    const EACH: Key = Key::from_static("each");
    let ((fast, clock), origin) = (timed(), Origin::default());
    let cache = fast.cache();
    let token = async |lives, takes| {
        let load = async {
            clock.advance(takes);
            Ok::<_, Fault>(origin.token(lives))
        };
        cache.get_or_load_by(&TOKEN, |token| token.lives, load).await.map(|token| token.number)
    };
    assert_eq!((token(Duration::ZERO, SECOND).await, token(SECOND * 10, SECOND).await), (Ok(1), Ok(2)));
    clock.advance(SECOND * 7);
    assert_eq!(token(SECOND, SECOND).await, Ok(2), "nine tenths of ten seconds, less one");
    clock.advance(SECOND * 2);
    assert_eq!(token(SECOND * 10, SECOND).await, Ok(3));

    let entries = [1, 10, 0].map(|secs| (EACH.join(secs), secs, SECOND * secs));
    cache.mset_each(entries).await;
    cache.set(&EACH.join("forever"), 5_u32, Duration::MAX).await;
    clock.advance(SECOND * 2);
    let keys = [1, 10, 0].map(|secs| EACH.join(secs));
    assert_eq!(cache.mget::<u32>(&keys).await, [None, Some(10), None]);
    clock.advance(CENTURY);
    assert_eq!(cache.get::<u32>(&EACH.join("forever")).await, Some(5));
}

#[cacheable(ttl = |token| token.lives, jitter = 0, early = off, key = "met", skip(origin, lives))]
async fn met(origin: &Origin, lives: Duration) -> Token {
    origin.token(lives)
}

/// A direct call meets the entry of a function, and lets it live as long as the function said.
#[tokio::test]
async fn a_direct_read_obeys_what_the_value_stated() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    let key = Key::from_static("met");
    with_cache(&fast, async {
        met(&origin, SECOND * 5).await;
        clock.advance(just_before(SECOND * 5));
        assert!(fast.cache().get::<Token>(&key).await.is_some());
        clock.advance(TICK);
        assert_eq!(fast.cache().get::<Token>(&key).await, None);
    })
    .await;
}

/// Each waiter of a load gets the value, and none of them the right to keep it for longer.
#[tokio::test]
async fn entries_of_many_lifetimes_expire_one_by_one() {
    #[cacheable(ttl = |token| token.lives, jitter = 0, early = off, key = "many:{secs}", skip(origin))]
    fn many(origin: &Origin, secs: u32) -> Token {
        origin.token(SECOND * secs)
    }
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache_sync(&fast, || {
        for secs in 1..=10 {
            many(&origin, secs);
        }
        let alive = || (1..=10).filter(|secs| many(&origin, *secs).number <= 10).collect::<BTreeSet<_>>();
        clock.advance(SECOND * 4);
        assert_eq!(alive(), (5..=10).collect());
    });
}
