//! Wrong durations.

use fastness::cacheable;

#[cacheable(ttl = 0)]
fn zero() -> u8 { 1 }

#[cacheable(ttl = "0s")]
fn zero_with_a_unit() -> u8 { 1 }

#[cacheable(ttl = "300")]
fn no_unit() -> u8 { 1 }

#[cacheable(ttl = "5 minutes")]
fn in_words() -> u8 { 1 }

#[cacheable(ttl = "5y")]
fn unknown_unit() -> u8 { 1 }

#[cacheable(ttl = 2.5)]
fn float() -> u8 { 1 }

#[cacheable(ttl = 300s)]
fn suffix() -> u8 { 1 }

#[cacheable(ttl = 99999999999999999999999)]
fn too_long() -> u8 { 1 }

#[cacheable(ttl = "")]
fn empty() -> u8 { 1 }

#[cacheable(ttl = -5)]
fn negative() -> u8 { 1 }

#[cacheable(ttl = |value: &u8| Duration::from_secs(u64::from(*value)))]
fn from_the_value() -> u8 { 1 }

fn main() {}
