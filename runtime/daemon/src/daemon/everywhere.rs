//! What is asked about all users, whichever nodes charge them.

use std::collections::BTreeMap;

use aquarium_ir::{Credits, Millis};
use serde::de::DeserializeOwned;

use super::Daemon;
use crate::cluster::peers::{FoundThere, Question, Unheard};
use crate::shard::queries::Which;
use crate::shard::{Finding, Unanswered};

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
    pub async fn names(&self, which: &Which) -> Result<Vec<String>, NotWhole> {
        let here = self.tenure.partitions();
        let mut names = self.shards.names(which).await?;
        for there in self.others::<Vec<String>>(&here, || Question::Names(which.clone())).await? {
            names.extend(there);
        }
        names.sort_unstable();
        names.truncate(which.limit);
        Ok(names)
    }

    /// The events that have no effect, in the order in which they arrived.
    pub async fn findings(&self) -> Result<Vec<Finding>, NotWhole> {
        let here = self.tenure.partitions();
        let mut findings = self.shards.findings().await?;
        for there in self.others::<Vec<FoundThere>>(&here, || Question::Findings).await? {
            findings.extend(there.into_iter().filter_map(FoundThere::known));
        }
        findings.sort_by_key(|finding| finding.position);
        Ok(findings)
    }

    /// The balances of users; of those who have none there is none.
    pub async fn balances(
        &self,
        users: &[String],
        at: Millis,
    ) -> Result<BTreeMap<String, Credits>, NotWhole> {
        let Some(peers) = &self.peers else { return Ok(self.balances_here(users, at).await) };
        let mut balances = BTreeMap::new();
        for (node, users) in peers.by_holder(users)? {
            match node {
                None => balances.extend(self.balances_here(&users, at).await),
                Some(node) => {
                    let answered = peers.ask(&node, &Question::Balances { users, at }).await?;
                    let there: Option<BTreeMap<String, Credits>> =
                        serde_json::from_value(answered.answer).ok();
                    balances.extend(there.unwrap_or_default());
                }
            }
        }
        Ok(balances)
    }

    /// The balances of users who are charged here. They are asked for all at once: each would otherwise wait for what is
    /// being charged meanwhile.
    pub async fn balances_here(&self, users: &[String], at: Millis) -> BTreeMap<String, Credits> {
        let mut asked = tokio::task::JoinSet::new();
        for user in users {
            let (shards, user) = (self.shards.clone(), user.clone());
            asked.spawn(async move {
                let row = shards.standing(&user, at).await.ok().flatten()?;
                Some((user, row.balance))
            });
        }
        let mut balances = BTreeMap::new();
        while let Some(one) = asked.join_next().await {
            balances.extend(one.ok().flatten());
        }
        balances
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
