//! `#[derive(KeyPart)]`, and the formatters `:debug` and `:display`, with types that do not fit.
#![allow(dead_code)]

use fastness::cacheable;
use fastness::key::KeyPart;

struct Opaque;

#[derive(KeyPart)]
struct Page { of: Opaque, number: u32 }

#[derive(KeyPart)]
struct Wrapper(Opaque);

#[derive(KeyPart)]
struct Unit;

#[derive(KeyPart)]
enum Never {}

#[derive(KeyPart)]
union Either { a: u8, b: u8 }

#[derive(KeyPart)]
#[key(debug)]
struct Misplaced(#[key(crate = fastness)] u8, #[key(debug, skip)] u8, #[key(debgu)] u8);

#[cacheable(ttl = 300, key = "a:{of:debug}")]
fn without_debug(of: Opaque) -> u8 { 1 }

#[cacheable(ttl = 300, key = "b:{of:display}")]
fn without_display(of: &Opaque) -> u8 { 1 }

fn main() {}
