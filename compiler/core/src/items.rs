//! What a policy says, item by item, with the place of every word: names are not resolved yet.
//!
//! Items of a class are sorted by name, so that neither the order of files nor that within a file
//! has a meaning. Tools read this model; it knows no tree and no time zone.

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_ir::Rational;
use aquarium_ir::policy::{CostPolicy, Mode};
use aquarium_ir::time::{Cron, Frame, FrameId};

use crate::expression::ExpressionSyntax;
use crate::price::PriceSyntax;
use crate::{FileId, FileSpan};

/// A word or value of the source and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spanned<T> {
    /// What is written.
    pub value: T,
    /// Where.
    pub span: FileSpan,
}

/// A text of the source, unquoted.
pub type Text = Spanned<String>;

/// A text of the source, unquoted, that stands there often: all places share it.
pub type SharedText = Spanned<Arc<str>>;

/// The five classes of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What can be charged for.
    Resource,
    /// Expressions by resource.
    Algorithm,
    /// Prices by resource.
    Pricelist,
    /// Credits that are granted regularly.
    Creditplan,
    /// What a user has agreed to.
    Agreement,
}

impl Class {
    /// Every class, in the order of the language reference.
    pub const ALL: [Self; 5] =
        [Self::Resource, Self::Algorithm, Self::Pricelist, Self::Creditplan, Self::Agreement];

    /// The key of one item.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Algorithm => "algorithm",
            Self::Pricelist => "pricelist",
            Self::Creditplan => "creditplan",
            Self::Agreement => "agreement",
        }
    }

    /// The key of the section.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::Resource => "resources",
            Self::Algorithm => "algorithms",
            Self::Pricelist => "pricelists",
            Self::Creditplan => "creditplans",
            Self::Agreement => "agreements",
        }
    }

    /// The class as people say it, with its article.
    #[must_use]
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Resource => "a resource",
            Self::Algorithm => "an algorithm",
            Self::Pricelist => "a price list",
            Self::Creditplan => "a credit plan",
            Self::Agreement => "an agreement",
        }
    }

    /// The class as people say it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Algorithm => "algorithm",
            Self::Pricelist => "price list",
            Self::Creditplan => "credit plan",
            Self::Agreement => "agreement",
        }
    }
}

/// Everything that the files of a policy say.
#[derive(Debug, Default)]
pub struct Items {
    /// The policy's own name.
    pub name: Option<Text>,
    /// What it is for.
    pub description: Option<Text>,
    /// The zone's name.
    pub timezone: Option<Text>,
    /// Decimal places of a wallet entry.
    pub precision: Option<Spanned<u8>>,
    /// When the policy is valid.
    pub effective: Option<Effective>,
    /// The place to write another key of the policy.
    pub head: Option<Head>,
    /// Named numbers, by name.
    pub constants: BTreeMap<String, Constant>,
    /// Roles, by their name in lower case.
    pub roles: BTreeMap<String, Role>,
    /// The place of `roles`, where there is one.
    pub roles_key: Option<FileSpan>,
    /// Resources, by name.
    pub resources: BTreeMap<String, Resource>,
    /// Algorithms, by name.
    pub algorithms: BTreeMap<String, List>,
    /// Price lists, by name.
    pub pricelists: BTreeMap<String, List>,
    /// Credit plans, by name.
    pub creditplans: BTreeMap<String, List>,
    /// Agreements, by name.
    pub agreements: BTreeMap<String, Agreement>,
    /// Every price, expression and key of a plan that an item or part gives.
    pub entries: Vec<Entry>,
    /// Every distinct time frame; [`Effective::frame`] counts these.
    pub frames: Vec<Frame>,
}

/// Where another key of the policy can be written: before its first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The place of the first key.
    pub first: KeyPlace,
    /// The key that all of the policy stands below.
    pub root: FileSpan,
}

impl Items {
    /// Where what is said about the policy as a whole is shown.
    #[must_use]
    pub fn root(&self) -> FileSpan {
        let first = FileSpan { file: FileId(0), start: 0, end: 0 };
        self.head.map_or(first, |head| head.root)
    }

