//! The catalogue: every code that the compiler can report, in one place.
//!
//! | range | subject |
//! |---|---|
//! | AQ01xx | text and layout |
//! | AQ02xx | keys, names and values |
//! | AQ03xx | inheritance and overrides |
//! | AQ04xx | coverage and time |
//! | AQ05xx | units, types and prices |
//! | AQ06xx | exactness and flow of expressions |
//! | AQ07xx | directives |

use super::Severity;

/// What the catalogue says about a code.
#[derive(Debug)]
pub struct Entry {
    /// `AQ0401`.
    pub id: &'static str,
    /// The lint's name (`coverage-gap`); `None`: an error that cannot be allowed.
    pub name: Option<&'static str>,
    /// The default severity.
    pub severity: Severity,
    /// One line: what it is about.
    pub title: &'static str,
    /// The long text, in Markdown: what, why, an example that triggers it, the fix.
    pub explanation: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $id:literal $name:expr, $severity:ident, $title:literal;)*) => {
        /// A kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What the catalogue says.
            #[must_use]
            pub fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$variant => {
                        static ENTRY: Entry = Entry {
                            id: $id,
                            name: $name,
                            severity: Severity::$severity,
                            title: $title,
                            explanation: include_str!(concat!("../../catalogue/", $id, ".md")),
                        };
                        &ENTRY
                    })*
                }
            }
        }
    };
}

impl Code {
    /// The code of that id (`AQ0401`) or name (`coverage-gap`), letter case of the id apart.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let is_it = |code: &&Self| {
            let entry = code.entry();
            entry.id.eq_ignore_ascii_case(text) || entry.name == Some(text)
        };
        Self::ALL.iter().find(is_it).copied()
    }
}

