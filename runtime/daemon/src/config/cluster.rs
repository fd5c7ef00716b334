//! This node among others on the same store.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::PasswordPlace;

/// How long leases last unless their holder goes on: longer than a pause of a busy machine, and no longer than users can
/// wait for another node to take over.
const LEASE_MILLIS: u64 = 10_000;
/// A lease is renewed in parts of its time; below this a slow network loses it.
const LEASE_MILLIS_MIN: u64 = 500;

/// Settings of a node among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Where the other nodes reach this one.
    pub address: Option<String>,
    /// How long leases last.
    pub lease_millis: u64,
    /// The file of the secret that nodes show each other.
    pub secret_file: Option<PathBuf>,
    /// The variable of the environment that holds the secret.
    pub secret_variable: Option<String>,
    /// The certificates of authorities that vouch for the other nodes.
    pub authorities: Option<PathBuf>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            address: None,
            lease_millis: LEASE_MILLIS,
            secret_file: None,
            secret_variable: None,
            authorities: None,
        }
    }
}

impl Cluster {
    /// How long leases last.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_millis.max(LEASE_MILLIS_MIN))
    }

    /// The secret, where there is one.
    pub fn secret(&self) -> Result<Option<String>, String> {
        let place = PasswordPlace::of(self.secret_file.as_ref(), self.secret_variable.as_ref());
        place.map(|place| place.read()).transpose()
    }
}
