//! The shapes of answers that the fold itself writes, for the OpenAPI document.
//!
//! A test compares them with what is written; nothing is made of these types.
#![expect(dead_code, reason = "shapes of JSON, for the document alone")]

use utoipa::ToSchema;

/// A wallet entry: a slot of usage and what it costs.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Of user, cause, slot start and revision.
    id: String,
    #[serde(rename = "userID")]
    user_id: String,
    resource: String,
    /// `null` where the resource is not complex.
    #[serde(rename = "instanceID")]
    #[schema(required)]
    instance_id: Option<String>,
    /// The slot's first instant.
    from: i64,
    /// The instant after its last; that of the event where usage is `discrete`.
    to: i64,
    duration_millis: i64,
    /// The value, or the amount held; `null` where usage is on or off.
    #[schema(required)]
    amount: Option<String>,
    /// What is charged, in the resource's unit.
    volume: String,
    /// Where it is flat.
    #[schema(nullable = false)]
    price: Option<String>,
    /// Where it has tiers.
    #[schema(nullable = false)]
    tiers: Option<Vec<Tier>>,
    /// The month's total before, where it counts.
    #[schema(nullable = false)]
    total_before: Option<String>,
    #[schema(required)]
    agreement: Option<String>,
    /// The item that gives the price.
    #[schema(required)]
    item: Option<String>,
    /// Its file and line.
    #[schema(required)]
    source: Option<String>,
    /// The item that gives the expression.
    #[schema(required)]
    algorithm: Option<String>,
    /// Its file and line.
    #[schema(required)]
    algorithm_source: Option<String>,
    /// The name of the policy in force.
    #[schema(required)]
    policy: Option<String>,
    /// The hash of its module.
    #[schema(required)]
    module: Option<String>,
    /// Positive for a charge.
    credits: String,
    cause: Cause,
    /// Whether no price or no expression covered it.
    uncovered: bool,
    /// Why it is 0 although it is covered.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The entry that this one takes back.
    #[schema(required)]
    reverses: Option<String>,
}

/// What posted an entry: an event, or the end of a month.
#[derive(ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// An event.
    Event {
        #[serde(rename = "clientID")]
        client_id: String,
        id: String,
    },
    /// The end of a month.
    MonthEnd { instant: i64 },
}

/// A step of a price.
#[derive(ToSchema)]
pub struct Tier {
    /// Up to this total; not given: without end.
    #[schema(nullable = false)]
    upto: Option<String>,
    price: String,
}

/// How an entry came about.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    entry: Entry,
    /// The agreements that the agreement extends, nearest first.
    ancestors: Vec<String>,
    /// As its author wrote it; `null`: uncovered.
    #[schema(required)]
    expression: Option<String>,
    /// Every intermediate value, operands before their users.
    steps: Vec<Intermediate>,
    /// The exact value, in credits.
    #[schema(required)]
    value: Option<String>,
    /// Decimal places to which it is rounded, a tie to the even digit.
    precision: u8,
}

/// An intermediate value.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Intermediate {
    /// File and line of its text.
    #[schema(required)]
    source: Option<String>,
    /// The first byte of that text, and the one after the last.
    bytes: [u32; 2],
    /// That text, where it is a part of the expression as its author wrote it.
    #[schema(required)]
    text: Option<String>,
    value: String,
    unit: String,
}

/// A bill of a user's month. Opening balance, refills, grants and adjustments less the lines are the closing
/// balance.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    #[serde(rename = "userID")]
    user_id: String,
    /// As `YYYY-MM`.
    month: String,
    /// Its first instant.
    from: i64,
    /// The first instant of the next.
    to: i64,
    /// Whether the month has not ended at the instant of the bill.
    open: bool,
    /// The balance before the month.
    opening: String,
    /// Charges, by resource, instance, agreement and price.
    lines: Vec<BillLine>,
    /// Refills and initial credits.
    refills: Vec<BillCredit>,
    grants: Vec<BillCredit>,
    /// What became known about earlier months since they were billed.
    adjustments: Vec<Adjustment>,
    /// The balance after the month, or now.
    closing: String,
}

/// A line of a bill.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillLine {
    resource: String,
    /// `null` where the resource is not complex.
    #[serde(rename = "instanceID")]
    #[schema(required)]
    instance_id: Option<String>,
    #[schema(required)]
    agreement: Option<String>,
    /// Where it is flat.
    #[schema(nullable = false)]
    price: Option<String>,
    /// Where it has tiers.
    #[schema(nullable = false)]
    tiers: Option<Vec<Tier>>,
    /// In the resource's unit.
    volume: String,
    credits: String,
    /// Of how many entries, or open slots.
    entries: u64,
    /// Whether it is accrual that is not posted yet.
    open: bool,
}

/// Credits that came in.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillCredit {
    at: i64,
    credits: String,
}

/// What became known about an earlier month.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// The month that it is about, as `YYYY-MM`.
    month: String,
    /// The line's change; `null`: of refills, initial credits and grants.
    #[schema(required)]
    line: Option<BillLine>,
    /// What it adds to the balance.
    credits: String,
}