    /// The algorithms, price lists or credit plans; none for the other classes.
    #[must_use]
    pub fn lists(&self, class: Class) -> &BTreeMap<String, List> {
        static NONE: BTreeMap<String, List> = BTreeMap::new();
        match class {
            Class::Algorithm => &self.algorithms,
            Class::Pricelist => &self.pricelists,
            Class::Creditplan => &self.creditplans,
            Class::Resource | Class::Agreement => &NONE,
        }
    }

    /// The entry of that number.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id.0)
    }
}

/// A named number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// Its name.
    pub name: Text,
    /// The number, as written.
    pub value: Text,
}

/// Who has which agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role as written.
    pub role: Text,
    /// The agreement's name.
    pub agreement: Text,
}

/// A resource.
#[derive(Debug)]
pub struct Resource {
    /// Its name.
    pub name: Text,
    /// The whole item.
    pub span: FileSpan,
    /// The unit as written; `None` where it is missing.
    pub unit: Option<Text>,
    /// How usage becomes volume; `None` where it is missing or wrong.
    pub cost_policy: Option<Spanned<CostPolicy>>,
    /// Whether each `instanceID` has a state of its own.
    pub complex: bool,
    /// The largest absolute value of an event, in the unit of its value.
    pub max: Rational,
}

/// An algorithm, price list or credit plan.
#[derive(Debug)]
pub struct List {
    /// Its name.
    pub name: Text,
    /// The whole item.
    pub span: FileSpan,
    /// The name of what it extends.
    pub extends: Option<Text>,
    /// When it holds, where it says so itself.
    pub effective: Option<Effective>,
    /// What it gives, by resource (or key of a credit plan).
    pub entries: BTreeMap<Arc<str>, EntryId>,
}

/// An agreement.
#[derive(Debug)]
pub struct Agreement {
    /// Its name.
    pub name: Text,
    /// The whole item.
    pub span: FileSpan,
    /// The name of what it extends.
    pub extends: Option<Text>,
    /// When it holds, where it says so itself.
    pub effective: Option<Effective>,
    /// The balance at which services stop.
    pub threshold: Option<Spanned<Rational>>,
    /// Its price list, algorithm and credit plan, where it names or holds them itself.
    pub parts: BTreeMap<Class, Box<Part>>,
}

/// A price list, algorithm or credit plan within an agreement.
#[derive(Debug)]
pub struct Part {
    /// The place of its key.
    pub key: FileSpan,
    /// The whole part, key and all.
    pub span: FileSpan,
    /// The named item; `None`: an inline part.
    pub base: Option<Text>,
    /// When the entries below hold; `None`: always.
    pub effective: Option<Effective>,
    /// What is laid over the named item or over the same part of the agreement's parent.
    pub entries: BTreeMap<Arc<str>, EntryId>,
}

/// A time frame as an item gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The place of the key.
    pub key: FileSpan,
    /// The place of the value.
    pub span: FileSpan,
    /// The frame; `None` where it could not be read or holds always.
    pub frame: Option<FrameId>,
    /// The value of `from`, where it is given.
    pub from: Option<FileSpan>,
    /// The value of `to`, where it is given.
    pub to: Option<FileSpan>,
    /// The place of its first key; `None` where it has none or stands in braces.
    pub first: Option<KeyPlace>,
}

/// Where another key can be written before one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlace {
    /// The empty place before the key.
    pub at: FileSpan,
    /// How many blanks stand before it.
    pub indent: usize,
}

/// The place of an entry in [`Items::entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub usize);

/// A price, an expression or a key of a credit plan.
#[derive(Debug)]
pub struct Entry {
    /// The key.
    pub key: SharedText,
    /// Key and value.
    pub span: FileSpan,
    /// The place of the value.
    pub value_span: FileSpan,
    /// The item that gives it: `pricelist default`, or `agreement teamx` for overrides and inline parts.
    pub giver: Arc<str>,
    /// What it gives.
    pub value: EntryValue,
}

/// What an entry gives.
#[derive(Debug)]
pub enum EntryValue {
    /// A price, as written.
    Price(PriceSyntax),
    /// An expression, as written.
    Expression(ExpressionSyntax),
    /// The credits of one refill.
    Credits(Box<Rational>),
    /// When a refill happens.
    At(Box<Cron>),
    /// What a refill does.
    Mode(Mode),
    /// Credits granted once.
    Initial(Box<Rational>),
    /// Something that could not be read; a finding says why.
    Broken,
}
