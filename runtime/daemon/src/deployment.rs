//! Deploying policies: what is asked for, why it is refused, and the record that it becomes.

use std::sync::Arc;

use aquarium_charging::deployments::DeploymentRefused;
use aquarium_charging::{Deployments, Span};
use aquarium_ir::Millis;
use aquarium_ir::policy::Policy;
use aquarium_store::PostgresError;
use thiserror::Error;

use crate::administration::{Fields, RecordError, Recorded};
use crate::daemon::Daemon;
use crate::policies::PolicyError;
use crate::registry::Deployment;

/// Nothing happens before it: records say when they occurred by a number above zero.
pub const FIRST_INSTANT: Millis = Millis(1);

/// A deployment that is asked for.
#[derive(Debug, Clone, Default)]
pub struct NewDeployment {
    /// The compiled policy.
    pub module: Vec<u8>,
    /// What makes it the same deployment when it is asked for again; `None`: it is one of its own.
    pub id: Option<String>,
    /// A name for people; `None`: that of the policy.
    pub name: Option<String>,
    /// By whom.
    pub author: Option<String>,
    /// The first instant; `None`: now.
    pub from: Option<Millis>,
    /// The instant after the last; `None`: none.
    pub to: Option<Millis>,
    /// Which is meant where a version is scheduled for later; `None`: then it is refused.
    pub scheduled: Option<Scheduled>,
}

/// Which of two versions is meant when a new one would hide one that is scheduled for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduled {
    /// The new one: the scheduled one never comes into force.
    Replace,
    /// The scheduled one: the new one holds until then.
    Keep,
}

/// What a deployment comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The id of its record.
    pub id: String,
    /// The hash of the module.
    pub module: String,
    /// When it holds, before it is cut to the policy's own `effective`.
    pub span: Span,
    /// Whether anything was stored: not where the same deployment was asked for before.
    pub new: bool,
}

/// A deployment that was recorded.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What its record says.
    pub deployment: Deployment,
    /// The name that the policy gives itself.
    pub title: Option<String>,
    /// Whether its module is in force now.
    pub in_force: bool,
}

/// A deployment that is possible.
pub struct Planned {
    /// What it would come to.
    pub deployed: Deployed,
    /// The versions without it.
    pub before: Deployments,
    /// The versions with it.
    pub after: Deployments,
}

