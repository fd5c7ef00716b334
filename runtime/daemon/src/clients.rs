//! Whose events a sender may send, whichever way they come in.

use std::collections::BTreeSet;
use std::sync::Arc;

use aquarium_charging::Reason;
use aquarium_charging::input::{Message, Refusal};

/// The clients whose events may be sent.
#[derive(Debug, Clone, Default)]
pub struct Clients(Option<Arc<BTreeSet<String>>>);

impl Clients {
    /// These clients alone; `None`: all.
    pub fn bound_to(clients: Option<&[String]>) -> Self {
        Self(clients.map(|clients| Arc::new(clients.iter().cloned().collect())))
    }

    /// Whether these clients' events may be sent.
    pub fn may_send(&self, client: &str) -> bool {
        self.0.as_ref().is_none_or(|clients| clients.contains(client))
    }

    /// Refuses events of other clients.
    pub fn check(&self, message: &Message<'_>) -> Result<(), Refusal> {
        let client = &message.record.client;
        if self.may_send(client) {
            return Ok(());
        }
        let message = format!("this sender may not send events of the `clientID` `{client}`");
        Err(Refusal { reason: Reason::ReservedClient, message })
    }
}
