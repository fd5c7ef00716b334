//! A policy at one moment: its files, what the compiler knows about them, and their lines.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aquarium_compiler::references::{Reference, references};
use aquarium_compiler::{Analysis, FileId, FileSpan, SourceFile, analyze, analyze_parsed, policy_test};
use aquarium_grammar::{Limits, Parse, parse_bytes};

use crate::lines::{Encoding, LineIndex, Position};

/// All files of one policy at one moment, analysed.
#[derive(Debug)]
pub struct Snapshot {
    analysis: Analysis,
    /// What the parser made of each file: tree, document, comments.
    parses: Vec<Arc<Parse>>,
    texts: Vec<Arc<Text>>,
    references: OnceLock<Vec<Reference>>,
}

/// A file as text.
#[derive(Debug)]
pub struct Text {
    content: String,
    lines: LineIndex,
}

impl Snapshot {
    /// Analyses the files of a policy together.
    #[must_use]
    pub fn analyze(files: Vec<SourceFile>) -> Self {
        Self::analyze_after(None, files)
    }

    /// The same; of files that are as they were in an earlier snapshot it takes what was read then.
    #[must_use]
    pub fn analyze_after(before: Option<&Self>, mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let read =
            |file: &SourceFile| before.and_then(|before| before.read(file)).unwrap_or_else(|| read(file));
        let (parses, texts): (Vec<_>, Vec<_>) = files.iter().map(read).unzip();
        let analysis = analyze_parsed(files, parses.iter().map(AsRef::as_ref));
        Self { analysis, parses, texts, references: OnceLock::new() }
    }

    /// Reads a file of policy tests: it has findings, a tree and lines, and no items.
    #[must_use]
    pub fn of_tests(file: SourceFile) -> Self {
        let (_, diagnostics) = policy_test::read(&file.bytes);
        let mut analysis = analyze(Vec::new());
        let (parse, text) = read(&file);
        let (parses, texts) = (vec![parse], vec![text]);
        analysis.diagnostics = diagnostics;
        analysis.files = vec![file];
        Self { analysis, parses, texts, references: OnceLock::new() }
    }

    /// What was read of a file, if it was the same then.
    fn read(&self, file: &SourceFile) -> Option<Read> {
        let place = self.analysis.files.binary_search_by(|it| it.path.cmp(&file.path)).ok()?;
        let same = self.analysis.files.get(place).is_some_and(|before| before.bytes == file.bytes);
        let read = (self.parses.get(place)?, self.texts.get(place)?);
        same.then(|| (Arc::clone(read.0), Arc::clone(read.1)))
    }

    /// What the compiler knows.
    #[must_use]
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// Every place where the name of an item stands, in the order of the files.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        self.references.get_or_init(|| references(&self.analysis.items))
    }

    /// The file of that path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<FileId> {
        let index = self.analysis.files.iter().position(|file| file.path == path)?;
        u32::try_from(index).ok().map(FileId)
    }

    /// The files, in the order of their numbers.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.analysis.files)
    }

    /// The text of a file of this snapshot.
    #[must_use]
    pub fn text(&self, file: FileId) -> Option<&Text> {
        self.texts.get(usize::try_from(file.0).ok()?).map(AsRef::as_ref)
    }

    /// What the parser made of a file.
    #[must_use]
    pub fn parse(&self, file: FileId) -> Option<&Parse> {
        self.parses.get(usize::try_from(file.0).ok()?).map(AsRef::as_ref)
    }

    /// What a span covers, as text.
    #[must_use]
    pub fn slice(&self, span: FileSpan) -> &str {
        self.text(span.file).map_or("", |text| text.slice(span))
    }

    /// Where a span begins and ends.
    #[must_use]
    pub fn positions(&self, span: FileSpan, encoding: Encoding) -> Range<Position> {
        let Some(text) = self.text(span.file) else {
            return Position { line: 0, column: 0 }..Position { line: 0, column: 0 };
        };
        text.position(span.start, encoding)..text.position(span.end, encoding)
    }
}

