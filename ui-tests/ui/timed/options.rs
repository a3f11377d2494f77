//! Wrong options of `timed`.
#![allow(unused_variables)]

use fastness::timed;

#[timed(slwo = "100ms")]
fn unknown_option() {}

#[timed(ttl = 300)]
fn option_of_another() {}

#[timed(slow = "100 parsecs")]
fn bad_unit() {}

#[timed(slow = 0.1)]
fn fraction() {}

#[timed(slow = 0)]
fn zero() {}

#[timed(name = users)]
fn name_is_no_text() {}

#[timed(name = "")]
fn name_is_empty() {}

#[timed(slow = "1s", slow = "2s")]
fn given_twice() {}

#[timed(ok_if = true)]
fn no_function() {}

#[timed(ok_if = |_| true, error_if = |_| false)]
fn both_verdicts() {}

#[timed(labels = tier)]
fn labels_are_no_value(tier: bool) {}

#[timed(labels(tier))]
fn label_without_value(tier: bool) {}

#[timed(labels(tier = tier, tier = !tier))]
fn label_twice(tier: bool) {}

#[timed(labels(outcome = tier))]
fn reserved_label(tier: bool) {}

#[timed(name = 3, slow = "x", labels())]
fn all_at_once() {}

fn main() {}
