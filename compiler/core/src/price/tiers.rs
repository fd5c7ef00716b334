//! Graduated tiers.

use aquarium_ir::Rational;
use aquarium_ir::policy::{Price, Tier};

use super::{Constants, TierSyntax, credits_per_unit, limit};
use crate::diagnostic::{Code, Diagnostic, FileSpan, SourceText, TextFinding};
use crate::unit::ResourceUnit;

/// The tiers that are meant: rising, positive, the last without end.
pub(super) fn resolve(
    span: FileSpan,
    tiers: &[TierSyntax],
    unit: &ResourceUnit,
    constants: &Constants,
) -> (Option<Price>, Vec<Diagnostic>) {
    let mut resolver = Resolver { unit, constants, diagnostics: Vec::new() };
    if tiers.is_empty() {
        resolver.report(span, "there is no tier here");
    }
    let mut read = Vec::with_capacity(tiers.len());
    for (index, tier) in tiers.iter().enumerate() {
        read.extend(resolver.tier(tier, index + 1 == tiers.len()));
    }
    resolver.check_rising(tiers, &read);
    let price = resolver.diagnostics.is_empty().then_some(Price::Tiers(read));
    (price, resolver.diagnostics)
}

struct Resolver<'a> {
    unit: &'a ResourceUnit,
    constants: &'a Constants,
    diagnostics: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn report(&mut self, span: FileSpan, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(Code::BadTiers, span, message));
    }

    fn tier(&mut self, tier: &TierSyntax, is_last: bool) -> Option<Tier> {
        let price = match &tier.price {
            Some(source) => self.read(source, credits_per_unit),
            None => {
                self.report(tier.span, "this tier has no `price`");
                None
            }
        };
        let upto = match (&tier.upto, is_last) {
            (Some(source), false) => Some(self.read(source, limit)?),
            (None, true) => None,
            (Some(source), true) => {
                let message =
                    "the last tier has no end: leave `upto` out, or add a tier for what lies beyond";
                self.report(source.span, message);
                return None;
            }
            (None, false) => {
                self.report(tier.span, "this tier has no `upto`, so the tiers after it are never reached");
                return None;
            }
        };
        Some(Tier { upto, price: price? })
    }

    fn read(
        &mut self,
        source: &SourceText,
        read: impl Fn(&str, &ResourceUnit, &Constants) -> Result<Rational, TextFinding>,
    ) -> Option<Rational> {
        match read(&source.text, self.unit, self.constants) {
            Ok(number) => Some(number),
            Err(finding) => {
                self.diagnostics.push(finding.into_diagnostic(source));
                None
            }
        }
    }

    /// Reports the first limit that is not above the one before it. Tiers that could not be read have
    /// been reported, and then nothing is compared.
    fn check_rising(&mut self, syntax: &[TierSyntax], tiers: &[Tier]) {
        if syntax.len() != tiers.len() {
            return;
        }
        let mut before = Rational::zero();
        let mut last: Option<&SourceText> = None;
        for (written, tier) in syntax.iter().zip(tiers) {
            let (Some(upto), Some(source)) = (&tier.upto, &written.upto) else { continue };
            if *upto <= before {
                let message = if upto.is_zero() || upto.is_negative() {
                    "`upto` is above zero".to_owned()
                } else {
                    format!("`upto` rises from tier to tier: {upto} is not above {before}")
                };
                let finding = Diagnostic::new(Code::BadTiers, source.span, message);
                let finding =
                    finding.help("sort the tiers by `upto`: each goes further than the one before it");
                self.diagnostics.push(match last {
                    Some(last) => finding.label(last.span, "the tier before ends here"),
                    None => finding,
                });
                return;
            }
            (before, last) = (upto.clone(), Some(source));
        }
    }
}
