//! Every fix that is offered is applied: its finding is gone, and no other has come.

#![allow(clippy::disallowed_methods, reason = "the policies of the test are files")]
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aquarium_compiler::{Analysis, Code, Diagnostic, Edit, Fix, SourceFile, analyze};

fn read(bytes: Vec<u8>) -> Analysis {
    analyze(vec![SourceFile { path: "policy.aquarium".to_owned(), bytes }])
}

/// Every policy of one file that tests have, with its name.
fn policies() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["codes", "fixes", "mistakes", "valid", "broken"].map(|name| format!("../../tests/corpus/{name}"));
    let folders = folders.iter().map(String::as_str).chain(["tests/findings"]);
    let mut paths: Vec<PathBuf> = folders
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let name = |path: &Path| {
        let folder = path.parent().unwrap().file_name().unwrap();
        format!("{}/{}", folder.display(), path.file_stem().unwrap().display())
    };
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// The text after the edits, none of which overlaps another.
fn apply(bytes: &[u8], fix: &Fix) -> Vec<u8> {
    let mut edits: Vec<&Edit> = fix.edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    assert!(edits.windows(2).all(|pair| matches!(pair, [left, right] if left.span.end <= right.span.start)));
    let mut bytes = bytes.to_vec();
    for edit in edits.iter().rev() {
        bytes.splice(edit.span.start as usize..edit.span.end as usize, edit.text.bytes());
    }
    bytes
}

/// How often each finding is there, wherever it is.
fn count(found: &[Diagnostic]) -> BTreeMap<Code, usize> {
    let mut counts = BTreeMap::new();
    for finding in found {
        *counts.entry(finding.code).or_default() += 1;
    }
    counts
}

/// Whether a mended finding may uncover another: where many things are wrong, some are looked at only when others
/// are mended; and whether a directive is needed is known only when it can be read.
fn may_uncover(name: &str, mended: Code) -> bool {
    name.starts_with("broken/") || name.starts_with("findings/") || mended == Code::UnknownDirective
}

/// What is wrong with a fix: its finding stays, or others come.
fn complaint(
    name: &str,
    bytes: &[u8],
    found: &[Diagnostic],
    finding: &Diagnostic,
    fix: &Fix,
) -> Option<String> {
    let text = apply(bytes, fix);
    let after = read(text.clone());
    let (before, now) = (count(found), count(&after.diagnostics));
    let same = |other: &&Diagnostic| other.code == finding.code && other.message == finding.message;
    let stays = after.diagnostics.iter().filter(same).count() >= found.iter().filter(same).count();
    let come: Vec<_> = now.iter().filter(|(code, times)| before.get(code).unwrap_or(&0) < times).collect();
    let is_wrong = stays || !come.is_empty() && !may_uncover(name, finding.code);
    is_wrong.then(|| {
        let (text, title) = (String::from_utf8_lossy(&text), &fix.title);
        format!("{name}: after `{title}` of `{}`: stays: {stays}, {come:?} come:\n{text}", finding.message)
    })
}

#[test]
fn every_fix_removes_its_finding_and_brings_no_other() {
    let mut fixed: BTreeSet<Code> = BTreeSet::new();
    let mut complaints = Vec::new();
    for (name, bytes) in policies() {
        let found = read(bytes.clone()).diagnostics;
        for finding in &found {
            for fix in finding.fix.iter().chain(&finding.choices) {
                complaints.extend(complaint(&name, &bytes, &found, finding, fix));
                fixed.insert(finding.code);
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert_eq!(
        Vec::from_iter(fixed),
        FIXED,
        "the codes that have fixes are those of which there is a policy"
    );
}

/// The codes some findings of which can be fixed by a machine.
const FIXED: &[Code] = &[
    Code::Syntax,
    Code::BadCharacter,
    Code::Layout,
    Code::QuoteIt,
    Code::NotInPolicies,
    Code::UnknownKey,
    Code::BadValue,
    Code::LegacySpelling,
    Code::UnknownName,
    Code::UndeclaredResource,
    Code::NamedPart,
    Code::CoverageEdge,
    Code::SecondsForMillis,
    Code::BadCron,
    Code::HourAsDay,
    Code::MinuteGap,
    Code::UnknownZone,
    Code::BadUnit,
    Code::UnitReading,
    Code::BadNumber,
    Code::BadPrice,
    Code::BadExpression,
    Code::UnknownVariable,
    Code::NotCredits,
    Code::BadConstant,
    Code::ZeroDivisor,
    Code::UnknownDirective,
];
