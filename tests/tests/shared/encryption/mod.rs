//! Encrypted values: what Redis holds of them, fleets in which not every process has the same secret keys, and values changed by hand.

mod fleets;
mod hidden;
mod tampered;

use fastness::tier::{Keyring, SecretKey};
use fastness::{Fastness, Redis as Settings, cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, Redis};

use crate::{Origin, node_with};

/// The text of every value, which is to be found nowhere.
const SECRET: &str = "SECRET-OF-A-PERSON";

fn secret(byte: u8) -> SecretKey {
    SecretKey::new(&[byte; 32]).unwrap()
}

/// A keyring of these secret keys, the current one first; each is named by its letter.
fn keyring(letters: &str) -> Keyring {
    let mut keyring: Option<Keyring> = None;
    for letter in letters.bytes() {
        let (id, secret_key) = (char::from(letter).to_string(), secret(letter));
        keyring = Some(match keyring {
            None => Keyring::new(&secret(1), &id, &secret_key).unwrap(),
            Some(keyring) => keyring.former(&id, &secret_key).unwrap(),
        });
    }
    keyring.expect("a letter")
}

/// A process with this keyring, or with none.
async fn process(server: &Redis, prefix: &str, letters: &str) -> Fastness {
    let settings = Settings::single(&server.url()).unwrap().prefix(prefix).command_timeout(PATIENCE);
    node_with(if letters.is_empty() { settings } else { settings.encrypt(keyring(letters)) }).await
}

#[cacheable(ttl = 60, key = "patient:{name}", tier = shared, skip(origin))]
async fn patient(origin: &Origin, name: &str) -> String {
    format!("{SECRET} {name} {}", origin.load())
}

async fn get(process: &Fastness, origin: &Origin, name: &str) -> String {
    with_cache(process, patient(origin, name)).await
}

/// The names of all values under this prefix, without the log and what belongs to it.
async fn values(server: &Redis, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = server.command(&["KEYS", &format!("{prefix}*")]).await;
    names.retain(|name| name.contains('#') && !name.ends_with(":lease"));
    names
}
