//! Which credit events a user's history gives rise to: where the balance stands to the threshold.
//!
//! The state (above, or at or below) is announced when the user is first known and whenever it changes,
//! with the exact instant. Up to where the history was examined nothing is announced twice: when a record
//! comes late, or a policy is deployed into the past, the state is announced again only if it differs from the
//! one that was announced last, however often the balance would have crossed the threshold meanwhile.
//!
//! ```text
//! fold(ledger, now)    folds the ledger and says what to announce
//! sweep(ledger, now)   the same, and posts month ends and refills up to now
//! due(ledger)          when to fold again though no record has come: a lower bound of the next crossing
//! ```
//!
//! What is announced depends on the records, on the order in which they became known, and on nothing else:
//! records that come in their order may be folded one by one or many at once, the first ones of a user too. Whoever is
//! behind folds up to where the records that it has became known, not up to the present.

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::course::{Course, Outlook};
use crate::crossing::{self, Care, Crossing};
use crate::deployments::Deployments;
use crate::ledger::{Changes, Ledger};
use crate::meter::Meter;
use crate::state::State;

/// What was announced about one user. It is kept beside the user's ledger, which is then folded through it
/// alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Announcements {
    /// Whether the state that was announced last is: at or below the threshold.
    below: Option<bool>,
    /// How many were announced.
    sequence: u64,
    /// Up to where the history was examined.
    examined: Option<Millis>,
}

/// A credit event: the user's balance is now above the threshold, or is not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreditEvent {
    /// A hash of user and sequence: a repeated event is harmless.
    pub id: String,
    /// The user.
    #[serde(rename = "userID")]
    pub user: String,
    /// `true` above the threshold, `false` at or below it.
    pub state: bool,
    /// The balance at the instant.
    pub balance: Credits,
    /// The threshold at the instant.
    pub threshold: Credits,
    /// The first instant at which the state holds, after all records of it; for a correction that brings the
    /// state back not before the earliest corrected instant.
    #[serde(rename = "occurredMillis")]
    pub occurred: Millis,
    /// Counts the user's credit events from 1.
    pub sequence: u64,
    /// The version of this format.
    #[serde(rename = "eventVersion")]
    pub version: &'static str,
}

/// The version of the format of credit events.
const EVENT_VERSION: &str = "1.0";

impl Announcements {
    /// Nothing was announced yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known where only the last credit event is: a history up to `examined` that was announced then is
    /// not announced again, though it has to be folded anew.
    #[must_use]
    pub fn resumed(state: bool, sequence: u64, examined: Millis) -> Self {
        Self { below: Some(!state), sequence, examined: Some(examined) }
    }

    /// Up to where the history was examined; `None`: nothing is known of the user.
    #[must_use]
    pub fn examined(&self) -> Option<Millis> {
        self.examined
    }

    /// How many credit events were announced: the last one's sequence.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The state that was announced last: `true` above the threshold.
    #[must_use]
    pub fn announced(&self) -> Option<bool> {
        self.below.map(|below| !below)
    }

    /// Folds as [`Ledger::fold`] and says what to announce, in order. `now` never goes back.
    pub fn fold(
        &mut self,
        ledger: &mut Ledger,
        deployments: &mut Deployments,
        now: Millis,
    ) -> (Changes, Vec<CreditEvent>) {
        let mut walk = self.walk(ledger, now);
        let (changes, begun) = ledger.fold_watched(deployments, now, &mut |state, deployments, next| {
            walk.through(state, deployments, next);
        });
        if let Some(begun) = begun.filter(|_| walk.is_lost()) {
            walk = walk.step_by_step();
            ledger.watch_again(deployments, (begun, now), &mut |state, deployments, next| {
                walk.through(state, deployments, next);
            });
        }
        ledger.outlook = walk.outlook.take();
        (changes, self.announce(ledger.user(), walk, now))
    }

    /// As [`Announcements::fold`], and posts month ends and refills as [`Ledger::sweep`].
    pub fn sweep(
        &mut self,
        ledger: &mut Ledger,
        deployments: &mut Deployments,
        now: Millis,
    ) -> (Changes, Vec<CreditEvent>) {
        ledger.sweep_up_to(now);
        self.fold(ledger, deployments, now)
    }

    /// When to fold again though no record has come: when the first record that waits for its time happens,
    /// or right after an instant up to which there is no crossing since the history was examined; that may be in
    /// the past. `None` where nothing is known of the user.
    pub fn due(&self, ledger: &mut Ledger, deployments: &mut Deployments) -> Option<Millis> {
        let outlook = ledger.outlook.take().map_or_else(Outlook::default, |outlook| *outlook);
        let mut course = Course::resume(ledger.state(), deployments, outlook);
        let quiet = self
            .below
            .zip(self.examined)
            .map(|(below, examined)| crossing::quiet_until(&mut course, deployments, examined, below));
        let due = quiet.map(|quiet| Millis(quiet.0.saturating_add(1)));
        due.into_iter().chain(ledger.waits_for()).min()
    }

