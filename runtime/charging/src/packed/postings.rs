//! Entries, refills and findings as bytes.

use aquarium_ir::policy::{AgreementId, ChargeId, CostPolicy, ExpressionId, PriceId, ResourceId};
use aquarium_ir::slot::Trap;
use aquarium_ir::time::{Month, MonthSpan};

use super::records::tagged;
use crate::charging::{Charged, Outcome};
use crate::deployments::VersionId;
use crate::ledger::{LineKind, WalletLine};
use crate::packed::{Packed, Reader, Writer, packed_fields};
use crate::posting::{Cause, Entry, Finding, PlanOf, Refill, RefillKind};
use crate::rate::{Naming, Rate};
use crate::reason::Reason;
use crate::version::Terms;
use crate::wallet::Wallet;

packed_fields! {
    Entry { resource, instance, slot, posted, cause }
    Charged { from, to, rate, amount, volume, total_before, credits, outcome }
    Rate { version, covered, agreement, agreement_id, resource_id, terms }
    Terms { price, expression, charge, uses_total }
    Refill { at, kind, credits }
    PlanOf { version, agreement }
    Finding { at, cause, reason, message }
    Naming { from, role, assigned }
    MonthSpan { month, start, end }
    Month { year, month }
    Wallet { plan, grants }
    WalletLine { entry, revision, known, kind }
}

/// Ids are their numbers.
macro_rules! packed_ids {
    ($($name:ident)*) => {$(
        impl Packed for $name {
            fn put<'a>(&'a self, to: &mut Writer<'a>) {
                self.0.put(to);
            }
            fn take(from: &mut Reader<'_>) -> Option<Self> {
                u32::take(from).map(Self)
            }
        }
    )*};
}

packed_ids! { VersionId AgreementId ResourceId PriceId ExpressionId ChargeId }

/// Words are their places in a list that is only ever added to.
macro_rules! packed_words {
    ($($name:ident [$($word:ident)*])*) => {$(
        impl Packed for $name {
            fn put<'a>(&'a self, to: &mut Writer<'a>) {
                const WORDS: &[$name] = &[$($name::$word),*];
                let place = WORDS.iter().position(|word| word == self);
                to.byte(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX));
            }
            fn take(from: &mut Reader<'_>) -> Option<Self> {
                const WORDS: &[$name] = &[$($name::$word),*];
                WORDS.get(usize::from(from.byte()?)).copied()
            }
        }
    )*};
}

packed_words! {
    CostPolicy [Continuous Onoff Discrete]
    LineKind [Posted Reversal]
    Reason [
        NotJson MissingField BadType BadVersion ReservedClient Conflict ImplausibleTime UnknownResource BadValue
        Limit Trap
    ]
}

impl Packed for Cause {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        match self {
            Self::MonthEnd => to.byte(0),
            Self::Event { client, id } => {
                tagged(to, 1, client);
                id.put(to);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(Self::MonthEnd),
            1 => Some(Self::Event { client: Packed::take(from)?, id: Packed::take(from)? }),
            _ => None,
        }
    }
}

impl Packed for RefillKind {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        match self {
            Self::Initial(plan) => tagged(to, 0, plan),
            Self::Plan(plan) => tagged(to, 1, plan),
            Self::Grant(cause) => tagged(to, 2, cause),
        }
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => PlanOf::take(from).map(Self::Initial),
            1 => PlanOf::take(from).map(Self::Plan),
            2 => Cause::take(from).map(Self::Grant),
            _ => None,
        }
    }
}

impl Packed for Outcome {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        match self {
            Self::Charged => to.byte(0),
            Self::Uncovered => to.byte(1),
            Self::Limit => to.byte(2),
            Self::Trap(trap) => tagged(to, 3, trap),
        }
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(Self::Charged),
            1 => Some(Self::Uncovered),
            2 => Some(Self::Limit),
            3 => Trap::take(from).map(Self::Trap),
            _ => None,
        }
    }
}

/// What slots can be beyond, as [`Trap::BeyondLimits`] words it.
const BEYOND: [&str; 5] = ["slot", "duration", "amount", "volume", "total"];

impl Packed for Trap {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        match self {
            Self::UnknownCharge(charge) => tagged(to, 0, charge),
            Self::BeyondLimits(what) => {
                to.byte(1);
                to.length(BEYOND.iter().position(|known| known == what).unwrap_or_default());
            }
            Self::DivisionByZero(node) => tagged(to, 2, node),
            Self::Malformed(node) => tagged(to, 3, node),
            Self::Stopped(why) => tagged(to, 4, why),
        }
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => u32::take(from).map(Self::UnknownCharge),
            1 => BEYOND.get(from.length()?).copied().map(Self::BeyondLimits),
            2 => u32::take(from).map(Self::DivisionByZero),
            3 => u32::take(from).map(Self::Malformed),
            4 => String::take(from).map(Self::Stopped),
            _ => None,
        }
    }
}
