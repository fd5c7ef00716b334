//! From trees to names, inheritance, types, IR and WebAssembly; and the findings on the way.
//!
//! Analysis always returns what could be understood *and* what is wrong with it; no input makes it
//! panic. This crate reads no file, clock or environment: its caller hands it the texts.

#![deny(clippy::float_arithmetic)]

mod assemble;
pub mod chain;
pub mod charges;
pub mod coverage;
pub mod diagnostic;
mod directives;
pub mod emit;
pub mod expression;
pub mod findings;
pub mod items;
mod lints;
pub mod meanings;
pub mod policy_test;
pub mod position;
pub mod price;
pub mod read;
pub mod references;
pub mod resolve;
mod syntax;
pub mod terms;
pub mod time;
pub mod unit;

use std::sync::OnceLock;

use aquarium_grammar::{Limits, Parse, Reading, parse_bytes};
use aquarium_ir::Policy;
use aquarium_ir::time::{Calendar, Zone};

use assemble::{Parts, Places, assemble};
use charges::Charges;
use directives::Directives;
use findings::{Findings, told};
use items::Items;
use meanings::Meanings;
use resolve::{Resolution, resolve};

pub use diagnostic::{Code, Diagnostic, Edit, FileId, FileSpan, Fix, Label, Severity};
pub use emit::{CompiledModule, EmitError, EmitOptions, emit};
pub use position::LineIndex;

/// One file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as it is to be shown: relative to the nearest common directory of the paths given.
    pub path: String,
    /// Its bytes, whatever they are.
    pub bytes: Vec<u8>,
}

/// What is known about a policy.
#[derive(Debug)]
pub struct Analysis {
    /// The files, in the order in which [`FileId`] counts them: by path.
    pub files: Vec<SourceFile>,
    /// What the policy says, item by item, with the place of every word.
    pub items: Items,
    /// What every agreement gives, resolved in time, in entries of `items`.
    pub resolution: Resolution,
    /// What units, constants, prices and expressions of `items` mean.
    pub meanings: Meanings,
    /// The policy's zone; UTC where none is given or the one given is unknown.
    pub zone: Zone,
    /// All findings, sorted by place, without duplicates and without those that only follow from another error.
    pub diagnostics: Vec<Diagnostic>,
    /// What can be compiled; `None` where there is an error.
    charges: Option<Charges>,
    /// Put together when it is asked for: a check needs none.
    policy: OnceLock<Policy>,
}

impl Analysis {
    /// Whether the policy can be compiled: nothing is an error.
    #[must_use]
    pub fn compiles(&self) -> bool {
        self.charges.is_some()
    }

    /// The compiled policy; `None` where there is an error.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        let charges = self.charges.as_ref()?;
        Some(self.policy.get_or_init(|| self.assembled(charges)))
    }

    /// The compiled policy alone; `None` where there is an error.
    #[must_use]
    pub fn into_policy(mut self) -> Option<Policy> {
        self.policy()?;
        self.policy.take()
    }

    fn assembled(&self, charges: &Charges) -> Policy {
        let places = Places::new(&self.files);
        assemble(&Parts {
            files: &self.files,
            items: &self.items,
            resolution: &self.resolution,
            zone: &self.zone,
            resources: assemble::resources(&self.items, &self.meanings, &places),
            places: &places,
            meanings: &self.meanings,
            charges,
        })
    }
}

/// Analyses the files of one policy together.
#[must_use]
pub fn analyze(mut files: Vec<SourceFile>) -> Analysis {
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let read = |file: &SourceFile| parse_bytes(&file.bytes, Limits::default()).into_reading();
    let readings: Vec<Reading> = files.iter().map(read).collect();
    let understood = Understood::of(&readings.iter().collect::<Vec<_>>());
    // Long texts take most of the memory while they are read; what follows needs only what they say.
    drop(readings);
    understood.analyze(files)
}

/// Analyses files that were parsed already; both in the order of paths.
#[must_use]
pub fn analyze_parsed<'p>(files: Vec<SourceFile>, parses: impl IntoIterator<Item = &'p Parse>) -> Analysis {
    let readings: Vec<&Reading> = parses.into_iter().map(Parse::reading).collect();
    Understood::of(&readings).analyze(files)
}

/// What the texts say, apart from one another.
struct Understood {
    items: Items,
    zone: Zone,
    directives: Directives,
    findings: Findings,
}

impl Understood {
    fn of(readings: &[&Reading]) -> Self {
        let mut findings = Findings::default();
        for (reading, file) in readings.iter().zip((0..).map(FileId)) {
            findings.extend(syntax::findings(reading, file));
        }
        let (items, zone) = read::read_all(readings, &mut findings);
        let directives = Directives::of(readings, &mut findings);
        Self { items, zone, directives, findings }
    }

    fn analyze(self, files: Vec<SourceFile>) -> Analysis {
        let Self { items, zone, directives, mut findings } = self;
        let resolution = resolve(&items, &mut findings);
        lints::check(&items, &resolution, &mut findings);
        coverage::check(&items, &resolution, &zone, &mut findings);
        let meanings = meanings::meanings(&items, &mut findings);
        let places = Places::new(&files);
        let setting = charges::Setting {
            items: &items,
            resolution: &resolution,
            meanings: &meanings,
            resources: &assemble::resources(&items, &meanings, &places),
            precision: items.precision.as_ref().map_or(assemble::PRECISION_DEFAULT, |given| given.value),
            span: &|span| places.span(span),
        };
        let mut calendar = Calendar::new(zone.clone(), &items.frames);
        let charges = charges::charges(&setting, &mut calendar, &mut findings);
        let diagnostics = reported(findings, directives);
        let is_wrong = diagnostics.iter().any(|finding| finding.severity == Severity::Error);
        let charges = (!is_wrong).then_some(charges);
        Analysis { files, items, resolution, zone, meanings, diagnostics, charges, policy: OnceLock::new() }
    }
}

/// What is told of all that was found.
fn reported(findings: Findings, directives: Directives) -> Vec<Diagnostic> {
    let (findings, left_out) = findings.into_parts();
    let is_complete =
        left_out.is_empty() && findings.iter().all(|finding| finding.code.entry().name.is_some());
    let diagnostics = directives.apply(findings, is_complete);
    told(diagnostics, &left_out)
}
