//! Records of the log, as the fold sees them.

use std::borrow::Cow;
use std::cmp::Ordering;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;

/// The client in whose name the runtime itself writes.
pub const RESERVED_CLIENT: &str = "aquarium";

/// One record of the log, valid by itself. Texts are borrowed from the bytes where they can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Unique per kind, client and user.
    pub id: Cow<'a, str>,
    /// Who sent it.
    pub client: Cow<'a, str>,
    /// Whom it concerns; empty for deployments and ticks.
    pub user: Cow<'a, str>,
    /// When it happened.
    pub occurred: Millis,
    /// When it was received.
    pub received: Millis,
    /// What it says.
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// Usage of a resource.
    Resource(Usage<'a>),
    /// A user's role and activity.
    User(UserEvent<'a>),
    /// Credits given or taken by hand.
    Grant {
        /// How many; may be negative.
        credits: Credits,
        /// Why.
        reason: Cow<'a, str>,
        /// By whom.
        author: Cow<'a, str>,
    },
    /// The user's own threshold; `None`: that of the agreement again.
    Threshold(Option<Credits>),
    /// An agreement instead of the role's; `None`: that of the role again.
    Assign(Option<Cow<'a, str>>),
    /// A policy version comes into force.
    Deployment {
        /// The hash of the module.
        module: Cow<'a, str>,
        /// The first instant.
        from: Millis,
        /// The instant after the last.
        to: Option<Millis>,
    },
    /// Time has reached an instant.
    Tick {
        /// The partition that is told.
        partition: u32,
        /// The instant.
        instant: Millis,
    },
    /// A quarantined event is to be read again.
    Redrive(Handling<'a>),
    /// A quarantined event is given up.
    Discard(Handling<'a>),
}

/// Usage of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage<'a> {
    /// The name of the resource.
    pub resource: Cow<'a, str>,
    /// Which instance of it.
    pub instance: Cow<'a, str>,
    /// The value, in 10⁻⁹.
    pub value: i128,
}

/// A user's role and activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEvent<'a> {
    /// The field `isActive`.
    pub is_active: bool,
    /// Whether `eventType` is `SUSPENDED` rather than `ACTIVE`.
    pub suspended: bool,
    /// The role.
    pub role: Cow<'a, str>,
}

/// What an operator decided about a quarantined event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling<'a> {
    /// The event: its JSON text.
    pub event: Cow<'a, str>,
    /// Why.
    pub reason: Cow<'a, str>,
    /// By whom.
    pub author: Cow<'a, str>,
}

impl UserEvent<'_> {
    /// Whether the user is active from this event on.
    #[must_use]
    pub fn active(&self) -> bool {
        self.is_active && !self.suspended
    }
}

impl Body<'_> {
    /// The kind, as the identity of records names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Body::Resource(_) => "resource",
            Body::User(_) => "user",
            Body::Grant { .. } => "grant",
            Body::Threshold(_) => "threshold",
            Body::Assign(_) => "assign",
            Body::Deployment { .. } => "deployment",
            Body::Tick { .. } => "tick",
            Body::Redrive(_) => "redrive",
            Body::Discard(_) => "discard",
        }
    }

    /// The rank within one instant.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        match self {
            Body::Deployment { .. } => 0,
            Body::User(_) | Body::Assign(_) => 1,
            Body::Tick { .. } | Body::Redrive(_) | Body::Discard(_) => 2,
            Body::Grant { .. } | Body::Threshold(_) => 3,
            Body::Resource(_) => 4,
        }
    }
}

impl Record<'_> {
    /// The order in which a user's records are folded: instant, rank, client, id, and for records
    /// that agree in all of these the kind. When a record arrived has no influence.
    #[must_use]
    pub fn order(&self, other: &Record<'_>) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }

    fn sort_key(&self) -> (Millis, u8, &str, &str, &str) {
        (self.occurred, self.body.rank(), &self.client, &self.id, self.body.kind())
    }

    /// The same record with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        Record {
            id: owned(self.id),
            client: owned(self.client),
            user: owned(self.user),
            occurred: self.occurred,
            received: self.received,
            body: self.body.into_owned(),
        }
    }
}

impl Body<'_> {
    fn into_owned(self) -> Body<'static> {
        match self {
            Body::Resource(usage) => Body::Resource(Usage {
                resource: owned(usage.resource),
                instance: owned(usage.instance),
                value: usage.value,
            }),
            Body::User(event) => Body::User(UserEvent {
                is_active: event.is_active,
                suspended: event.suspended,
                role: owned(event.role),
            }),
            Body::Grant { credits, reason, author } => {
                Body::Grant { credits, reason: owned(reason), author: owned(author) }
            }
            Body::Threshold(value) => Body::Threshold(value),
            Body::Assign(agreement) => Body::Assign(agreement.map(owned)),
            Body::Deployment { module, from, to } => Body::Deployment { module: owned(module), from, to },
            Body::Tick { partition, instant } => Body::Tick { partition, instant },
            Body::Redrive(handling) => Body::Redrive(handling.into_owned()),
            Body::Discard(handling) => Body::Discard(handling.into_owned()),
        }
    }
}

impl Handling<'_> {
    fn into_owned(self) -> Handling<'static> {
        Handling { event: owned(self.event), reason: owned(self.reason), author: owned(self.author) }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
