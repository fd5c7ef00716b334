//! The keys of the language: where each may stand, and what it is for.

/// A place where keys stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file.
    Root,
    /// Below `aquariumpolicy`.
    Policy,
    /// A resource.
    Resource,
    /// An algorithm.
    Algorithm,
    /// A price list.
    Pricelist,
    /// A credit plan.
    Creditplan,
    /// An agreement.
    Agreement,
    /// A time frame.
    Effective,
    /// A range of a time frame.
    Range,
    /// A price in tiers.
    Tiered,
    /// A tier.
    Tier,
}

/// The keys of a place, with what each is for.
#[must_use]
pub fn of(place: Place) -> &'static [(&'static str, &'static str)] {
    match place {
        Place::Root => &[("aquariumpolicy", "the policy")],
        Place::Policy => POLICY,
        Place::Resource => RESOURCE,
        Place::Algorithm | Place::Pricelist => LIST,
        Place::Creditplan => CREDITPLAN,
        Place::Agreement => AGREEMENT,
        Place::Effective => EFFECTIVE,
        Place::Range => RANGE,
        Place::Tiered => TIERED,
        Place::Tier => TIER,
    }
}

const POLICY: &[(&str, &str)] = &[
    ("name", "the name of the policy"),
    ("description", "what the policy is for"),
    ("timezone", "the zone of cron fields, dates and billing months, as `Europe/Athens`; default `UTC`"),
    ("precision", "the decimal places of a wallet entry, 0 to 12; default 6"),
    ("effective", "when the policy is valid; default: always"),
    ("constants", "named numbers, usable in prices, tiers and expressions"),
    ("resources", "what is charged for"),
    ("algorithms", "how charges are computed: an expression for each resource"),
    ("pricelists", "prices: one for each resource"),
    ("creditplans", "credits that users are given again and again"),
    ("agreements", "which algorithm, price list and credit plan go together"),
    ("roles", "which role has which agreement; `\"*\"` is the role of everybody else"),
];

const RESOURCE: &[(&str, &str)] = &[
    ("name", "the name of the resource"),
    ("unit", "what volume is counted in, as `MB`, `hr` or `GB*day`"),
    ("costpolicy", "how usage becomes volume: `continuous`, `onoff` or `discrete`"),
    ("complex", "whether each instance has a state of its own; default `false`"),
    ("max", "the largest absolute value of an event; default 10^12"),
];

const LIST: &[(&str, &str)] = &[
    ("name", "the name of the item"),
    ("extends", "the item that gives what this one does not, and stands in when this one is not effective"),
    ("effective", "when the item holds; default: always, or as its parent"),
];

const CREDITPLAN: &[(&str, &str)] = &[
    ("name", "the name of the credit plan"),
    ("extends", "the credit plan that gives what this one does not"),
    ("credits", "the credits of one refill"),
    ("at", "when refills happen: a cron pattern, as `\"00 00 1 * *\"`"),
    ("initial", "credits granted once, when a user first becomes active; default 0"),
    ("mode", "`add`: credits are added; `reset`: the balance is set to them; default `add`"),
    ("effective", "when the credit plan holds; default: always"),
];

const AGREEMENT: &[(&str, &str)] = &[
    ("name", "the name of the agreement"),
    ("extends", "the agreement that gives what this one does not"),
    (
        "algorithm",
        "how charges are computed: a name, perhaps with overrides below it, or keys without a name",
    ),
    ("pricelist", "the prices: a name, perhaps with overrides below it, or keys without a name"),
    ("creditplan", "the refills: a name, perhaps with overrides below it, or keys without a name"),
    ("threshold", "the balance at which services stop, 0 or less; default 0"),
    ("effective", "when the agreement holds; default: always"),
];

const EFFECTIVE: &[(&str, &str)] = &[
    ("from", "the first instant: milliseconds since the epoch, a date or a date-time"),
    ("to", "the instant at which the frame ends, itself not in it"),
    ("repeat", "ranges inside the frame that come again and again"),
    ("except", "dates, or `{from, to}`, that are cut out"),
];

const RANGE: &[(&str, &str)] = &[
    ("start", "when a range begins: a cron pattern, as `\"00 12 * * Mon\"`"),
    ("end", "when it ends: the first time behind the start that matches"),
];

const TIERED: &[(&str, &str)] = &[("tiers", "graduated prices by the month's total")];

const TIER: &[(&str, &str)] = &[
    ("upto", "where the tier ends, in the resource's unit, counted over the billing month"),
    ("price", "credits per unit inside the tier"),
];

/// The words that `costpolicy` may have.
pub const COST_POLICIES: [(&str, &str); 3] = [
    ("continuous", "an amount is held over time: `volume` is amount times time"),
    ("onoff", "something is on or off: `volume` is the time on"),
    ("discrete", "each event is charged by itself: `volume` is its value"),
];

/// The words that `mode` may have.
pub const MODES: [(&str, &str); 2] = [
    ("add", "each refill adds `credits`"),
    ("reset", "each refill sets the plan's part of the wallet to `credits`"),
];

/// The words that `complex` may have.
pub const TRUTHS: [(&str, &str); 2] =
    [("true", "each `instanceID` has a state of its own"), ("false", "one instance for each user")];

/// Words that are keys of a list of items.
const WRAPPERS: &[(&str, &str)] =
    &[("resource", "a resource"), ("every", "a range that comes again and again")];

/// The variables of expressions.
pub const VARIABLES: &[(&str, &str)] = &[
    ("price", "the price of the resource, in credits per unit"),
    ("volume", "what is charged for, in the resource's unit"),
    ("total", "the volume of this resource for this user in this month, before this charge"),
    ("value", "discrete: the value of the event"),
    ("amount", "continuous: the amount held"),
    ("duration", "continuous and onoff: the time"),
];

/// The functions of expressions.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("min", "the least of its arguments"),
    ("max", "the greatest of its arguments"),
    ("abs", "without its sign"),
    ("floor", "the whole number below"),
    ("ceil", "the whole number above"),
    ("round", "rounded, halves away from zero"),
    ("clamp", "`clamp(x, lo, hi)`: x, but at least lo and at most hi"),
];

/// What a key or the variable of an expression is for.
#[must_use]
pub fn document(word: &str) -> Option<&'static str> {
    let keys = [of(Place::Root), POLICY, AGREEMENT, RESOURCE, CREDITPLAN, EFFECTIVE, RANGE, TIER, TIERED];
    let tables = keys.into_iter().chain([WRAPPERS, VARIABLES]);
    tables.flatten().find(|(key, _)| *key == word).map(|(_, text)| *text)
}
