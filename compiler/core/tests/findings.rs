//! Findings as short text: what is reported where, for small policies.

#![allow(clippy::disallowed_methods, reason = "the policies of the test are files")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use std::fmt::Write;

use aquarium_compiler::{Analysis, FileSpan, LineIndex, SourceFile, analyze};

fn analysis(texts: &[&str]) -> Analysis {
    let file = |(number, text): (usize, &&str)| SourceFile {
        path: format!("{number}.aquarium"),
        bytes: text.as_bytes().to_vec(),
    };
    analyze(texts.iter().enumerate().map(file).collect())
}

/// One line for each finding: place, code, severity, the text it points at, message.
fn short(analysis: &Analysis) -> String {
    let mut text = String::new();
    for finding in &analysis.diagnostics {
        let place = show(analysis, finding.primary.span);
        let id = finding.code.entry().id;
        writeln!(text, "{place} {id} {:?}: {}", finding.severity, finding.message).unwrap();
        for label in &finding.secondary {
            writeln!(text, "    {} {}", show(analysis, label.span), label.message).unwrap();
        }
        for note in finding.help.iter().chain(&finding.notes) {
            writeln!(text, "    = {note}").unwrap();
        }
        if let Some(fix) = &finding.fix {
            let edits: Vec<String> = fix.edits.iter().map(|edit| format!("{:?}", edit.text)).collect();
            writeln!(text, "    fix: {} {}", fix.title, edits.join(" ")).unwrap();
        }
    }
    text
}

fn show(analysis: &Analysis, span: FileSpan) -> String {
    let file = &analysis.files[span.file.0 as usize];
    let (line, column) = LineIndex::new(&file.bytes).line_column(&file.bytes, span.start);
    let words = String::from_utf8_lossy(&file.bytes[span.start as usize..span.end as usize]).into_owned();
    let first = words.lines().next().unwrap_or_default().to_owned();
    let file = if analysis.files.len() > 1 { format!("{}:", span.file.0) } else { String::new() };
    format!("{file}{line}:{column} [{first}]")
}

/// Every policy in `tests/findings/`; a folder is a policy of several files.
#[test]
fn every_policy_gives_its_findings() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/findings");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let texts: Vec<String> = if path.is_dir() {
            let mut files: Vec<_> =
                std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
        } else {
            vec![std::fs::read_to_string(&path).unwrap()]
        };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        insta::assert_snapshot!(name, short(&analysis(&texts)));
    }
}

/// The corpus: policies that pass, and files that are hardly policies.
#[test]
fn every_file_of_the_corpus_gives_its_findings() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
    for folder in ["valid", "broken"] {
        let mut paths: Vec<_> =
            std::fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let file =
                SourceFile { path: "policy.aquarium".to_owned(), bytes: std::fs::read(&path).unwrap() };
            let analysis = analyze(vec![file]);
            assert_eq!(analysis.compiles(), folder == "valid", "{stem}: {}", short(&analysis));
            insta::assert_snapshot!(format!("corpus-{folder}-{stem}"), short(&analysis));
        }
    }
}
