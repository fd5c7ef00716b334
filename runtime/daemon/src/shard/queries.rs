//! Questions that look at a user's ledger itself: what is worked out from it is the asker's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_charging::ledger::View;
use aquarium_charging::{Deployments, Ledger, Reason};
use aquarium_ir::{Credits, Millis};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::findings::WhichFindings;
use super::{Ask, Finding, Handle, Row, Unanswered};

/// What looks at a ledger: it is given none where there is no record of the user.
pub(super) type Look = Box<dyn FnOnce(Result<Option<Known<'_>>, Unanswered>) + Send>;

/// What looks at a user's state at an instant: it is given none where there is no record up to then.
pub(super) type LookAt = Box<dyn FnOnce(Result<Option<Seen<'_>>, Unanswered>) + Send>;

/// A user's state at an instant, and the policies that it was folded by.
pub struct Seen<'a> {
    /// The state.
    pub view: View,
    /// The policies; asking them changes nothing.
    pub deployments: &'a mut Deployments,
}

/// A user's ledger, folded up to the log's end, and the policies that it was folded by.
pub struct Known<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The policies; asking them changes nothing.
    pub deployments: &'a mut Deployments,
}

/// Which users are meant: those after one, in the order of their bytes, whose id contains a text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Which {
    /// The text; empty: all users.
    pub containing: String,
    /// Users after this one; `None`: from the first.
    pub after: Option<String>,
    /// Users at most.
    pub limit: usize,
    /// Whether everybody must be there of whom there was a record when it was asked: whoever asks then waits, for as long
    /// as records come in faster than they are read.
    #[serde(default)]
    pub whole: bool,
}

impl Which {
    /// Whether a user is one of them, but for their number.
    pub fn means(&self, user: &str) -> bool {
        user.contains(&self.containing) && self.after.as_deref().is_none_or(|after| user > after)
    }
}

/// Users by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Who was named in what was received up to this instant is there.
    pub known: Millis,
    /// In the order of their bytes.
    pub names: Vec<String>,
}

/// Events without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutEffect {
    /// What was received up to this instant is charged.
    pub known: Millis,
    /// Those that are meant, in the order of the log.
    pub findings: Vec<Finding>,
    /// How many there are of all, by reason.
    pub counts: BTreeMap<Reason, u64>,
}

/// Balances of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standings {
    /// What was received up to this instant is charged.
    pub known: Millis,
    /// By user; of those of whom nothing is charged there is none.
    pub balances: BTreeMap<String, Credits>,
}

impl Named {
    /// Nobody, at whatever time.
    pub fn none() -> Self {
        Self { known: Millis::MAX, names: Vec::new() }
    }

    /// Adds users of others, up to a number of all.
    pub fn add(&mut self, others: Self, limit: usize) {
        self.known = self.known.min(others.known);
        self.names.extend(others.names);
        self.names.sort_unstable();
        self.names.truncate(limit);
    }
}

impl WithoutEffect {
    /// Nothing, at whatever time.
    pub fn none() -> Self {
        Self { known: Millis::MAX, findings: Vec::new(), counts: BTreeMap::new() }
    }

    /// Adds those of other users, up to a number of all.
    pub fn add(&mut self, others: Self, limit: usize) {
        self.known = self.known.min(others.known);
        self.findings.extend(others.findings);
        self.findings.sort_by_key(|finding| finding.position);
        self.findings.truncate(limit);
        for (reason, count) in others.counts {
            let so_far = self.counts.entry(reason).or_default();
            *so_far = so_far.saturating_add(count);
        }
    }
}

impl Standings {
    /// Nobody's, at whatever time.
    pub fn none() -> Self {
        Self { known: Millis::MAX, balances: BTreeMap::new() }
    }

    /// Adds those of other users.
    pub fn add(&mut self, others: Self) {
        self.known = self.known.min(others.known);
        self.balances.extend(others.balances);
    }
}

impl Handle {
    /// How a user stands at an instant; `None` where there is no record of the user at or before it.
    pub async fn standing(&self, user: &str, at: Millis) -> Result<Option<Row>, Unanswered> {
        let name = user.to_owned();
        self.see(user, at, move |Seen { view, .. }| Row::of(name, &view)).await
    }

    /// What `look` makes of a user's state at an instant; `None` where there is no record up to then.
    pub async fn see<T: Send + 'static>(
        &self,
        user: &str,
        at: Millis,
        look: impl FnOnce(Seen<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, Unanswered> {
        self.ask_of(user, |reply: oneshot::Sender<Result<Option<T>, Unanswered>>| {
            let look = move |seen: Result<Option<Seen<'_>>, Unanswered>| {
                // Whoever asked may have gone away by now.
                let _ = reply.send(seen.map(|seen| seen.map(look)));
            };
            Ask::State { user: user.to_owned(), at, look: Box::new(look) }
        })
        .await
    }

    /// What `look` makes of a user's ledger; `None` where there is no record of the user. It runs on the
    /// shard: what takes long works on a clone, elsewhere.
    pub async fn examine<T: Send + 'static>(
        &self,
        user: &str,
        look: impl FnOnce(Known<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, Unanswered> {
        self.ask_of(user, |reply: oneshot::Sender<Result<Option<T>, Unanswered>>| {
            let look = move |known: Result<Option<Known<'_>>, Unanswered>| {
                // Whoever asked may have gone away by now.
                let _ = reply.send(known.map(|known| known.map(look)));
            };
            Ask::Ledger { user: user.to_owned(), look: Box::new(look) }
        })
        .await
    }

    /// Users by id, in the order of its bytes.
    pub async fn names(&self, which: &Which) -> Result<Named, Unanswered> {
        let all = self.ask_all(|reply| Ask::Names { which: which.clone(), reply }).await?;
        let mut named = Named::none();
        all.into_iter().for_each(|of_shard| named.add(of_shard, which.limit));
        Ok(named)
    }

    /// The events that have no effect.
    pub async fn without_effect(&self, which: &WhichFindings) -> Result<WithoutEffect, Unanswered> {
        let all = self.ask_all(|reply| Ask::Findings { which: which.clone(), reply }).await?;
        let mut whole = WithoutEffect::none();
        all.into_iter().for_each(|of_shard| whole.add(of_shard, which.limit));
        Ok(whole)
    }

    /// The balances of users who are charged here.
    pub async fn standings(&self, users: &[String], at: Millis) -> Result<Standings, Unanswered> {
        let users: Arc<[String]> = Arc::from(users);
        let all = self.ask_all(|reply| Ask::Standings { users: users.clone(), at, reply }).await?;
        let mut standings = Standings::none();
        all.into_iter().for_each(|of_shard| standings.add(of_shard));
        Ok(standings)
    }
}
