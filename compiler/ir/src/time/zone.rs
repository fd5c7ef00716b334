//! Time zones, carried by the module: local clock to instant and back.

use serde::{Deserialize, Serialize};

/// A time zone: its name and its data (TZif, RFC 9636: the transitions, and the rule after them).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// The IANA name.
    pub name: String,
    /// The TZif data, in base64 within JSON.
    pub tzif: Vec<u8>,
}
