//! Fastness: the attribute as its documentation shows it, with everything that is on by default.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use fastness::{cache_invalidate, cacheable};

use crate::measure::{Case, block_on};
use crate::origin::{self, Missing, User};
use crate::traffic;

/// A sync fn of a number.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub fn get_user(id: u64) -> Result<Arc<User>, Missing> {
    origin::find(id)
}

/// An async fn of a number.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub async fn load_user(id: u64) -> Result<Arc<User>, Missing> {
    origin::find_async(id).await
}

/// A sync fn of a text.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub fn find_user(name: &str) -> Result<Arc<User>, Missing> {
    origin::find_by_name(name)
}

/// An async fn of a text.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub async fn search_user(name: &str) -> Result<Arc<User>, Missing> {
    origin::find_by_name(name)
}

/// A sync fn of a text and a number.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub fn get_user_in(region: &str, id: u64) -> Result<Arc<User>, Missing> {
    if region.is_empty() {
        return Err(Missing);
    }
    origin::find(id)
}

/// A sync fn of a long text.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub fn read_page(page: &str) -> Result<Arc<User>, Missing> {
    origin::find(page.len() as u64)
}

/// A sync fn of as many bytes.
///
/// # Errors
///
/// If there is no such user.
#[cacheable(ttl = 3600, capacity = 200_000)]
pub fn read_bytes(page: &[u8]) -> Result<Arc<User>, Missing> {
    origin::find(page.len() as u64)
}

/// Texts of 20 KiB, each of its own.
static PAGES: LazyLock<Vec<String>> = LazyLock::new(|| (0..64).map(|n| format!("{n:020480}")).collect());

fn page(id: u64) -> &'static str {
    &PAGES[id as usize % PAGES.len()]
}

/// Invalidates what has nothing to do with users.
#[cache_invalidate("order:{id}")]
pub async fn change_order(id: u64) {}

/// The sync fn.
pub fn sync(name: &'static str) -> Case {
    Case::sync(name, get_user)
}

/// The async fn.
pub fn future(name: &'static str) -> Case {
    Case::future(name, load_user)
}

/// The sync fn of a text.
pub fn text(name: &'static str) -> Case {
    Case::sync(name, |id| find_user(traffic::name(id)))
}

/// The async fn of a text.
pub fn text_future(name: &'static str) -> Case {
    Case::future(name, async |id| search_user(traffic::name(id)).await)
}

/// The sync fn of a text of 20 KiB.
pub fn long_text(name: &'static str) -> Case {
    Case::sync(name, |id| read_page(page(id)))
}

/// The sync fn of 20 KiB of bytes.
pub fn bytes(name: &'static str) -> Case {
    Case::sync(name, |id| read_bytes(page(id).as_bytes()))
}

/// The fn of a number, by a caller that reads the text too: what a text key is compared with.
pub fn reads_text(name: &'static str) -> Case {
    Case::sync(name, |id| {
        std::hint::black_box(traffic::read(traffic::name(id)));
        get_user(id)
    })
}

/// The fn of a text and a number.
pub fn text_and_number(name: &'static str) -> Case {
    Case::sync(name, |id| get_user_in(origin::region_of(id), id))
}

/// The sync fn while another thread invalidates keys of another root, so many a second.
pub fn sync_under_invalidations(name: &'static str, per_second: u64) -> Case {
    static ON: AtomicBool = AtomicBool::new(false);
    let background = move || {
        let (began, mut done) = (Instant::now(), 0_u64);
        loop {
            thread::sleep(Duration::from_millis(1));
            let due = began.elapsed().as_millis() as u64 * per_second / 1_000;
            while done < due {
                done += 1;
                if ON.load(Relaxed) {
                    block_on(change_order(done));
                }
            }
        }
    };
    thread::spawn(background);
    Case::sync(name, get_user).around(|on| ON.store(on, Relaxed))
}
