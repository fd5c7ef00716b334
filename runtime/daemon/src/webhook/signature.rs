//! Signatures: whoever has the key can tell that a credit event came from here, and when.

use std::path::Path;

use aquarium_ir::Millis;
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::HeaderName;
use sha2::Sha256;

/// The header that holds the signature: `t=MILLISECONDS,v1=HEXADECIMAL`.
pub const HEADER: HeaderName = HeaderName::from_static("aquarium-signature");
/// A key that is shorter could be found by trying.
const KEY_BYTES_MIN: usize = 16;

/// A key.
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// The key in a file, without the white space around it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        Self::new(bytes.trim_ascii())
    }

    fn new(key: &[u8]) -> Result<Self, String> {
        if key.len() < KEY_BYTES_MIN {
            return Err(format!("it has {} bytes; at least {KEY_BYTES_MIN} are needed", key.len()));
        }
        Hmac::new_from_slice(key).map(Self).map_err(|error| error.to_string())
    }

    /// The value of the header: HMAC-SHA256 over the time, a full stop, and the body.
    pub fn sign(&self, now: Millis, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(now.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        let digest = mac.finalize().into_bytes();
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={now},v1={digits}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected digest is what `openssl dgst -sha256 -hmac` says.
    #[test]
    fn the_time_and_the_body_are_signed() {
        let secret = Secret::new(b"0123456789abcdef").unwrap();
        let expected = "t=1795323093000,v1=d653d4edb919dea26307a65897994ef1913d92e11b3f486f3ae0cb322886f7be";
        assert_eq!(secret.sign(Millis(1_795_323_093_000), b"{\"id\":\"a\"}"), expected);
        assert!(Secret::new(b"short").is_err());
    }
}