/// Why a policy is not deployed.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The module cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// It contradicts the versions before it.
    #[error("the policy is not deployed: {0}")]
    Refused(#[from] DeploymentRefused),
    /// It was not recorded.
    #[error("the policy is not deployed: {0}")]
    Record(#[from] RecordError),
    /// It is not known whether another node deploys one at the same time.
    #[error("the policy is not deployed: {0}")]
    Shared(#[from] PostgresError),
}

impl Daemon {
    /// What a deployment would come to.
    pub async fn plan(&self, order: &NewDeployment) -> Result<Planned, DeployError> {
        let version = self.policies.inspect(&order.module)?;
        self.registry_is_current().await;
        let before = self.registry.deployed(&self.policies)?;
        let now = self.clock.now();
        let span = span(order, &before, &version.policy, now)?;
        let mut after = before.clone();
        after.deploy(version.clone(), span)?;
        let number = self.registry.known().deployments.len().saturating_add(1);
        let id = order.id.clone().unwrap_or_else(|| format!("deployment-{number}"));
        let deployed = Deployed { id, module: version.module.to_string(), span, new: true };
        Ok(Planned { deployed, before, after })
    }

    /// Deploys a policy.
    pub async fn deploy(&self, order: &NewDeployment) -> Result<Deployed, DeployError> {
        let _one_at_a_time = self.deploying.lock().await;
        let _nor_elsewhere = self.deploying_alone().await?;
        if let Some(known) = self.deployed_before(order).await? {
            return Ok(known);
        }
        let Planned { deployed, .. } = self.plan(order).await?;
        self.policies.keep(&order.module)?;
        let recorded = self.record_own(&deployed.id, record(order, &deployed)).await?;
        Ok(Deployed { new: recorded == Recorded::Stored, ..deployed })
    }

    /// Everything that was deployed, the oldest first.
    pub async fn deployments(&self) -> Result<Vec<Listed>, DeployError> {
        self.registry_is_current().await;
        let list = self.registry.known().deployments.clone();
        let mut deployments = self.registry.deployed(&self.policies)?;
        let in_force = deployments.in_force(self.clock.now());
        let held = deployments.version(in_force.version).filter(|_| in_force.covered);
        let held = held.map(|version| version.module.to_string());
        let listed = |deployment: Deployment| {
            let version = self.policies.version(&deployment.module)?;
            Ok(Listed {
                title: version.policy.name.clone(),
                in_force: held.as_ref() == Some(&deployment.module),
                deployment,
            })
        };
        list.into_iter().map(listed).collect()
    }

    /// Deploys a policy unless it is the one that was deployed last. Says whether it did.
    pub async fn deploy_unless_last(&self, order: &NewDeployment) -> Result<bool, DeployError> {
        let module = self.policies.inspect(&order.module)?.module;
        self.registry_is_current().await;
        let last = self.registry.known().deployments.last().map(|last| last.module.clone());
        if last.is_some_and(|last| last == *module) {
            return Ok(false);
        }
        self.deploy(order).await.map(|deployed| deployed.new)
    }

    /// The deployment that this one repeats.
    async fn deployed_before(&self, order: &NewDeployment) -> Result<Option<Deployed>, DeployError> {
        let Some(id) = &order.id else { return Ok(None) };
        let module: Arc<str> = self.policies.inspect(&order.module)?.module;
        self.registry_is_current().await;
        let known = self.registry.known();
        let Some(known) = known.deployments.iter().find(|deployment| deployment.id == *id) else {
            return Ok(None);
        };
        let same = known.module == *module
            && order.from.is_none_or(|from| from == known.span.from)
            && order.to.is_none_or(|to| to == known.span.to);
        if !same {
            return Err(RecordError::Conflict(id.clone()).into());
        }
        let (module, span) = (known.module.clone(), known.span);
        Ok(Some(Deployed { id: id.clone(), module, span, new: false }))
    }
}

/// When a deployment holds: the first of all from its own `effective` on, as events came before it. It hides none that
/// is scheduled unless it says so.
fn span(
    order: &NewDeployment,
    before: &Deployments,
    policy: &Policy,
    now: Millis,
) -> Result<Span, DeploymentRefused> {
    let own = policy.effective.and_then(|frame| policy.frames.get(frame.0 as usize));
    let is_first = before.versions().next().is_none();
    let from = match is_first {
        true => own.map_or(FIRST_INSTANT, |frame| frame.from.max(FIRST_INSTANT)),
        false => order.from.unwrap_or(now),
    };
    let span = Span { from, to: order.to.unwrap_or(Millis::MAX), received: now };
    match (before.refuse_hiding(&span, now), order.scheduled) {
        (Err(DeploymentRefused::HidesScheduled(from)), Some(Scheduled::Keep)) => {
            Ok(Span { to: from, ..span })
        }
        (Err(DeploymentRefused::HidesScheduled(_)), Some(Scheduled::Replace)) | (Ok(()), _) => Ok(span),
        (Err(error), _) => Err(error),
    }
}

fn record(order: &NewDeployment, deployed: &Deployed) -> String {
    let mut fields = Fields::new("deployment", &deployed.id);
    fields.set("module", deployed.module.as_str());
    fields.set("from", deployed.span.from.0);
    if deployed.span.to < Millis::MAX {
        fields.set("to", deployed.span.to.0);
    }
    for (name, value) in [("name", &order.name), ("author", &order.author)] {
        if let Some(value) = value {
            fields.set(name, value.as_str());
        }
    }
    fields.text()
}
