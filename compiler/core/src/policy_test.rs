//! Policy tests: what a `*.test.aquarium.yaml` file says, with the place of every word.
//!
//! A test gives users and events and an instant, and says what must come of them under a policy: balances,
//! entries, bills, or the findings of a policy that is meant to be wrong. Whoever runs tests finds the policy,
//! folds the events and compares; this is only what is written.

use aquarium_ir::Rational;

use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan};
use crate::items::{Spanned, Text};

pub use crate::read::policy_test::read;

/// A file of tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyTests {
    /// Paths of the policy, relative to the file; none: the policy files beside it.
    pub policy: Vec<Text>,
    /// Users of every test.
    pub users: Vec<User>,
    /// The tests, in order.
    pub tests: Vec<PolicyTest>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTest {
    /// What it proves.
    pub name: Text,
    /// The whole test.
    pub span: FileSpan,
    /// Paths of its own policy; none: the file's.
    pub policy: Vec<Text>,
    /// The instant to look at; `None`: that of the last event.
    pub at: Option<Text>,
    /// Its own users.
    pub users: Vec<User>,
    /// What happens, in any order.
    pub events: Vec<Event>,
    /// Event files (NDJSON), relative to the file.
    pub event_files: Vec<Text>,
    /// What must come of it.
    pub expect: Expect,
}

/// A user who is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: Text,
    /// The role; `None`: one that the policy does not name.
    pub role: Option<Text>,
    /// Active from then on; `None`: from the first instant of the test.
    pub since: Option<Text>,
    /// An agreement that is assigned instead of the role's.
    pub agreement: Option<Text>,
    /// Credits that are granted then.
    pub credits: Option<Spanned<Rational>>,
    /// The user's own threshold.
    pub threshold: Option<Spanned<Rational>>,
}

/// Something that happens to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The whole event.
    pub span: FileSpan,
    /// When.
    pub at: Text,
    /// To whom; `None`: to the only user of the test.
    pub user: Option<Text>,
    /// Its id; `None`: one that nothing else has.
    pub id: Option<Text>,
    /// What.
    pub what: Happening,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A resource is used.
    Usage {
        /// The resource.
        resource: Text,
        /// The instance; `None`: the only one.
        instance: Option<Text>,
        /// The value.
        value: Spanned<Rational>,
    },
    /// The user's role or activity changes.
    Registration {
        /// The role from then on; `None`: as before.
        role: Option<Text>,
        /// Whether the user is active; `None`: as before.
        active: Option<bool>,
    },
    /// Credits are granted.
    Grant(Spanned<Rational>),
    /// The user has a threshold of their own from then on.
    Threshold(Spanned<Rational>),
    /// The user has this agreement from then on, whatever the role says.
    Assign(Text),
}

/// What must come of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    /// Of users.
    pub users: Vec<ExpectedUser>,
    /// Of the policy: exactly these errors and warnings.
    pub findings: Option<Expected<ExpectedFinding>>,
    /// Of events without effect: exactly these.
    pub quarantined: Option<Expected<Fields>>,
}

/// A whole list that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected<T> {
    /// The place of the key.
    pub key: FileSpan,
    /// What is expected, in order.
    pub items: Vec<T>,
}

/// What must come of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedUser {
    /// The id.
    pub id: Text,
    /// `balance`, `charged`, `accrued`, `refilled`.
    pub figures: Fields,
    /// All entries of the user, in order.
    pub entries: Option<Expected<Fields>>,
    /// A bill.
    pub bill: Option<ExpectedBill>,
}

/// What a bill must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedBill {
    /// The place of the key.
    pub key: FileSpan,
    /// The month, as `YYYY-MM`.
    pub month: Text,
    /// `opening`, `closing`, `open`.
    pub figures: Fields,
    /// All lines, in order.
    pub lines: Option<Expected<Fields>>,
}

/// A finding that the policy must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFinding {
    /// The whole item.
    pub span: FileSpan,
    /// The code.
    pub code: Spanned<Code>,
    /// The line, from 1; `None`: any.
    pub line: Option<Spanned<Rational>>,
    /// A part of its message; `None`: any.
    pub message: Option<Text>,
}

/// Some of the fields of something, as they must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The whole of them.
    pub span: FileSpan,
    /// Each field, in the order of the text.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub key: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it must be.
    pub value: Text,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Exact numbers: `0.30` is `0.3`.
    Number,
    /// Instants: any way to write one.
    Instant,
    /// Texts.
    Text,
    /// `true` or `false`.
    Truth,
}

/// The finding on a file or test that could not fail, whatever the policy says.
#[must_use]
pub fn cannot_fail(span: FileSpan, what: &str) -> Diagnostic {
    Diagnostic::new(Code::MissingKey, span, format!("{what} expects nothing: it could never fail"))
        .help("say what must come of it below `expect`: balances, entries, a bill, or findings")
}

/// Whether a file of that name holds policy tests.
#[must_use]
pub fn is_test_name(name: &str) -> bool {
    [".test.aquarium.yaml", ".test.aquarium.yml"].iter().any(|ending| name.ends_with(ending))
}

/// The file of a test is read by itself.
pub const TEST_FILE: FileId = FileId(0);
