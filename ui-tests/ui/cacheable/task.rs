//! `load = task` on functions that cannot have it.

use fastness::cacheable;

#[cacheable(ttl = 300, load = task)]
fn sync_task() -> u8 { 1 }

#[cacheable(ttl = 300, load = background)]
async fn word_of_another_option() -> u8 { 1 }

#[cacheable(ttl = 300, load = task, skip(list))]
async fn lent(list: &mut Vec<u8>) -> usize { list.len() }

#[derive(Clone, Debug)]
struct Users;

impl Users {
    #[cacheable(ttl = 300, load = task, skip(self))]
    async fn formats_self(&self, id: u64) -> String { format!("{self:?} {id}") }
}

fn main() {}
