//! What has no effect: refused on arrival, as the registry has it, and without effect under the policies in force, as the
//! shards have it.

use std::collections::BTreeMap;

use aquarium_charging::Reason;
use aquarium_ir::Millis;
use aquarium_store::{Kind, Log, OwnedRecord, Position, ReadError};

use super::Daemon;
use super::everywhere::NotWhole;
use crate::shard::findings::WhichFindings;
use crate::shard::queries::WithoutEffect;
use crate::shard::{Finding, NEAR_THE_END, Unanswered};

/// Something that has no effect, and why.
pub struct Refused {
    /// The record as the log holds it.
    pub record: OwnedRecord,
    /// Whose it is, where that is known.
    pub user: Option<String>,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub message: String,
}

/// A part of what has no effect.
pub struct PartOfRefused {
    /// What was received up to this instant was looked at, and charged.
    pub known: Millis,
    /// In the order of the log.
    pub refused: Vec<Refused>,
    /// Where it goes on; `None`: nowhere.
    pub next: Option<Position>,
    /// How much there is of all, by reason; of reasons without any there is none.
    pub counts: BTreeMap<Reason, u64>,
}

/// Which part is meant.
#[derive(Debug, Clone, Default)]
pub struct WhichRefused {
    /// What stands after this place.
    pub after: Option<Position>,
    /// Only for this reason, by its published word.
    pub reason: Option<String>,
    /// Only what was found where reasons of this [stage](Reason::stage) are.
    pub stage: Option<&'static str>,
    /// At most so many.
    pub limit: usize,
}

impl WhichRefused {
    fn from(&self) -> Position {
        self.after.map_or(Position::START, Position::next)
    }

    fn has_stage(&self, stage: &str) -> bool {
        self.stage.is_none_or(|wanted| wanted == stage)
    }

    /// Which findings are meant; one more than is listed says whether there are more.
    fn findings(&self) -> WhichFindings {
        let limit = if self.has_stage("fold") { self.limit.saturating_add(1) } else { 0 };
        WhichFindings { from: self.from().0, reason: self.reason.clone(), limit }
    }
}

impl Daemon {
    /// A part of what has no effect.
    pub async fn quarantined(&self, which: &WhichRefused) -> Result<PartOfRefused, NotWhole> {
        let WithoutEffect { known, findings, counts } = self.without_effect(&which.findings()).await?;
        let known = known.min(self.registry_near_the_end().await);
        let mut part =
            PartOfRefused { known, refused: Vec::new(), next: None, counts: self.count_refused(counts) };
        let mut all: BTreeMap<Position, Option<Finding>> =
            self.refused_places(which).into_iter().map(|place| (place, None)).collect();
        all.extend(findings.into_iter().map(|finding| (finding.position, Some(finding))));
        if all.len() > which.limit {
            part.next = all.keys().take(which.limit).next_back().copied();
        }
        let log = self.log.clone();
        let listed: BTreeMap<Position, Option<Finding>> = all.into_iter().take(which.limit).collect();
        let read = match tokio::task::spawn_blocking(move || read(&*log, listed)).await {
            Ok(read) => read,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        };
        part.refused = read.map_err(|error| Unanswered::Broken(error.to_string()))?;
        Ok(part)
    }

    fn count_refused(&self, found: BTreeMap<Reason, u64>) -> BTreeMap<Reason, u64> {
        let mut counts = found;
        counts.extend(self.registry.known().quarantine.counts());
        counts.retain(|_, count| *count > 0);
        counts
    }

    fn refused_places(&self, which: &WhichRefused) -> Vec<Position> {
        let reason = match which.reason.as_deref().map(Reason::named) {
            Some(None) => return Vec::new(),
            Some(reason) => reason,
            None => None,
        };
        if !which.has_stage("ingest") {
            return Vec::new();
        }
        let known = self.registry.known();
        known.quarantine.places(which.from(), reason, which.limit.saturating_add(1))
    }

    /// Up to when it is known what was refused; where that is soon now, that is waited for.
    async fn registry_near_the_end(&self) -> Millis {
        let (now, end) = (self.clock.now(), self.log.end());
        if end.0.saturating_sub(self.registry.cursor().0) <= NEAR_THE_END {
            self.registry.reached(end).await;
            return now;
        }
        self.registry.known().received.min(now)
    }
}

/// The records at some places, and why they have no effect; of those that have left the list there is none.
fn read(log: &dyn Log, mut listed: BTreeMap<Position, Option<Finding>>) -> Result<Vec<Refused>, ReadError> {
    let places: Vec<Position> = listed.keys().copied().collect();
    let refused = |record: OwnedRecord| match (listed.remove(&record.position)?, record.kind) {
        (Some(Finding { user, reason, message, .. }), _) => {
            Some(Refused { record, user: Some(user), reason, message })
        }
        (None, Kind::Quarantined(reason)) => {
            let message = record.note.clone();
            Some(Refused { record, user: None, reason, message })
        }
        (None, _) => None,
    };
    Ok(log.read_at(&places)?.into_iter().filter_map(refused).collect())
}
