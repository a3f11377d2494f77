//! Labels and predicates of wrong types.

use fastness::timed;

#[timed(labels(user = name))]
fn text(name: String) {}

#[timed(labels(user = name))]
fn borrowed_text(name: &str) {}

#[timed(labels(user = id))]
async fn number(id: u64) {}

#[timed(slow = 3_u8 as u64)]
fn slow_is_no_duration() {}

#[timed(error_if = |status: &String| status.is_empty())]
fn verdict_on_another_type() -> u16 { 200 }

#[timed(ok_if = |status| *status)]
fn verdict_is_no_bool() -> u16 { 200 }

fn main() {}
