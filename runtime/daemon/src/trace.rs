//! Trace ids: from an event, over its record, to the entries that it causes.
//!
//! The trace id of a message is the digest of its identity (kind, client, user, id): 32 hexadecimal digits, as W3C
//! trace contexts have them. It needs no bookkeeping: whoever knows the event can work it out.

use std::fmt;

use aquarium_charging::input::key_of;
use aquarium_charging::ledger::{LineKind, WalletLine};
use aquarium_charging::posting::Cause;
use aquarium_store::Digest;
use tracing::Level;

/// A trace id.
pub struct TraceId(pub Digest);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Says what was added to a user's wallet, and by which event.
pub fn posted(user: &str, lines: &[WalletLine]) {
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    for line in lines {
        let Cause::Event { client, id } = &line.entry.cause else { continue };
        let trace = TraceId(Digest(key_of("resource", client, user, id)));
        let what = match line.kind {
            LineKind::Posted => "posted an entry",
            LineKind::Reversal => "reversed an entry",
        };
        tracing::debug!(%trace, user, %client, %id, resource = %line.entry.resource, credits = %line.credits(), "{what}");
    }
}
