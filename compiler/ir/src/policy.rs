//! The compiled policy: what the runtime reads from a module's `aquarium.policy` section.

pub mod shared;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::expression::{Expression, Node, NodeId};
use crate::number::Rational;
use crate::time::{Cron, Frame, FrameId, Timeline, Zone};

/// The version of this format; a runtime refuses a module of a greater one. In format 1 every agreement held its
/// timelines itself ([`shared`]).
pub const FORMAT: u32 = 2;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index of its table.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// An index of [`Policy::resources`].
    ResourceId,
    /// An index of [`Policy::agreements`].
    AgreementId,
    /// An index of [`Policy::prices`].
    PriceId,
    /// An index of [`Policy::expressions`].
    ExpressionId,
    /// An index of [`Policy::bodies`].
    BodyId,
    /// An index of [`Policy::charges`].
    ChargeId,
    /// An index of [`Policy::sources`].
    SourceId,
    /// An index of [`Agreements::items`](shared::Agreements::items).
    ItemId,
    /// An index of a table of timelines.
    TimelineId,
    /// An index of [`Agreements::plans`](shared::Agreements::plans).
    PlanId,
}

/// A range of bytes in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
    /// The line of `start`, from 1.
    pub line: u32,
}

/// A source file of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// Its path, relative to the nearest common directory of the paths given.
    pub path: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A whole compiled policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// The format of this section, [`FORMAT`].
    pub format: u32,
    /// The policy's own name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The zone of cron fields and billing months.
    pub zone: Zone,
    /// Decimal places of a wallet entry, 0 to 12.
    pub precision: u8,
    /// When the policy itself is valid; `None`: always.
    pub effective: Option<FrameId>,
    /// Every distinct time frame.
    pub frames: Vec<Frame>,
    /// What can be charged for, by name.
    pub resources: Vec<Resource>,
    /// Every distinct price.
    pub prices: Vec<Price>,
    /// Every distinct expression as its author wrote it.
    pub expressions: Vec<ExpressionSource>,
    /// The expressions, typed for a resource and a kind of price.
    pub bodies: Vec<Body>,
    /// Every pair of price and expression that can meet, compiled.
    pub charges: Vec<Charge>,
    /// The agreements, by name.
    #[serde(with = "shared")]
    #[cfg_attr(feature = "schema", schemars(with = "shared::Agreements"))]
    pub agreements: Vec<Agreement>,
    /// Role (in lower case) to agreement, `*` not among them.
    pub roles: BTreeMap<String, AgreementId>,
    /// The agreement of everybody whose role is not in `roles`: that of `*`, else the one named `default`.
    pub everybody_else: Option<AgreementId>,
    /// The files that the policy was compiled from, by path.
    pub sources: Vec<Source>,
    /// The SHA-256 of all sources (paths and bytes), in hexadecimal digits.
    pub source_sha256: String,
}

impl Policy {
    /// The resource of that name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<(ResourceId, &Resource)> {
        let index = self.resources.binary_search_by(|resource| resource.name.as_str().cmp(name)).ok()?;
        Some((ResourceId(u32::try_from(index).ok()?), self.resources.get(index)?))
    }

    /// The agreement of that name.
    #[must_use]
    pub fn agreement(&self, name: &str) -> Option<(AgreementId, &Agreement)> {
        let index = self.agreements.binary_search_by(|agreement| agreement.name.as_str().cmp(name)).ok()?;
        Some((AgreementId(u32::try_from(index).ok()?), self.agreements.get(index)?))
    }

    /// What a charge computes, apart from its price.
    #[must_use]
    pub fn body(&self, charge: &Charge) -> Option<&Body> {
        self.bodies.get(charge.body.index())
    }

    /// What a charge computes, with its price in place.
    #[must_use]
    pub fn charged(&self, charge: &Charge) -> Option<Expression> {
        Some(self.body(charge)?.at(self.prices.get(charge.price.index())?))
    }

    /// The agreement that a role names, letter case apart: its own, else that of everybody else.
    #[must_use]
    pub fn agreement_of_role(&self, role: Option<&str>) -> Option<AgreementId> {
        let own = role.and_then(|role| self.roles.get(lower_case(role).as_ref()).copied());
        own.or(self.everybody_else)
    }
}

/// A role's name as roles are compared. Most are written so: they are asked for with every charge.
fn lower_case(role: &str) -> Cow<'_, str> {
    let is_so = role.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_so { Cow::Borrowed(role) } else { Cow::Owned(role.to_lowercase()) }
}

/// How usage of a resource becomes volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CostPolicy {
    /// The amount held, times time.
    Continuous,
    /// Time between on and off.
    Onoff,
    /// Each event by itself.
    Discrete,
}

