//! What administrators decide about users, as records of the log: grants, thresholds, agreements.
//!
//! A record is idempotent by its id: repeated it changes nothing. What became of refused input is decided
//! in [`quarantined`].

pub mod quarantined;

use aquarium_charging::input::{self, Refusal, Source};
use aquarium_ir::{Credits, Millis};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::daemon::Daemon;
use crate::ingest::{Answer, IngestError, Outcome};

/// A decision about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What makes it the same decision when it is sent again.
    pub id: String,
    /// Whom it concerns.
    pub user: String,
    /// From when on it holds; `None`: from its receipt.
    pub occurred: Option<Millis>,
    /// What is decided.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// By whom.
    pub author: String,
}

/// What can be decided about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Credits are given, or taken where negative.
    Grant(Credits),
    /// The user has a threshold of its own; `None`: that of the agreement again.
    Threshold(Option<Credits>),
    /// The user has this agreement, whatever the role; `None`: that of the role again.
    Assign(Option<String>),
}

/// What became of a record of the daemon's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the log now.
    Stored,
    /// It was there already.
    Duplicate,
}

/// Why something was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It cannot be a record as it is.
    #[error("{0}")]
    Refused(String),
    /// The id stands for something else.
    #[error("the id `{0}` was used before for something else")]
    Conflict(String),
    /// The log takes nothing.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl Decision {
    fn record_type(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Threshold(_) => "threshold",
            Self::Assign(_) => "assign",
        }
    }

    fn field(&self) -> (&'static str, String) {
        let text = |agreement: &String| Value::from(agreement.as_str()).to_string();
        match self {
            Self::Grant(credits) => ("credits", credits.to_string()),
            Self::Threshold(value) => ("value", value.map_or_else(null, |value| value.to_string())),
            Self::Assign(agreement) => ("agreement", agreement.as_ref().map_or_else(null, text)),
        }
    }
}

fn null() -> String {
    "null".to_owned()
}

impl Order {
    /// The record. Amounts are written as the decimals that they are.
    fn record(&self) -> Result<String, serde_json::Error> {
        let (field, value) = self.decision.field();
        let mut fields = Fields::new(self.decision.record_type(), &self.id);
        fields.set("userID", self.user.as_str());
        fields.set("reason", self.reason.as_str());
        fields.set("author", self.author.as_str());
        if let Some(Millis(occurred)) = self.occurred {
            fields.set("occurredMillis", occurred);
        }
        fields.text_with(field, &RawValue::from_string(value)?)
    }
}

impl Daemon {
    /// Records a decision about a user.
    pub async fn order(&self, order: &Order) -> Result<Recorded, RecordError> {
        let record = order.record().map_err(|error| RecordError::Refused(error.to_string()))?;
        self.record_own(&order.id, record).await
    }

    /// Stores a record of the daemon's own. One that cannot be read is refused, not put into quarantine: whoever
    /// sent it is told at once.
    pub async fn record_own(&self, id: &str, record: String) -> Result<Recorded, RecordError> {
        check(&record, self.clock.now()).map_err(|refusal| RecordError::Refused(refusal.message))?;
        let answers = self.write(record).await?;
        match answers.first() {
            Some(Answer { result: Outcome::Stored, .. }) => Ok(Recorded::Stored),
            Some(Answer { result: Outcome::Duplicate, .. }) => Ok(Recorded::Duplicate),
            Some(Answer { result: Outcome::Quarantined, message, .. }) => {
                Err(RecordError::Refused(message.clone().unwrap_or_default()))
            }
            _ => Err(RecordError::Conflict(id.to_owned())),
        }
    }
}

fn check(record: &str, received: Millis) -> Result<(), Refusal> {
    let source = Source { received, keeps_received: false, writes_records: true, plausible: None };
    input::read(record.as_bytes(), &source).map(|_| ())
}

/// The fields of a record that is about to be written.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// What every record of the daemon's own has.
    pub fn new(record_type: &str, id: &str) -> Self {
        let mut fields = Self(Map::new());
        fields.set("recordType", record_type);
        fields.set("id", id);
        fields.set("clientID", "aquarium");
        fields
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The record.
    pub fn text(self) -> String {
        Value::Object(self.0).to_string()
    }

    /// The record with one more field, of which the digits stay as they are.
    fn text_with(&self, name: &str, value: &RawValue) -> Result<String, serde_json::Error> {
        let mut raw = std::collections::BTreeMap::new();
        for (name, value) in &self.0 {
            raw.insert(name.as_str(), serde_json::value::to_raw_value(value)?);
        }
        raw.insert(name, value.to_owned());
        serde_json::to_string(&raw)
    }
}

#[cfg(test)]
mod tests {
    use aquarium_charging::record::Body;

    use super::*;

    fn order(decision: Decision) -> Order {
        Order {
            id: "o-1".to_owned(),
            user: "u \"1\"".to_owned(),
            occurred: Some(Millis(5)),
            decision,
            reason: "asked for".to_owned(),
            author: "ops".to_owned(),
        }
    }

    #[test]
    fn orders_are_records_to_the_last_digit() {
        let source =
            Source { received: Millis(9), keeps_received: false, writes_records: true, plausible: None };
        let credits: Credits = "-100000000000000000.000000000001".parse().unwrap();
        for decision in [
            Decision::Grant(credits),
            Decision::Threshold(Some(credits)),
            Decision::Threshold(None),
            Decision::Assign(Some("gold \u{1f}".to_owned())),
            Decision::Assign(None),
        ] {
            let text = order(decision.clone()).record().unwrap();
            let record = input::read(text.as_bytes(), &source).unwrap().record;
            assert_eq!((&*record.user, record.occurred), ("u \"1\"", Millis(5)));
            let read = match record.body {
                Body::Grant { credits, reason, author } => {
                    assert_eq!((&*reason, &*author), ("asked for", "ops"));
                    Decision::Grant(credits)
                }
                Body::Threshold(value) => Decision::Threshold(value),
                Body::Assign(agreement) => Decision::Assign(agreement.map(|name| name.into_owned())),
                body => panic!("{body:?}"),
            };
            assert_eq!(read, decision);
        }
    }

    #[test]
    fn what_cannot_be_a_record_is_refused() {
        let mut nobody = order(Decision::Threshold(None));
        nobody.user.clear();
        let mut long = order(Decision::Threshold(None));
        long.id = "x".repeat(129);
        let large = order(Decision::Grant("1000000000000000000".parse().unwrap()));
        for wrong in [nobody, long, large] {
            assert!(check(&wrong.record().unwrap(), Millis(9)).is_err(), "{wrong:?}");
        }
    }
}
