//! Asking the other nodes: about a user whom one of them charges, and about all users.
//!
//! A list of all users is whole or it is none: each node answers for its own partitions and says which these are, and
//! together they must be all there are, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aquarium_charging::Reason;
use aquarium_ir::Millis;
use aquarium_store::postgres::NodeRow;
use aquarium_store::{Position, partition_of};
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::task::JoinSet;

use super::{Neighbourhood, Tenure};
use crate::client::{Address, Call, ClientError, Reply};
use crate::shard::Finding;
use crate::shard::findings::WhichFindings;
use crate::shard::queries::{Which, WithoutEffect};

/// A node's question names the node: it is not passed on any further.
pub const FROM: HeaderName = HeaderName::from_static("aquarium-node");
/// What nodes know each other by.
pub const SECRET: HeaderName = HeaderName::from_static("aquarium-secret");
/// Where nodes ask each other about many users.
pub const PATH: &str = "/peer";
/// What every listener takes for itself.
const HOST: &str = "localhost";

/// A node and users that it charges; `None` stands for this one.
pub type Group = (Option<NodeRow>, Vec<String>);

/// The other nodes, to be asked.
#[derive(Clone)]
pub struct Peers {
    neighbourhood: Arc<Neighbourhood>,
    tenure: Tenure,
    partitions: u16,
    secret: Option<String>,
    authorities: Option<PathBuf>,
    patience: Duration,
}

/// What one node asks another one about many users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Question {
    /// Users by id, of the node's own partitions.
    Names(Which),
    /// Events without effect, of the node's own partitions.
    Findings(WhichFindings),
    /// The balances of users.
    Balances {
        /// The users.
        users: Vec<String>,
        /// When.
        at: Millis,
    },
    /// The bills of users, each as it is written.
    Bills {
        /// The users.
        users: Vec<String>,
        /// The year.
        year: String,
        /// The month.
        month: String,
        /// Whether final bills are meant.
        finished: bool,
        /// Whether they are written as CSV.
        csv: bool,
    },
    /// What is open of the node's own partitions.
    Open {
        /// When.
        at: Millis,
        /// Of which resources.
        resources: BTreeSet<String>,
    },
}

/// What a node answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    /// For which partitions.
    pub partitions: Vec<u16>,
    /// What.
    pub answer: Value,
}

/// Events without effect, on their way between nodes.
#[derive(Debug, Serialize, Deserialize)]
pub struct FoundThere {
    known: Millis,
    findings: Vec<FindingThere>,
    counts: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FindingThere {
    position: u64,
    user: String,
    reason: String,
    message: String,
}

/// Why another node does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unheard {
    /// No node charges the user now, or not all partitions are charged.
    #[error("another node is taking over; ask again in a moment")]
    Moving,
    /// It cannot be reached.
    #[error("node `{node}` at {address} does not answer: {why}")]
    Silent {
        /// The node.
        node: String,
        /// Where it is.
        address: String,
        /// Why.
        why: String,
    },
    /// It refuses.
    #[error("node `{node}` says {status}: {said}")]
    Refused {
        /// The node.
        node: String,
        /// By which status.
        status: u16,
        /// What it says.
        said: String,
    },
}

impl From<WithoutEffect> for FoundThere {
    fn from(found: WithoutEffect) -> Self {
        let there = |finding: Finding| FindingThere {
            position: finding.position.0,
            user: finding.user,
            reason: finding.reason.as_str().to_owned(),
            message: finding.message,
        };
        let counts = found.counts.into_iter().map(|(reason, count)| (reason.as_str().to_owned(), count));
        Self {
            known: found.known,
            findings: found.findings.into_iter().map(there).collect(),
            counts: counts.collect(),
        }
    }
}

impl FoundThere {
    /// As it is known here; without reasons that this program does not know.
    pub fn known(self) -> WithoutEffect {
        let here = |there: FindingThere| {
            let reason = Reason::named(&there.reason)?;
            let FindingThere { position, user, message, .. } = there;
            Some(Finding { position: Position(position), user, reason, message })
        };
        let counts = self.counts.into_iter();
        WithoutEffect {
            known: self.known,
            findings: self.findings.into_iter().filter_map(here).collect(),
            counts: counts.filter_map(|(word, count)| Some((Reason::named(&word)?, count))).collect(),
        }
    }
}

