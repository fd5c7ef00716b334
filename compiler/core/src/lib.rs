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
pub mod difference;
mod directives;
pub mod emit;
pub mod expression;
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
pub mod words;

use aquarium_grammar::{Limits, Parse, parse_bytes};
use aquarium_ir::Policy;
use aquarium_ir::time::{Calendar, Zone};

use assemble::{Parts, Places, assemble};
use items::Items;
use meanings::Meanings;
use resolve::{Resolution, resolve};

pub use diagnostic::{Code, Diagnostic, Edit, FileId, FileSpan, Fix, Label, Severity};
pub use emit::{EmitError, EmitOptions, emit};
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
    /// What the parser made of each file: tree, document, comments.
    pub parses: Vec<Parse>,
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
    /// The compiled policy; `None` where there is an error.
    pub policy: Option<Policy>,
}

/// Analyses the files of one policy together.
#[must_use]
pub fn analyze(mut files: Vec<SourceFile>) -> Analysis {
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let parses: Vec<Parse> = files.iter().map(|file| parse_bytes(&file.bytes, Limits::default())).collect();
    analyze_parsed(files, parses)
}

/// Analyses files that were parsed already, in the order of their paths.
#[must_use]
pub fn analyze_parsed(files: Vec<SourceFile>, parses: Vec<Parse>) -> Analysis {
    let mut findings = Vec::new();
    for (parse, file) in parses.iter().zip((0..).map(FileId)) {
        findings.extend(syntax::findings(parse, file));
    }
    let (items, zone) = read::read_all(&parses, &mut findings);
    let resolution = resolve(&items, &mut findings);
    lints::check(&items, &resolution, &mut findings);
    coverage::check(&items, &resolution, &zone, &mut findings);
    let meanings = meanings::meanings(&items, &mut findings);
    let compiler =
        Compiler { files: &files, parses: &parses, items: &items, resolution: &resolution, zone: &zone };
    let (diagnostics, policy) = compiler.compile(&meanings, findings);
    Analysis { files, parses, items, resolution, zone, meanings, diagnostics, policy }
}

/// The last steps: everything is read and resolved.
struct Compiler<'a> {
    files: &'a [SourceFile],
    parses: &'a [Parse],
    items: &'a Items,
    resolution: &'a Resolution,
    zone: &'a Zone,
}

impl Compiler<'_> {
    fn compile(
        &self,
        meanings: &Meanings,
        mut findings: Vec<Diagnostic>,
    ) -> (Vec<Diagnostic>, Option<Policy>) {
        let places = Places::new(self.files);
        let resources = assemble::resources(self.items, meanings, &places);
        let setting = charges::Setting {
            items: self.items,
            resolution: self.resolution,
            meanings,
            resources: &resources,
            precision: self.items.precision.as_ref().map_or(assemble::PRECISION_DEFAULT, |given| given.value),
            span: &|span| places.span(span),
        };
        let mut calendar = Calendar::new(self.zone.clone(), &self.items.frames);
        let charges = charges::charges(&setting, &mut calendar, &mut findings);
        let is_complete = findings.iter().all(|finding| finding.code.entry().name.is_some());
        leave_out_consequences(&mut findings);
        let mut diagnostics = directives::apply(self.parses, findings, is_complete);
        diagnostics.iter_mut().for_each(Diagnostic::shorten);
        sort(&mut diagnostics);
        if diagnostics.iter().any(|finding| finding.severity == Severity::Error) {
            return (diagnostics, None);
        }
        let policy = assemble(Parts {
            files: self.files,
            items: self.items,
            resolution: self.resolution,
            zone: self.zone,
            places: &places,
            meanings,
            charges,
            resources: resources.clone(),
        });
        (diagnostics, Some(policy))
    }
}

/// Where a text has no clear structure, something that seems to be missing may stand in the part that was
/// not understood.
fn leave_out_consequences(findings: &mut Vec<Diagnostic>) {
    const UNCLEAR: [Code; 4] = [Code::Syntax, Code::Layout, Code::OverLimit, Code::NotText];
    const ABSENT: [Code; 8] = [
        Code::NoPolicy,
        Code::MissingKey,
        Code::UnknownName,
        Code::UndeclaredResource,
        Code::NobodyElse,
        Code::NotCovered,
        Code::CoverageGap,
        Code::CoverageEdge,
    ];
    if findings.iter().any(|finding| UNCLEAR.contains(&finding.code)) {
        findings.retain(|finding| !ABSENT.contains(&finding.code));
    }
}

/// By place; one finding is kept of those that say the same of the same place.
fn sort(findings: &mut Vec<Diagnostic>) {
    findings.sort_by(|left, right| key(left).cmp(&key(right)));
    findings.dedup_by(|left, right| key(left) == key(right));
}

fn key(finding: &Diagnostic) -> (FileSpan, Code, &str) {
    (finding.primary.span, finding.code, &finding.message)
}