    /// Where to begin to look: after what was examined, or, where that has changed, there. A user's first record counts
    /// as examined when it became known.
    fn walk(&self, ledger: &mut Ledger, now: Millis) -> Walk {
        let changed = ledger.changed_from();
        let past = self.examined.or_else(|| ledger.first_received()).map_or(now, |past| past.min(now));
        let walk = Walk {
            from: past,
            past,
            below: self.below,
            announced: None,
            found: Vec::new(),
            outlook: ledger.outlook.take(),
        };
        if self.examined.is_some() && changed.is_none_or(|changed| changed > past) {
            return walk;
        }
        Walk { from: changed.unwrap_or(Millis::MIN), below: None, announced: self.below, ..walk }
    }

    /// Of what was examined before only the last state counts; all that is new is announced.
    fn announce(&mut self, user: &str, Walk { found, past, .. }: Walk, now: Millis) -> Vec<CreditEvent> {
        let new = found.partition_point(|crossing| crossing.at <= past);
        let news: Vec<CreditEvent> = found
            .into_iter()
            .skip(new.saturating_sub(1))
            .filter_map(|crossing| self.announce_one(user, &crossing))
            .collect();
        if self.below.is_some() {
            self.examined = self.examined.max(Some(now));
        }
        news
    }

    fn announce_one(&mut self, user: &str, crossing: &Crossing) -> Option<CreditEvent> {
        if self.below == Some(crossing.below) {
            return None;
        }
        self.below = Some(crossing.below);
        self.sequence = self.sequence.saturating_add(1);
        Some(CreditEvent {
            id: id(user, self.sequence),
            user: user.to_owned(),
            state: !crossing.below,
            balance: crossing.balance,
            threshold: crossing.threshold,
            occurred: crossing.at,
            sequence: self.sequence,
            version: EVENT_VERSION,
        })
    }
}

fn id(user: &str, sequence: u64) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"credit-event");
    hasher.update(sequence.to_le_bytes());
    hasher.update(user.as_bytes());
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The way along a history, state by state.
///
/// Of what was examined before only where it ends counts, and mostly it ends where it did before: that is looked at first,
/// and only if it is otherwise the walk goes through all of it.
struct Walk {
    /// What lies before is as it was when it was examined.
    from: Millis,
    /// Up to here only the last state counts.
    past: Millis,
    /// Where the balance stands; `None`: not looked at yet.
    below: Option<bool>,
    /// Where it was announced to stand; `None`: that says nothing, or the walk goes step by step.
    announced: Option<bool>,
    /// Where it comes to stand on another side than before, the first look included.
    found: Vec<Crossing>,
    /// What is known of the state that was looked at last.
    outlook: Option<Box<Outlook>>,
}

impl Walk {
    /// Whether the past ended elsewhere than was announced.
    fn is_lost(&self) -> bool {
        self.announced.is_some() && self.below.is_none()
    }

    fn step_by_step(self) -> Self {
        Self { announced: None, ..self }
    }

    /// Looks at a state that holds up to `next`, exclusive.
    fn through(&mut self, state: &State, deployments: &mut Deployments, next: Millis) {
        let Some(reached) = state.reached() else { return };
        let last = Millis(next.0.saturating_sub(1));
        let at = reached.max(self.from);
        let passes = self.is_lost() && (last < self.past || at > self.past);
        if at > last || passes {
            return;
        }
        // It is another state than before, with mostly the same open intervals.
        let meter = self.outlook.take().map_or_else(Meter::default, |outlook| outlook.meter);
        let mut course = Course::from(state, deployments, meter);
        self.along(&mut course, deployments, (at, last));
        self.outlook = course.into_outlook();
    }

    /// Looks at what becomes of the state that was reached at the first instant, up to the last.
    fn along(
        &mut self,
        course: &mut Course<'_>,
        deployments: &mut Deployments,
        (at, last): (Millis, Millis),
    ) {
        let past = self.past.clamp(at, last);
        if self.is_lost() {
            let side = crossing::side(course, deployments, (at, past));
            if side != self.announced {
                return;
            }
            self.below = side;
        } else {
            if self.below.is_none() || course.reached() >= Some(self.from) {
                self.note(course.look(deployments, at));
            }
            self.search(course, deployments, (at, past), Care::Ends);
        }
        self.search(course, deployments, (past, last), Care::Exact);
    }

    /// Notes the crossings in `(from, to]`.
    fn search(
        &mut self,
        course: &mut Course<'_>,
        deployments: &mut Deployments,
        span: (Millis, Millis),
        care: Care,
    ) {
        let (mut from, to) = span;
        while let Some(below) = self.below
            && let Some(change) = crossing::next_change(course, deployments, (from, to), below, care)
        {
            from = change.at;
            self.note(change);
        }
    }

    fn note(&mut self, look: Crossing) {
        if self.below.replace(look.below) != Some(look.below) {
            self.found.push(look);
        }
    }
}
