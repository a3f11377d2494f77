//! Error types and keys that the attributes of resilience do not accept.

use fastness::{bulkhead, circuit_breaker, fallback, retry, timeout};

#[derive(Debug)]
struct Error;

#[circuit_breaker]
async fn no_error_for_a_rejection() -> Result<u8, Error> { Ok(1) }

#[timeout("1s")]
async fn no_error_for_a_timeout() -> Result<u8, Error> { Ok(1) }

#[circuit_breaker]
fn cannot_fail() -> std::num::NonZeroU8 { std::num::NonZeroU8::MIN }

#[retry]
fn nothing_to_retry() -> std::num::NonZeroU8 { std::num::NonZeroU8::MIN }

struct Unique;

#[retry]
fn cannot_be_given_twice(unique: Unique) -> Result<u8, Error> {
    drop(unique);
    Ok(1)
}

#[fallback(other)]
fn falls_back_to_another_type(n: u8) -> Result<u8, Error> { Ok(n) }

fn other(_: u8, _: Error) -> Result<u16, Error> { Ok(1) }

#[bulkhead(max = 1)]
async fn no_error_for_a_full_bulkhead() -> Result<u8, Error> { Ok(1) }

#[circuit_breaker(timeout = "1s")]
async fn no_error_for_either() -> Result<u8, Error> { Ok(1) }

struct Client { share: f64, name: String, millis: u64 }

impl Client {
    #[retry(attempts = self.name.clone(), budget = self.share)]
    fn numbers_of_other_types(&self) -> Result<u8, Error> { Ok(1) }

    #[timeout(self.millis)]
    async fn a_number_for_a_duration(&self) -> Result<u8, fastness::resilience::TimedOut> { Ok(1) }
}

fn main() {}
