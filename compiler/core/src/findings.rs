//! The findings of an analysis while they are collected: as many as anybody reads. A file of sixteen megabytes can be
//! wrong in half a million places, and each finding takes ten times the room of what it speaks of.

use std::collections::BTreeMap;
use std::ops::Deref;

use aquarium_grammar::expression::names::nearest;

use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan, Severity};

/// How many names are compared with those that are not known, to propose the nearest: each such name is compared with all
/// that are.
const COMPARISONS_MAX: usize = 300_000;

/// How many findings of a file are told.
pub const FINDINGS_MAX: usize = 10_000;
/// How many lints of a file are kept until the directives are read, which may allow them.
const LINTS_MAX: usize = 10 * FINDINGS_MAX;

/// Where a text has no clear structure, something that seems to be missing may stand in the part that was not
/// understood.
const UNCLEAR: [Code; 4] = [Code::Syntax, Code::Layout, Code::OverLimit, Code::NotText];
/// What is told of things that seem to be missing.
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

/// Findings, in the order in which they are made.
#[derive(Debug)]
pub struct Findings {
    list: Vec<Diagnostic>,
    /// How many were made in each file.
    made: BTreeMap<(FileId, Kind), usize>,
    is_unclear: bool,
    /// What is left of [`COMPARISONS_MAX`].
    comparisons: usize,
}

impl Default for Findings {
    fn default() -> Self {
        Self { list: Vec::new(), made: BTreeMap::new(), is_unclear: false, comparisons: COMPARISONS_MAX }
    }
}

/// What a finding is, as far as it matters for how many of its kind are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    is_lint: bool,
    is_absent: bool,
}

impl Kind {
    fn of(code: Code) -> Self {
        Self { is_lint: code.entry().name.is_some(), is_absent: ABSENT.contains(&code) }
    }

    fn most(self) -> usize {
        if self.is_lint { LINTS_MAX } else { FINDINGS_MAX }
    }
}

impl Findings {
    /// Keeps a finding, where there is room for one more of its kind and file.
    pub fn push(&mut self, finding: Diagnostic) {
        let kind = Kind::of(finding.code);
        self.is_unclear |= UNCLEAR.contains(&finding.code);
        let made = self.made.entry((finding.primary.span.file, kind)).or_default();
        *made += 1;
        if *made <= kind.most() {
            self.list.push(finding);
        }
    }

    /// The known name that is nearest to one that is not known; none any more where very many were looked for.
    pub fn nearest<'n>(&mut self, name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        let mut compared = 0;
        let near = nearest(name, known.into_iter().take(self.comparisons).inspect(|_| compared += 1));
        self.comparisons -= compared;
        // With some of them left out the nearest of the others may not be what was meant.
        near.filter(|_| self.comparisons > 0)
    }

    /// The findings without those that only follow from others, and for each file how many there was no room for.
    pub fn into_parts(self) -> (Vec<Diagnostic>, BTreeMap<FileId, usize>) {
        let Self { mut list, made, is_unclear, .. } = self;
        if is_unclear {
            list.retain(|finding| !Kind::of(finding.code).is_absent);
        }
        let mut left_out = BTreeMap::new();
        for ((file, kind), made) in made {
            let more = made.saturating_sub(kind.most());
            if more > 0 && !(kind.is_absent && is_unclear) {
                *left_out.entry(file).or_default() += more;
            }
        }
        (list, left_out)
    }
}

impl Deref for Findings {
    type Target = [Diagnostic];

    fn deref(&self) -> &Self::Target {
        &self.list
    }
}

impl Extend<Diagnostic> for Findings {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

/// The findings of an analysis as they are told: in order, shortened, at most [`FINDINGS_MAX`] of a file. `left_out` are
/// those for which there was no room before.
pub fn told(mut findings: Vec<Diagnostic>, left_out: &BTreeMap<FileId, usize>) -> Vec<Diagnostic> {
    sort(&mut findings);
    limit(&mut findings, left_out);
    findings.iter_mut().for_each(Diagnostic::shorten);
    sort(&mut findings);
    findings
}

/// By place; one finding is kept of those that say the same of the same place.
fn sort(findings: &mut Vec<Diagnostic>) {
    findings.sort_by(|left, right| key(left).cmp(&key(right)));
    findings.dedup_by(|left, right| key(left) == key(right));
}

fn key(finding: &Diagnostic) -> (FileSpan, Code, &str) {
    (finding.primary.span, finding.code, &finding.message)
}

/// Leaves the gravest [`FINDINGS_MAX`] findings of each file, and says of how many nothing is told. `left_out` are those
/// that were not even kept: as lints among them may have been denied, they count as errors.
fn limit(findings: &mut Vec<Diagnostic>, left_out: &BTreeMap<FileId, usize>) {
    let mut by_file: BTreeMap<FileId, Vec<(Severity, FileSpan)>> = BTreeMap::new();
    if left_out.is_empty() && findings.len() <= FINDINGS_MAX {
        return;
    }
    for finding in findings.iter() {
        let span = finding.primary.span;
        by_file.entry(span.file).or_default().push((finding.severity, span));
    }
    for (file, mut places) in by_file {
        places.sort_unstable();
        let never_kept = left_out.get(&file).copied().unwrap_or_default();
        let Some(last) = places.get(FINDINGS_MAX).copied() else {
            findings.extend((never_kept > 0).then(|| more(file, never_kept, Severity::Error)));
            continue;
        };
        let all = findings.len();
        findings.retain(|finding| {
            let span = finding.primary.span;
            span.file != file || (finding.severity, span) < last
        });
        let count = all - findings.len() + never_kept;
        let severity = if never_kept > 0 { Severity::Error } else { last.0 };
        findings.push(more(file, count, severity));
    }
}

fn more(file: FileId, count: usize, severity: Severity) -> Diagnostic {
    let message = format!("there are {count} more findings in this file: at most {FINDINGS_MAX} are told");
    let start = FileSpan { file, start: 0, end: 0 };
    let finding = Diagnostic::new(Code::OverLimit, start, message);
    Diagnostic { severity, ..finding.help("mend the first ones: most have one cause") }
}