/// Something that can be charged for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// The unit as its author wrote it.
    pub unit: String,
    /// How usage becomes volume.
    pub cost_policy: CostPolicy,
    /// Whether each `instanceID` has a state of its own.
    pub complex: bool,
    /// The largest absolute value of an event, and amount (`continuous`), in 10⁻⁹ of the amount's unit.
    pub max: Rational,
    /// Raw units of volume (see [`Slot`](crate::slot::Slot)) in one declared unit: a raw volume divided
    /// by it is the volume that people read.
    pub raw_per_unit: Rational,
    /// Where it is declared.
    pub span: Span,
}

/// A price, in the unit that the resource declares. Equal prices are one price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Price {
    /// Credits per declared unit.
    Flat(Rational),
    /// Graduated tiers.
    Tiers(Vec<Tier>),
}

/// One tier of a graduated price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tier {
    /// Where the tier ends, cumulative within the month; `None` in the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upto: Option<Rational>,
    /// Credits per declared unit.
    pub price: Rational,
}

/// An expression as its author wrote it. Expressions of equal abstract syntax are one expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExpressionSource {
    /// The SHA-256 of its abstract syntax before anything is simplified, in hexadecimal digits.
    pub digest: String,
    /// The text of its first occurrence.
    pub text: String,
    /// Whether it reads `total`.
    pub reads_total: bool,
}

/// An expression, typed for a resource: at any flat price, or at one price in tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Body {
    /// The expression at a flat price of one credit per declared unit, or with its tiers.
    pub expression: Expression,
    /// The numbers that a flat price multiplies; none where the price is in tiers.
    pub prices: Vec<NodeId>,
}

impl Body {
    /// The expression at a price.
    #[must_use]
    pub fn at(&self, price: &Price) -> Expression {
        Expression { nodes: self.nodes_at(price), origins: self.expression.origins.clone() }
    }

    /// The operations of the expression at a price.
    #[must_use]
    pub fn nodes_at(&self, price: &Price) -> Vec<Node> {
        let mut nodes = self.expression.nodes.clone();
        let Price::Flat(price) = price else { return nodes };
        for id in &self.prices {
            if let Some(Node::Number(number)) = nodes.get_mut(id.0 as usize) {
                *number = Rational(&number.0 * &price.0);
            }
        }
        nodes
    }
}

/// A body at a price: one function of the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Charge {
    /// What is charged.
    pub resource: ResourceId,
    /// At which price.
    pub price: PriceId,
    /// By which expression.
    pub expression: ExpressionId,
    /// What it computes, but for the price.
    pub body: BodyId,
    /// How the charge moves as the slot grows longer.
    pub monotone: Monotone,
}

/// How a charge moves with the duration of its slot, everything else being equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Monotone {
    /// It never falls.
    Rising,
    /// It never rises.
    Falling,
    /// It stays.
    Constant,
    /// Nothing is proven.
    Unknown,
}

/// A value that an item gives, and where. `I` is how the item is named: in a module by its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Given<T, I = Arc<str>> {
    /// The value.
    pub value: T,
    /// The item that gives it: `pricelist default`, or `agreement teamx` for overrides and inline parts.
    pub item: I,
    /// Where it is written.
    pub span: Span,
}

/// An agreement with everything that it inherits, resolved in time. Agreements share what they have in common:
/// most name the same few price lists, algorithms and plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// The names of the agreements that it extends, nearest first.
    pub ancestors: Vec<String>,
    /// Prices by resource; as long as [`Policy::resources`].
    pub prices: Vec<Arc<Timeline<Given<PriceId>>>>,
    /// Expressions by resource; as long as [`Policy::resources`].
    pub expressions: Vec<Arc<Timeline<Given<ExpressionId>>>>,
    /// The credit plan in force.
    pub plan: Arc<Plan>,
    /// The threshold in force; 0 where nothing gives one.
    pub threshold: Timeline<Rational>,
}

/// A credit plan, key by key. It fires at an instant of the cron in force then, where `credits` is given too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plan<I = Arc<str>> {
    /// Credits of one refill.
    pub credits: Timeline<Given<Rational, I>>,
    /// When it fires.
    pub at: Timeline<Cron>,
    /// What a refill does; `add` where nothing gives one.
    pub mode: Timeline<Mode>,
    /// Granted once; 0 where nothing gives it. In force only where `credits` and `at` are.
    pub initial: Timeline<Given<Rational, I>>,
}

impl Default for Plan {
    fn default() -> Self {
        let (credits, at) = (Timeline::default(), Timeline::default());
        Self { credits, at, mode: Timeline::default(), initial: Timeline::default() }
    }
}

/// What a refill does to the plan part of the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Adds the credits.
    Add,
    /// Sets the plan part to the credits.
    Reset,
}
