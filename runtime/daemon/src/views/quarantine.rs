//! What has no effect, as it is published: refused on arrival, or without effect under the policy in force.

use aquarium_charging::Reason;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::daemon::quarantined::Refused;

/// Something that has no effect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// Its place in the log: the id by which it is handled.
    pub position: u64,
    /// `ingest` or `fold`.
    pub stage: &'static str,
    /// Why.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// Why, in words.
    pub message: String,
    /// Whose it is, where that can be read.
    #[serde(rename = "userID")]
    pub user: Option<String>,
    /// Who sent it, where that can be read.
    #[serde(rename = "clientID")]
    pub client: Option<String>,
    /// When it arrived.
    pub received_millis: i64,
    /// As it came: JSON where it is JSON, else a string of what can be read of it.
    #[schema(value_type = serde_json::Value)]
    pub event: Option<Box<RawValue>>,
}

impl Quarantined {
    /// The published form.
    pub fn of(refused: Refused) -> Self {
        let text = String::from_utf8_lossy(&refused.record.body);
        let event = serde_json::from_str::<Box<RawValue>>(&text).or_else(|_| to_raw_value(&text));
        let people = People::of(&text);
        Self {
            position: refused.record.position.0,
            stage: refused.reason.stage(),
            reason: refused.reason,
            message: refused.message,
            user: refused.user.or(people.user),
            client: people.client,
            received_millis: refused.record.received_millis,
            event: event.ok(),
        }
    }
}

/// Who an event is about and from, where that can be read.
#[derive(Debug, Default)]
struct People {
    user: Option<String>,
    client: Option<String>,
}

impl People {
    fn of(text: &str) -> Self {
        let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) else {
            return Self::default();
        };
        let named =
            |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name)?.as_str().map(str::to_owned));
        Self { user: named(["userID", "userId"]), client: named(["clientID", "clientId"]) }
    }
}
