//! Digests: of an argument's serde form, and of keys too long to keep.

use std::hash::Hasher;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::part::KeyPart;
use super::writer::KeyWriter;

/// The first 128 bits of a SHA-256.
///
/// Cryptographic on purpose: `{filter:hash}` is fed by whoever calls the service, and a forged collision would serve one
/// caller another caller's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of a value, by its `MessagePack` form with named fields.
    ///
    /// A value that refuses to be serialised gets a digest of its own each time: it is never found, and never mistaken.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        let mut sink = Sink(Sha256::new());
        let mut serializer = rmp_serde::Serializer::new(&mut sink).with_struct_map().with_human_readable();
        match value.serialize(&mut serializer) {
            Ok(()) => sink.finish(),
            Err(_) => Self::unique(),
        }
    }

    /// Of text.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut sink = Sink(Sha256::new());
        sink.0.update(text.as_bytes());
        sink.finish()
    }

    fn unique() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_ne_bytes());
        bytes[8..].copy_from_slice(&fastrand::u64(..).to_ne_bytes());
        Self(bytes)
    }
}

struct Sink(Sha256);

impl Sink {
    fn finish(self) -> Digest {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0.finalize()[..16]);
        Digest(short)
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl KeyPart for Digest {
    type Owned = Digest;

    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }

    fn same(&self, owned: &Digest) -> bool {
        self == owned
    }

    fn own(&self) -> Digest {
        *self
    }

    fn write(&self, out: &mut KeyWriter) {
        for byte in self.0 {
            out.display(format_args!("{byte:02x}"));
        }
    }
}