catalogue! {
    // AQ01xx: text and layout.
    Syntax "AQ0101" None, Error, "quotes or brackets that do not match";
    NotText "AQ0102" None, Error, "bytes that are not UTF-8 text";
    NoPolicy "AQ0103" None, Error, "a file without a policy";
    OverLimit "AQ0104" None, Error, "a file that is too large or nested too deeply";
    BadCharacter "AQ0105" None, Error, "a character that does not belong there";
    Layout "AQ0106" None, Error, "lines that do not fit together";
    QuoteIt "AQ0107" None, Error, "a text that needs quotes";
    NotInPolicies "AQ0108" None, Error, "a form of YAML that policies do not have";

    // AQ02xx: keys, names and values.
    UnknownKey "AQ0201" None, Error, "a key that this place does not have";
    DuplicateKey "AQ0202" None, Error, "a key given twice";
    MissingKey "AQ0203" None, Error, "a required key that is missing";
    EmptyKey "AQ0204" Some("empty-key"), Warning, "a key without value";
    WrongForm "AQ0205" None, Error, "a value of another form than its key wants";
    BadValue "AQ0206" None, Error, "a value that its key does not allow";
    BadName "AQ0207" None, Error, "a name that is not allowed";
    DuplicateItem "AQ0208" None, Error, "two items of one name";
    LegacySpelling "AQ0209" Some("legacy-spelling"), Hint, "an older spelling";
    NoEffect "AQ0210" Some("no-effect"), Hint, "a legacy key without effect";
    UnknownName "AQ0211" None, Error, "a name that nothing has";
    UndeclaredResource "AQ0212" Some("undeclared-resource"), Error, "a price or expression of an undeclared resource";
    NobodyElse "AQ0213" Some("nobody-else"), Warning, "roles that leave everybody else without agreement";
    NamedPart "AQ0214" None, Error, "an inline part with a name";

    // AQ03xx: inheritance and overrides.
    ExtendsCycle "AQ0301" None, Error, "items that extend each other in a circle";
    OverrideOutlivesItem "AQ0302" Some("override-outlives-item"), Warning, "an override that holds when its item does not";

    // AQ04xx: coverage and time.
    CoverageGap "AQ0401" Some("coverage-gap"), Error, "a time without price or expression between two covered ones";
    NotCovered "AQ0402" None, Error, "a resource that an agreement never prices";
    CoverageEdge "AQ0403" Some("coverage-edge"), Warning, "no price or expression before the first or after the last covered instant";
    SecondsForMillis "AQ0404" Some("seconds-for-milliseconds"), Warning, "a timestamp that is most probably in seconds";
    BadInstant "AQ0405" None, Error, "text that is no instant";
    BadCron "AQ0406" None, Error, "a cron pattern that cannot be read";
    OpenCron "AQ0407" None, Error, "a minute or an hour that a range or plan leaves open";
    NeverOccurs "AQ0408" Some("never-occurs"), Error, "a cron pattern that names no minute";
    EitherDay "AQ0409" Some("either-day"), Warning, "a cron pattern that restricts both kinds of day";
    HourAsDay "AQ0410" Some("hour-as-day"), Hint, "a day of the month where an hour was probably meant";
    MinuteGap "AQ0411" Some("minute-gap"), Warning, "ranges that leave exactly one minute";
    EmptyFrame "AQ0412" None, Error, "a time frame whose `from` is not before its `to`";
    IdleRange "AQ0413" Some("idle-range"), Warning, "a range that covers everything or nothing";
    UnknownZone "AQ0414" None, Error, "a time zone that does not exist";

    // AQ05xx: units, types and prices.
    BadUnit "AQ0501" None, Error, "a unit that cannot be read";
    UnitReading "AQ0502" Some("unit-reading"), Hint, "a unit that is not read as it is written";
    ResourceUnit "AQ0503" None, Error, "a unit that its cost policy cannot use";
    BadNumber "AQ0504" None, Error, "a number that cannot be read";
    BadPrice "AQ0505" None, Error, "a price that cannot be read";
    PriceUnit "AQ0506" None, Error, "a price or limit for another quantity than the resource's";
    BadTiers "AQ0507" None, Error, "tiers that do not rise to an open end";
    BadExpression "AQ0508" None, Error, "an expression that cannot be read";
    UnknownVariable "AQ0509" None, Error, "a name that is no variable, constant or `const`";
    MissingVariable "AQ0510" None, Error, "a variable that the resource's cost policy does not have";
    UnitMismatch "AQ0511" None, Error, "quantities that measure different things";
    TypeMismatch "AQ0512" None, Error, "a condition where a value is wanted, or a value where a condition is";
    NotCredits "AQ0513" None, Error, "a charge that is not in credits";
    TieredProduct "AQ0514" None, Error, "a tiered price outside a product with volume";
    MixedPrefixes "AQ0515" Some("mixed-prefixes"), Warning, "multiples of 1000 beside multiples of 1024";
    BadConstant "AQ0516" None, Error, "a constant that cannot be read";

    // AQ06xx: exactness and flow of expressions.
    ZeroDivisor "AQ0601" None, Error, "a divisor that can be zero";
    TooWide "AQ0602" None, Error, "a value that can grow beyond exact arithmetic";
    UnreachableBranch "AQ0603" Some("unreachable-branch"), Warning, "a branch that can never be taken";
    ConstantCondition "AQ0604" Some("constant-condition"), Warning, "a condition that is always the same";
    NegativeCharge "AQ0605" Some("negative-charge"), Warning, "a charge that can be negative though no price is";
    AlwaysZero "AQ0606" Some("always-zero"), Warning, "a charge that always rounds to zero";
    UnusedConst "AQ0607" Some("unused-const"), Warning, "a `const` that nothing uses";
    PerSlot "AQ0608" Some("per-slot"), Warning, "a charge that depends on how usage is cut into slots";

    // AQ07xx: directives.
    UnknownDirective "AQ0701" Some("unknown-directive"), Warning, "a directive that cannot be read";
    UnusedDirective "AQ0702" Some("unused-directive"), Warning, "a directive that changes nothing";
}
