//! A policy at one moment: its files, what the compiler knows about them, and their lines.

use std::ops::Range;

use aquarium_compiler::{Analysis, FileId, FileSpan, SourceFile, analyze, analyze_parsed, policy_test};
use aquarium_grammar::{Limits, Parse, parse_bytes};

use crate::lines::{Encoding, LineIndex, Position};

/// All files of one policy at one moment, analysed.
#[derive(Debug)]
pub struct Snapshot {
    analysis: Analysis,
    /// What the parser made of each file: tree, document, comments.
    parses: Vec<Parse>,
    texts: Vec<Text>,
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
    pub fn analyze(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let parses: Vec<Parse> =
            files.iter().map(|file| parse_bytes(&file.bytes, Limits::default())).collect();
        let analysis = analyze_parsed(files, &parses);
        let texts = analysis.files.iter().map(|file| Text::new(&file.bytes)).collect();
        Self { analysis, parses, texts }
    }

    /// Reads a file of policy tests: it has findings, a tree and lines, and no items.
    #[must_use]
    pub fn of_tests(file: SourceFile) -> Self {
        let (_, diagnostics) = policy_test::read(&file.bytes);
        let mut analysis = analyze(Vec::new());
        let parses = vec![parse_bytes(&file.bytes, Limits::default())];
        analysis.diagnostics = diagnostics;
        let texts = vec![Text::new(&file.bytes)];
        analysis.files = vec![file];
        Self { analysis, parses, texts }
    }

    /// What the compiler knows.
    #[must_use]
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
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
        self.texts.get(usize::try_from(file.0).ok()?)
    }

    /// What the parser made of a file.
    #[must_use]
    pub fn parse(&self, file: FileId) -> Option<&Parse> {
        self.parses.get(usize::try_from(file.0).ok()?)
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
