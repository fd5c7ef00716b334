//! What operators decide about refused input: that it is read again, or given up.
//!
//! A redrive reads the bytes as they came by today's checks and accepts an implausible time. What becomes an
//! event is stored as one, then the decision is recorded: broken off in between, it can simply be repeated.

use aquarium_charging::Reason;
use aquarium_charging::input::{self, Refusal, Source};
use aquarium_store::{Digest, OwnedRecord, Position};
use thiserror::Error;

use super::{Fields, RecordError};
use crate::daemon::Daemon;
use crate::ingest::{Batch, IngestError, Layout, Outcome};
use crate::quarantine::Fate;
use crate::registry::name_of;
use crate::shard::Unanswered;

/// A decision about refused input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is to become of it.
    pub fate: Fate,
    /// Why.
    pub reason: String,
    /// By whom.
    pub author: String,
}

/// Which of the refused input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// What was refused for this reason; `None`: for any.
    pub reason: Option<Reason>,
    /// From this place in the log on.
    pub from: Position,
    /// So much of it at most.
    pub limit: usize,
}

/// What became of refused input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It is an event now; `Duplicate`: the event was there already.
    Redriven(Outcome),
    /// It is given up.
    Discarded,
    /// It left the list before.
    Already(Fate),
}

/// What became of each of a selection.
#[derive(Debug, Default)]
pub struct HandledAll {
    /// Those that left the list.
    pub handled: Vec<(Position, Handled)>,
    /// Those that did not, and why.
    pub refused: Vec<(Position, HandlingError)>,
    /// Where to go on, where there may be more.
    pub next: Option<Position>,
}

/// Why refused input stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandlingError {
    /// There is none at this place.
    #[error("nothing that was refused stands at {0}")]
    Unknown(Position),
    /// It is an event.
    #[error("the event at {0} is stored; it takes effect by itself once a policy makes sense of it")]
    Stored(Position),
    /// Another event has its id.
    #[error("its id was used for another event: it can only be discarded")]
    Conflict,
    /// Today's checks refuse it too.
    #[error("it is still refused: {0}")]
    StillRefused(Refusal),
    /// The decision was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The log cannot be read.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl From<IngestError> for HandlingError {
    fn from(error: IngestError) -> Self {
        Self::Record(RecordError::Ingest(error))
    }
}

impl Daemon {
    /// Decides about the refused input at a place in the log.
    pub async fn handle(&self, place: Position, verdict: &Verdict) -> Result<Handled, HandlingError> {
        self.registry_is_current().await;
        let listed = self.registry.known().quarantine.listed(place);
        let Some((reason, digest)) = listed else { return self.not_listed(place) };
        let handled = match verdict.fate {
            Fate::Discarded => Handled::Discarded,
            Fate::Redriven if reason == Reason::Conflict => return Err(HandlingError::Conflict),
            Fate::Redriven => Handled::Redriven(self.read_again(place).await?),
        };
        let (id, record) = verdict.record(digest);
        self.record_own(&id, record).await?;
        Ok(handled)
    }

    /// Decides about all refused input of a selection.
    pub async fn handle_all(
        &self,
        selection: Selection,
        verdict: &Verdict,
    ) -> Result<HandledAll, HandlingError> {
        self.registry_is_current().await;
        let Selection { reason, from, limit } = selection;
        let places = self.registry.known().quarantine.places(from, reason, limit);
        let full = places.len() == limit;
        let mut all =
            HandledAll { next: places.last().filter(|_| full).map(|last| last.next()), ..Default::default() };
        for place in places {
            match self.handle(place, verdict).await {
                Ok(handled) => all.handled.push((place, handled)),
                Err(error @ HandlingError::Record(RecordError::Ingest(_))) => return Err(error),
                Err(error) => all.refused.push((place, error)),
            }
        }
        Ok(all)
    }

    fn not_listed(&self, place: Position) -> Result<Handled, HandlingError> {
        if let Some(fate) = self.registry.known().quarantine.fate(place) {
            return Ok(Handled::Already(fate));
        }
        let is_event = |record: &OwnedRecord| record.position == place && !record.user.is_empty();
        match self.record(place)?.filter(is_event) {
            Some(_) => Err(HandlingError::Stored(place)),
            None => Err(HandlingError::Unknown(place)),
        }
    }

    async fn read_again(&self, place: Position) -> Result<Outcome, HandlingError> {
        let record = self.record(place)?.ok_or(HandlingError::Unknown(place))?;
        let source = Source {
            received: self.clock.now(),
            keeps_received: false,
            writes_records: false,
            plausible: None,
        };
        input::read(&record.body, &source).map_err(HandlingError::StillRefused)?;
        let batch = Batch::read(record.body, Layout::Json, &source, self.log.partitions());
        let answers = self.ingest.submit(batch).await?;
        match answers.first().map(|answer| answer.result) {
            Some(outcome @ (Outcome::Stored | Outcome::Duplicate)) => Ok(outcome),
            _ => Err(HandlingError::Conflict),
        }
    }
}

impl Verdict {
    /// The record of the decision, and its id. There is one decision about one input.
    fn record(&self, digest: Digest) -> (String, String) {
        let record_type = match self.fate {
            Fate::Redriven => "redrive",
            Fate::Discarded => "discard",
        };
        let event = name_of(digest);
        let id = format!("{record_type}-{event}");
        let mut fields = Fields::new(record_type, &id);
        fields.set("event", event);
        fields.set("reason", self.reason.as_str());
        fields.set("author", self.author.as_str());
        (id, fields.text())
    }
}