impl Peers {
    /// The others of a neighbourhood.
    pub fn new(
        neighbourhood: Arc<Neighbourhood>,
        tenure: Tenure,
        partitions: u16,
        (secret, authorities): (Option<String>, Option<PathBuf>),
        patience: Duration,
    ) -> Self {
        Self { neighbourhood, tenure, partitions, secret, authorities, patience }
    }

    /// What nodes know each other by.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Whether a user is charged here.
    pub fn is_here(&self, user: &str) -> bool {
        self.tenure.holds(partition_of(user, self.partitions))
    }

    /// The other node that charges a user.
    pub fn holder(&self, user: &str) -> Result<NodeRow, Unheard> {
        let holder = self.neighbourhood.holder(partition_of(user, self.partitions));
        holder.filter(|node| node.name != self.neighbourhood.name()).ok_or(Unheard::Moving)
    }

    /// Asks a node what somebody asked here.
    pub async fn pass_on(&self, node: &NodeRow, path: &str, mut call: Call) -> Result<Reply, Unheard> {
        let silent = |why: ClientError| Unheard::Silent {
            node: node.name.clone(),
            address: node.address.clone(),
            why: why.to_string(),
        };
        let address = Address::read(&node.address, self.authorities.as_deref()).map_err(silent)?;
        call.headers.push((FROM, self.neighbourhood.name().to_owned()));
        call.headers.extend(self.secret.clone().map(|secret| (SECRET, secret)));
        address.send_as(HOST, path, call).await.map_err(silent)
    }

    /// Asks a node about many users.
    pub async fn ask(&self, node: &NodeRow, question: &Question) -> Result<Answered, Unheard> {
        let call = Call {
            method: Method::POST,
            content_type: HeaderValue::from_static("application/json"),
            headers: Vec::new(),
            body: serde_json::to_vec(question).unwrap_or_default(),
            patience: self.patience,
        };
        let reply = self.pass_on(node, PATH, call).await?;
        let refused = |said: String| Unheard::Refused { node: node.name.clone(), status: reply.status, said };
        match reply.status {
            200 => serde_json::from_slice(&reply.body).map_err(|error| refused(error.to_string())),
            _ => Err(refused(message_of(&reply.body))),
        }
    }

    /// What all other nodes answer, where theirs and the partitions that are answered for here are all there are.
    pub async fn ask_all<T: DeserializeOwned>(
        &self,
        here: &[u16],
        question: &Question,
    ) -> Result<Vec<T>, Unheard> {
        let mut partitions = here.to_vec();
        let mut answers = Vec::new();
        if partitions.len() < usize::from(self.partitions) {
            let mut asked = JoinSet::new();
            for node in self.neighbourhood.others() {
                let (peers, question) = (self.clone(), question.clone());
                asked.spawn(async move { peers.ask(&node, &question).await });
            }
            while let Some(answered) = asked.join_next().await {
                let Answered { partitions: there, answer } = answered.map_err(|_| Unheard::Moving)??;
                partitions.extend(there);
                answers.push(serde_json::from_value(answer).map_err(|_| Unheard::Moving)?);
            }
        }
        partitions.sort_unstable();
        partitions.into_iter().eq(0..self.partitions).then_some(answers).ok_or(Unheard::Moving)
    }

    /// The nodes that charge users, with their users.
    pub fn by_holder(&self, users: &[String]) -> Result<Vec<Group>, Unheard> {
        let mut groups: Vec<Group> = Vec::new();
        for user in users {
            let holder = if self.is_here(user) { None } else { Some(self.holder(user)?) };
            let name = |node: &Option<NodeRow>| node.as_ref().map(|node| node.name.clone());
            match groups.iter_mut().find(|(node, _)| name(node) == name(&holder)) {
                Some((_, users)) => users.push(user.clone()),
                None => groups.push((holder, vec![user.clone()])),
            }
        }
        Ok(groups)
    }
}

/// What a fault says.
fn message_of(body: &[u8]) -> String {
    let fault: Option<Value> = serde_json::from_slice(body).ok();
    let message =
        fault.as_ref().and_then(|fault| fault.as_object()?.values().next()?.get("message")?.as_str());
    message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