/// A file as the parser has it, and as text.
type Read = (Arc<Parse>, Arc<Text>);

fn read(file: &SourceFile) -> Read {
    (Arc::new(parse_bytes(&file.bytes, Limits::default())), Arc::new(Text::new(&file.bytes)))
}

impl Text {
    /// Bytes that are no UTF-8 stand as U+FFFD; what is behind them has no exact place then.
    fn new(bytes: &[u8]) -> Self {
        let content = String::from_utf8_lossy(bytes).into_owned();
        let lines = LineIndex::new(&content);
        Self { content, lines }
    }

    /// All of it.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// The offset of a position.
    #[must_use]
    pub fn offset(&self, position: Position, encoding: Encoding) -> u32 {
        u32::try_from(self.lines.offset(&self.content, position, encoding)).unwrap_or(u32::MAX)
    }

    /// The position of an offset.
    #[must_use]
    pub fn position(&self, offset: u32, encoding: Encoding) -> Position {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.lines.position(&self.content, offset.min(self.content.len()), encoding)
    }

    /// What a span covers; empty where it does not fit.
    #[must_use]
    pub fn slice(&self, span: FileSpan) -> &str {
        let bounds = usize::try_from(span.start).ok().zip(usize::try_from(span.end).ok());
        bounds.and_then(|(start, end)| self.content.get(start..end)).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "aquariumpolicy:\n  resources:\n    - {name: x, unit: MB, costpolicy: discrete}\n  algorithms:\n    - {name: \
                        all, '*': price * volume}\n";
    const LISTS: &str =
        "aquariumpolicy:\n  pricelists:\n    - {name: base, x: 1}\n    - {name: cheap, extends: base}\n";
    const AGREEMENTS: &str =
        "aquariumpolicy:\n  agreements:\n    - {name: default, algorithm: all, pricelist: cheap}\n";
    const BROKEN: &str = "aquariumpolicy:\n  pricelists:\n    - {name: base, x: [1\n";

    fn files(texts: &[(&str, &str)]) -> Vec<SourceFile> {
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        texts.iter().map(file).collect()
    }

    fn said(snapshot: &Snapshot) -> String {
        let texts: Vec<&str> = snapshot.texts.iter().map(|text| text.content()).collect();
        format!("{texts:?}\n{:#?}\n{:?}", snapshot.analysis.diagnostics, snapshot.analysis.policy())
    }

    #[test]
    fn what_was_read_before_changes_nothing_in_what_is_said() {
        let moments: [&[(&str, &str)]; 7] = [
            &[("a", HEAD), ("b", LISTS), ("c", AGREEMENTS)],
            &[("a", HEAD), ("b", BROKEN), ("c", AGREEMENTS)],
            &[("a", HEAD), ("c", AGREEMENTS)],
            &[("a", AGREEMENTS), ("b", HEAD), ("c", LISTS)],
            &[("c", AGREEMENTS), ("b", LISTS), ("a", HEAD), ("d", "")],
            &[],
            &[("b", LISTS)],
        ];
        for before in moments {
            let earlier = Snapshot::analyze(files(before));
            for now in moments {
                let after = Snapshot::analyze_after(Some(&earlier), files(now));
                assert_eq!(said(&after), said(&Snapshot::analyze(files(now))), "{before:?} to {now:?}");
            }
        }
    }

    #[test]
    fn files_that_are_as_they_were_are_not_read_again() {
        let earlier = Snapshot::analyze(files(&[("a", HEAD), ("b", LISTS)]));
        let later = Snapshot::analyze_after(Some(&earlier), files(&[("a", HEAD), ("b", BROKEN)]));
        assert!(Arc::ptr_eq(&earlier.parses[0], &later.parses[0]));
        assert!(!Arc::ptr_eq(&earlier.parses[1], &later.parses[1]));
    }
}
