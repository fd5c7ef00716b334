//! What is asked about all users, whichever nodes charge them.

use aquarium_ir::Millis;
use serde::de::DeserializeOwned;

use super::Daemon;
use crate::cluster::peers::{FoundThere, Question, Unheard};
use crate::shard::Unanswered;
use crate::shard::findings::WhichFindings;
use crate::shard::queries::{Named, Standings, Which, WithoutEffect};

/// Why there is no answer about all users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotWhole {
    /// This node has none.
    #[error(transparent)]
    Here(#[from] Unanswered),
    /// Another node has none.
    #[error(transparent)]
    There(#[from] Unheard),
}

impl Daemon {
    /// Users by id, in the order of its bytes.
    pub async fn names(&self, which: &Which) -> Result<Named, NotWhole> {
        let here = self.tenure.partitions();
        let mut named = self.shards.names(which).await?;
        for there in self.others::<Named>(&here, || Question::Names(which.clone())).await? {
            named.add(there, which.limit);
        }
        Ok(named)
    }

    /// The events that have no effect, in the order in which they arrived.
    pub async fn without_effect(&self, which: &WhichFindings) -> Result<WithoutEffect, NotWhole> {
        let here = self.tenure.partitions();
        let mut found = self.shards.without_effect(which).await?;
        for there in self.others::<FoundThere>(&here, || Question::Findings(which.clone())).await? {
            found.add(there.known(), which.limit);
        }
        Ok(found)
    }

    /// The balances of users as far as they are charged; of those who have none there is none.
    pub async fn standings(&self, users: &[String], at: Millis) -> Result<Standings, NotWhole> {
        let Some(peers) = &self.peers else { return Ok(self.shards.standings(users, at).await?) };
        let mut standings = Standings::none();
        for (node, users) in peers.by_holder(users)? {
            match node {
                None => standings.add(self.shards.standings(&users, at).await?),
                Some(node) => {
                    let answered = peers.ask(&node, &Question::Balances { users, at }).await?;
                    let there: Option<Standings> = serde_json::from_value(answered.answer).ok();
                    standings.add(there.ok_or(Unheard::Moving)?);
                }
            }
        }
        Ok(standings)
    }

    /// What other nodes answer about their users, where theirs and ours are all there are.
    pub async fn others<T: DeserializeOwned>(
        &self,
        here: &[u16],
        question: impl FnOnce() -> Question,
    ) -> Result<Vec<T>, NotWhole> {
        let Some(peers) = &self.peers else {
            let all = here.len() == usize::from(self.log.partitions());
            return if all { Ok(Vec::new()) } else { Err(Unheard::Moving.into()) };
        };
        let answers = peers.ask_all(here, &question()).await?;
        // What was answered here was about the same partitions from the beginning to the end.
        if self.tenure.partitions() == here { Ok(answers) } else { Err(Unheard::Moving.into()) }
    }
}
