//! Functions that cannot be timed, and orders of attributes that make no sense.

use fastness::timing::Label;
use fastness::{cacheable, timed};

#[timed]
const fn at_compile_time() {}

#[timed]
unsafe fn with_promises() {}

#[timed]
struct NoFunction;

trait Reads {
    #[timed]
    fn no_body(&self);
}

#[timed]
#[timed(name = "again")]
fn twice() {}

#[timed]
#[cacheable]
fn error_below() -> u8 { 1 }

#[derive(Label)]
struct NoEnum;

#[derive(Label)]
enum Never {}

#[derive(Label)]
#[label(krate = fastness)]
enum UnknownOption { One }

fn main() {}
