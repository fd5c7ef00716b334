//! Results for people: a line a test, a report of each that fails, what no test reaches, a summary.

use std::io::{Result, Write};

use aquarium_compiler::LineIndex;

use super::coverage::Subject;
use super::suite::{Explained, Suite, TestFile, Tested, Verdict};
use crate::inputs;
use crate::report::failures::{Located, Source};
use crate::report::{failures, findings_of};
use crate::simulate::explanation;

/// Writes everything to standard output: the reports are what was asked for.
pub fn write(out: &mut impl Write, suite: &Suite, coverage: bool) -> Result<()> {
    for file in &suite.files {
        writeln!(out, "{}", file.path)?;
        write_file(out, file)?;
    }
    for tested in suite.policies.values().filter(|tested| tested.is_reported) {
        write!(out, "{}", findings_of(&tested.analysis, &tested.directory))?;
    }
    if coverage {
        for tested in suite.policies.values().filter(|tested| tested.policy.is_some()) {
            write_coverage(out, tested)?;
        }
    }
    let counts = suite.counts();
    let broken = if counts.broken == 0 { String::new() } else { format!(", {} not run", counts.broken) };
    writeln!(out, "{} passed, {} failed{broken}", counts.passed, counts.failed)
}

fn write_file(out: &mut impl Write, file: &TestFile) -> Result<()> {
    let source = Source::new(&file.path, &file.bytes);
    for finding in &file.findings {
        write!(out, "{}", failures::finding(finding, &source))?;
    }
    for outcome in &file.outcomes {
        let name = &outcome.name.value;
        match &outcome.verdict {
            Verdict::Passed => writeln!(out, "  ok    {name}")?,
            Verdict::Broken(problem) => {
                writeln!(out, "  ERROR {name}")?;
                let located = vec![Located { span: problem.span, text: problem.reason.clone() }];
                write!(out, "{}", failures::render("this test cannot be run", located, &source))?;
            }
            Verdict::Failed(mismatches) => {
                writeln!(out, "  FAIL  {name}")?;
                let located = mismatches.iter();
                let located = located.map(|mismatch| Located { span: mismatch.span, text: mismatch.told() });
                let plural = if mismatches.len() == 1 { "thing is" } else { "things are" };
                let title = format!("{} {plural} not as `{name}` expects", mismatches.len());
                write!(out, "{}", failures::render(&title, located.collect(), &source))?;
            }
        }
        if let Some(explained) = &outcome.explained {
            write_explained(out, explained)?;
        }
    }
    Ok(())
}

fn write_explained(out: &mut impl Write, explained: &Explained) -> Result<()> {
    if explained.derivations.is_empty() {
        writeln!(out, "\nnothing was charged")?;
    }
    for derivation in &explained.derivations {
        explanation::write(out, derivation, &explained.zone)?;
    }
    writeln!(out)
}

fn write_coverage(out: &mut impl Write, tested: &Tested) -> Result<()> {
    let files: Vec<String> =
        tested.analysis.files.iter().map(|file| inputs::shown(&tested.directory, file)).collect();
    writeln!(out, "\ncoverage of {}", files.join(", "))?;
    for subject in Subject::ALL {
        let (hit, all) = tested.coverage.count(subject);
        if all > 0 {
            writeln!(out, "  {:<12} {hit:>4} of {all:<4} {:>3} %", subject.plural(), percent(hit, all))?;
        }
    }
    for (place, point) in tested.coverage.points().filter(|(_, point)| point.hits == 0) {
        let file = place.span.file.0 as usize;
        let line =
            tested.analysis.files.get(file).map_or(0, |it| LineIndex::new(&it.bytes).line(place.span.start))
                + 1;
        let path = files.get(file).map_or("", String::as_str);
        writeln!(out, "  not reached: {path}:{line}: {}", point.label)?;
    }
    writeln!(out)
}

/// Rounded down, so that 100 means all.
pub fn percent(hit: usize, all: usize) -> usize {
    (hit * 100).checked_div(all).unwrap_or(100)
}
