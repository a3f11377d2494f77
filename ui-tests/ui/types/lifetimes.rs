//! Lifetimes from values and errors that the types do not allow.

use std::time::Duration;

use fastness::{cache_put, cacheable};

const SECONDS: u64 = 5;

#[derive(Clone)]
struct Token {
    lives: Duration,
}

impl Token {
    fn lifetime(&self) -> Duration {
        self.lives
    }

    fn seconds(&self) -> u64 {
        self.lives.as_secs()
    }
}

fn token() -> Token { Token { lives: Duration::ZERO } }

#[cacheable(ttl = |token| token.lives.as_secs())]
async fn a_number() -> Token { token() }

#[cacheable(ttl = |text: &String| Duration::from_secs(text.len() as u64))]
async fn of_another_type() -> Option<Token> { Some(token()) }

#[cacheable(ttl = |token| token.lives + margin, skip(margin))]
async fn of_an_argument(margin: Duration) -> Token { token() }

#[cacheable(ttl = SECONDS)]
async fn a_constant_number() -> Token { token() }

#[cacheable(ttl = Token::seconds)]
async fn a_function_that_returns_a_number() -> Token { token() }

#[cacheable(ttl = Token::lifetime)]
async fn a_function_of_another_type() -> Result<String, u8> { Ok(String::new()) }

#[cacheable(ttl = 60, err_ttl = |error| Duration::from_secs(*error))]
async fn no_error() -> Token { token() }

struct Private;

#[cacheable(ttl = 60, err_ttl = |_| Duration::from_secs(1))]
async fn an_error_that_cannot_be_kept() -> Result<Token, Private> { Ok(token()) }

#[cache_put(ttl = |token| token.lives.as_secs(), key = "token")]
async fn put_a_number() -> Token { token() }

fn main() {}
