use aquarium_ir::policy::CostPolicy::{self, Continuous, Discrete, Onoff};

use super::*;
use crate::diagnostic::FileId;

fn constants() -> Constants {
    [("free", "10"), ("million", "1e6"), ("quota", "10 GB"), ("rate", "0.05 per GB"), ("base-rate", "7")]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), read_constant(text).unwrap()))
        .collect()
}

fn source(text: &str) -> SourceText {
    let end = u32::try_from(text.len()).unwrap();
    SourceText::plain(text, FileSpan { file: FileId(0), start: 0, end })
}

fn unit(text: &str, cost_policy: CostPolicy) -> ResourceUnit {
    read_resource_unit(text, cost_policy).0.unwrap()
}

fn shown(result: (Option<Price>, Vec<Diagnostic>), text: &str) -> String {
    let (price, diagnostics) = result;
    let price = match price {
        Some(Price::Flat(number)) => number.to_string(),
        Some(Price::Tiers(tiers)) => {
            let tier = |tier: &aquarium_ir::policy::Tier| match &tier.upto {
                Some(upto) => format!("{upto}:{}", tier.price),
                None => tier.price.to_string(),
            };
            tiers.iter().map(tier).collect::<Vec<_>>().join(" ")
        }
        None => String::new(),
    };
    diagnostics.into_iter().fold(price, |shown, found| {
        let at = text.get(found.primary.span.start as usize..found.primary.span.end as usize).unwrap();
        let help = found.help.map(|help| format!("; {help}")).unwrap_or_default();
        format!("{shown}[{at}] {}{help}", found.message)
    })
}

fn flat(text: &str, declared: &str, cost_policy: CostPolicy) -> String {
    shown(resolve_price(&PriceSyntax::Flat(source(text)), &unit(declared, cost_policy), &constants()), text)
}

#[test]
fn prices_become_credits_per_declared_unit() {
    for (text, declared, cost_policy, expected) in [
        ("0.05", "MB", Discrete, "0.05"),
        ("-3", "MB", Discrete, "-3"),
        ("20 per GB", "MB", Discrete, "0.02"),
        ("20 credits per GB", "MB", Discrete, "0.02"),
        ("20 credit/GB", "MB", Discrete, "0.02"),
        ("24 credits/GB/day", "GB*hr", Continuous, "1"),
        (
            "5 credit/hr",
            "GB",
            Discrete,
            "[5 credit/hr] this is credits per hr, a price is credits per GB; write `5 per GB`",
        ),
        (
            "per GB",
            "GB",
            Discrete,
            "[] a number is missing here; write a number such as `0.05`, or a rate such as `0.05 per GB`",
        ),
        ("3 per 1_000_000 token", "tokens", Discrete, "0.000003"),
        ("3 per million token", "tokens", Discrete, "0.000003"),
        ("free", "MB", Discrete, "10"),
        ("base-rate per 100 MB", "MB", Discrete, "0.07"),
        ("rate", "MB", Discrete, "0.00005"),
        ("20 per MB/hr", "MB/hr", Discrete, "20"),
        ("20 per MB", "MB/hr", Discrete, "20"),
        ("24 per GB*day", "GB*hr", Continuous, "1"),
        ("24 per GB/day", "GB/hr", Continuous, "1"),
        ("1 per MB-Hr", "MB/hr", Continuous, "1"),
        ("1 per GB", "GB", Continuous, "1"),
        ("1 per TB", "GB", Continuous, "0.001"),
        ("1 per GB*day", "GB*hr", Continuous, "1/24"),
        ("60 per hr", "min", Onoff, "1"),
        ("3 per VM", "VM", Onoff, "3"),
        (
            "20 per GB",
            "GB*hr",
            Continuous,
            "[GB] this price is per GB, the resource is measured in GB*hr; name a quantity such as `GB*hr`",
        ),
        (
            "20 per page",
            "MB",
            Discrete,
            "[page] this price is per page, the resource is measured in MB; name a quantity such as `MB`",
        ),
        (
            "20 per gb",
            "MB",
            Discrete,
            "[gb] `gb` can mean bytes or bits; write `GB` for bytes or `Gb` for bits",
        ),
        ("20 GB", "MB", Discrete, "[20 GB] this is GB, a price is credits per MB; write `20 per MB`"),
        ("quota", "MB", Discrete, "[quota] this is GB, a price is credits per MB; write `10 per MB`"),
        (
            "5 credits",
            "MB",
            Discrete,
            "[5 credits] this is credits, a price is credits per MB; write `5 per MB`",
        ),
        ("rate per GB", "MB", Discrete, "[rate] `rate` already says per what it is"),
        ("3 per 0 MB", "MB", Discrete, "[0 MB] a rate is per more than zero"),
        ("3 per", "MB", Discrete, "[] a unit is missing after `per`"),
        ("1,5", "MB", Discrete, "[1,5] `1,5` is not how a number is written; write `1.5`"),
        (
            "fre",
            "MB",
            Discrete,
            "[fre] `fre` is no number and no constant; write a number such as `0.05`, a quantity such as `10 GB` \
             or a rate such as `0.05 per GB`",
        ),
    ] {
        assert_eq!(flat(text, declared, cost_policy), expected, "{text} of {declared}");
    }
}

/// Tiers written as `upto:price upto:price price`, each part a tier.
fn tiers(text: &str) -> String {
    let part = |start: usize, end: usize| {
        let span = |at: usize| u32::try_from(at).unwrap();
        SourceText::plain(
            text.get(start..end).unwrap(),
            FileSpan { file: FileId(0), start: span(start), end: span(end) },
        )
    };
    let mut tiers = Vec::new();
    let mut start = 0;
    for tier in text.split('|') {
        let end = start + tier.len();
        let middle = tier.find(':').map(|at| start + at);
        let price_start = middle.map_or(start, |middle| middle + 1);
        tiers.push(TierSyntax {
            span: part(start, end).span,
            upto: middle.map(|middle| part(start, middle)),
            price: (price_start < end).then(|| part(price_start, end)),
        });
        start = end + 1;
    }
    let syntax = PriceSyntax::Tiers { span: part(0, text.len()).span, tiers };
    shown(resolve_price(&syntax, &unit("MB", Discrete), &constants()), text)
}

#[test]
fn tiers_rise_to_an_open_end() {
    for (text, expected) in [
        ("10:0|100:0.05|0.02", "10:0 100:0.05 0.02"),
        ("quota:0|20 per GB", "10000:0 0.02"),
        ("1 GB:-1|2", "1000:-1 2"),
        ("5", "5"),
        (
            "10:1|5:2|3",
            "[5] `upto` rises from tier to tier: 5 is not above 10; sort the tiers by `upto`: each goes further \
             than the one before it",
        ),
        (
            "0:1|3",
            "[0] `upto` is above zero; sort the tiers by `upto`: each goes further than the one before it",
        ),
        ("10:1|20:2", "[20] the last tier has no end: leave `upto` out, or add a tier for what lies beyond"),
        ("10:1|2|3", "[2] this tier has no `upto`, so the tiers after it are never reached"),
        ("10:|3", "[10:] this tier has no `price`"),
        (
            "10 hr:1|3",
            "[hr] this limit is in hr, the resource is measured in MB; name a quantity such as `MB`",
        ),
        ("rate:1|3", "[rate] `upto` is an amount, not a rate"),
    ] {
        assert_eq!(tiers(text), expected, "{text}");
    }
}

#[test]
fn mixed_prefixes_are_found_by_word() {
    let found = prefixes_of(&source("20 per GiB"));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.start, found[0].1), (7, PrefixFamily::Binary));
}
