//! Functions that the attributes of resilience cannot be put on.
#![allow(dead_code, unused_variables)]

use fastness::resilience::{Rejected, TimedOut};
use fastness::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};

struct Error;
type Answer = Result<u8, Error>;

impl From<Rejected> for Error {
    fn from(_: Rejected) -> Self { Self }
}

impl From<TimedOut> for Error {
    fn from(_: TimedOut) -> Self { Self }
}

#[circuit_breaker]
fn breaker_cannot_tell_failures() {}

#[retry]
fn retry_cannot_tell_failures() -> Vec<u8> { Vec::new() }

#[fallback(other)]
fn fallback_cannot_tell_failures() {}

#[bulkhead(max = 3)]
fn bulkhead_cannot_reject() {}

#[rate_limit(calls = 1, per = "1s")]
fn rate_limit_cannot_reject() {}

#[timeout("1s")]
fn timeout_cannot_stop_a_thread() -> Result<u8, Error> { Ok(1) }

#[circuit_breaker(timeout = "1s")]
fn breaker_cannot_stop_a_thread() -> Result<u8, Error> { Ok(1) }

#[hedge(after = "1s")]
fn hedge_cannot_run_two_on_a_thread() -> Result<u8, Error> { Ok(1) }

#[hedge(after = "1s")]
async fn an_argument_that_two_would_write(buffer: &mut Vec<u8>) -> Answer { Ok(1) }

#[retry]
fn an_argument_without_a_name((a, b): (u8, u8)) -> Answer { Ok(a + b) }

#[fallback(other)]
fn an_argument_that_is_kept_for_nobody(_: u8) -> Answer { Ok(1) }

#[retry]
const fn constant() -> Answer { Ok(1) }

#[circuit_breaker]
unsafe fn without_promises() -> Answer { Ok(1) }

#[retry]
struct NotAFunction;

struct Client;
impl Client {
    #[circuit_breaker]
    fn a_method_has_no_path(&self) -> Answer { Ok(1) }

    #[retry]
    fn consumes_itself(self) -> Answer { Ok(1) }

    #[retry]
    fn changes_itself(&mut self) -> Answer { Ok(1) }

    #[fallback(Self::other)]
    fn gives_itself_away(self) -> Answer { Ok(1) }
}

fn main() {}
