//! `load = task` with arguments that it cannot own, and with a future or an error that is not `Send`.

use std::rc::Rc;

use fastness::cacheable;

struct Users(u8);

impl Users {
    #[cacheable(ttl = 300, load = task)]
    async fn receiver_is_not_clone(&self, id: u64) -> u64 { id + u64::from(self.0) }
}

#[cacheable(ttl = 300, load = task)]
async fn future_is_not_send(id: u64) -> u64 {
    let rc = Rc::new(id);
    std::future::ready(()).await;
    *rc
}

#[cacheable(ttl = 300, load = task)]
async fn error_is_not_send(id: u64) -> Result<u64, Rc<str>> { Ok(id) }

fn main() {}
