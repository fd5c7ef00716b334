//! Trace ids: from an event, over its record, to the entries that it causes.
//!
//! The trace id of a message is the digest of its identity (kind, client, user, id): 32 hexadecimal digits, as W3C
//! trace contexts have them. It needs no bookkeeping: whoever knows the event can work it out.

use std::fmt;
use std::time::SystemTime;

use aquarium_charging::input::key_of;
use aquarium_charging::ledger::{LineKind, WalletLine};
use aquarium_charging::posting::Cause;
use aquarium_store::Digest;
use opentelemetry::KeyValue;
use tracing::Level;

use crate::ingest::Outcome;
use crate::telemetry::{self, Place};

/// A trace id.
pub struct TraceId(pub Digest);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Says what became of an event on its way into the log.
pub fn taken_in(trace: TraceId, user: &str, id: &str, result: Outcome, began: SystemTime) {
    if tracing::enabled!(Level::DEBUG) {
        tracing::debug!(%trace, user, id, ?result, "took a message in");
    }
    let place = if result == Outcome::Stored { Place::First } else { Place::Later };
    telemetry::span(&trace, place, "ingest", began, || {
        vec![
            KeyValue::new("user.id", user.to_owned()),
            KeyValue::new("messaging.message.id", id.to_owned()),
            KeyValue::new("aquarium.result", result.name()),
        ]
    });
}

/// Whether anybody wants to know what became of events.
pub fn is_wanted() -> bool {
    tracing::enabled!(Level::DEBUG) || telemetry::is_on()
}

/// Says what was added to a user's wallet, and by which event.
pub fn posted(user: &str, lines: &[WalletLine], began: SystemTime) {
    if !is_wanted() {
        return;
    }
    for line in lines {
        let Cause::Event { client, id } = &line.entry.cause else { continue };
        let trace = TraceId(Digest(key_of("resource", client, user, id)));
        let what = match line.kind {
            LineKind::Posted => "posted an entry",
            LineKind::Reversal => "reversed an entry",
        };
        let (resource, credits) = (&line.entry.resource, line.credits());
        tracing::debug!(%trace, user, %client, %id, %resource, %credits, "{what}");
        telemetry::span(&trace, Place::Later, what, began, || {
            vec![
                KeyValue::new("user.id", user.to_owned()),
                KeyValue::new("aquarium.resource", resource.to_string()),
                KeyValue::new("aquarium.credits", credits.to_string()),
            ]
        });
    }
}
