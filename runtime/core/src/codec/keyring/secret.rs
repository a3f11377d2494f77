//! [`SecretKey`], 32 bytes that are not printed.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorDetail};

/// The length of a secret key, in bytes.
const LENGTH: usize = 32;
/// The space that base64 of so many bytes is decoded in: whole groups of three.
const DECODED: usize = LENGTH.div_ceil(3) * 3;

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret key of a [`Keyring`](crate::Keyring): 32 random bytes.
///
/// `Debug` does not show them, and they are overwritten when the secret key is dropped. Use bytes of a random generator, such as those of
/// `openssl rand -hex 32` or of a key management service: a password has too few possible values.
///
/// ```
/// use fastness::tier::SecretKey;
///
/// # fn main() -> Result<(), fastness::Error> {
/// let from_bytes = SecretKey::new(&[7; 32])?;
/// let from_hex: SecretKey = "5f1d7c34a0be96d2a4ce1f4087bb1e2f6f7f08c1d0a9d3e2b5c4f6a7988e1d03".parse()?;
/// let from_base64: SecretKey = "Xx18NKC+ltKkzh9Ah7seL29/CMHQqdPitcT2p5iOHQM=".parse()?;
/// assert_eq!(format!("{from_hex:?}"), "SecretKey(..)");
/// # Ok(()) }
/// ```
pub struct SecretKey(Zeroizing<[u8; LENGTH]>);

impl SecretKey {
    /// Creates a secret key of these bytes.
    ///
    /// # Errors
    ///
    /// Fails if they are not 32.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        let bytes: &[u8; LENGTH] = bytes.try_into().map_err(|_| {
            ErrorDetail::Setting("a secret key does not have 32 bytes: give it 32 random ones, and not a password")
        })?;
        Ok(Self(Zeroizing::new(*bytes)))
    }

    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// Parses 64 hexadecimal digits, or the base64 of 32 bytes with or without padding.
///
/// No message of an error repeats the text.
impl FromStr for SecretKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; DECODED]);
        let length = if text.len() == 2 * LENGTH { hex(text, &mut *bytes) } else { base64(text, &mut *bytes) };
        match length {
            Some(LENGTH) => Self::new(&bytes[..LENGTH]),
            _ => Err(ErrorDetail::Setting(
                "this is not a secret key: write 32 random bytes as 64 hexadecimal digits, as `openssl rand -hex 32` prints them, or in base64",
            )
            .into()),
        }
    }
}

/// Decodes hexadecimal digits, and returns the number of bytes.
fn hex(text: &str, bytes: &mut [u8]) -> Option<usize> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(pairs.len())
}

/// Decodes base64, and returns the number of bytes.
fn base64(text: &str, bytes: &mut [u8]) -> Option<usize> {
    BASE64.decode_slice(text, bytes).ok()
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
