//! Findings for people: miette's graphical reports, a summary line at the end.

use std::fmt;
use std::sync::Arc;

use aquarium_compiler::{Analysis, Diagnostic, FileSpan, Label, LineIndex, Severity};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};
use textwrap::{WordSeparator, WordSplitter};

use super::{Places, lines};

/// The width where standard error is no terminal.
const WIDTH: usize = 100;
/// Reports are not squeezed below this: the source could not be read any more.
const WIDTH_MIN: usize = 40;

/// Labels further than this many lines from the place that is wrong have a report of their own: nobody reads what lies
/// between.
const LINES_TOGETHER_MAX: usize = 10;
/// How many places of one finding are shown: a circle of `extends` can have thousands.
const LABELS_MAX: usize = 40;

/// With so much drawn already, further findings get a line each: nobody reads on.
const DRAWN_BYTES_MAX: usize = 1 << 20;

/// How much of the source is drawn of one place, and between places that are drawn together: a line can be as long as
/// the file.
const PLACE_BYTES_MAX: usize = 2_000;
/// How much is drawn before and behind a place, unless the lines around it end before.
const AROUND_BYTES_MAX: usize = 1_000;

/// All findings, and how many there are.
pub fn render(analysis: &Analysis, places: &Places<'_>) -> String {
    let (handler, sources) = (handler(), sources(analysis, places));
    let mut text = String::new();
    for found in &analysis.diagnostics {
        if text.len() > DRAWN_BYTES_MAX {
            text.push_str(&lines::line(found, places));
            continue;
        }
        // Writing to a string does not fail; a label outside the text would, and the message remains.
        if handler.render_report(&mut text, &Report::new(found, &sources, places)).is_err() {
            text.push_str(&found.message);
        }
        text.push('\n');
    }
    text + &summary(analysis)
}

/// Draws reports as wide as the terminal, in its colours.
pub fn handler() -> GraphicalReportHandler {
    let theme = if use_colour() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    GraphicalReportHandler::new_themed(theme)
        .with_width(width())
        .with_links(false)
        // Dates, names and expressions hold hyphens: lines break at blanks alone, or are longer.
        .with_break_words(false)
        .with_word_splitter(WordSplitter::NoHyphenation)
        .with_word_separator(WordSeparator::AsciiSpace)
}

/// `NO_COLOR` and `CLICOLOR_FORCE` decide, else whether standard error is a terminal.
fn use_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    if is_set("NO_COLOR") {
        return false;
    }
    is_set("CLICOLOR_FORCE") || std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// `COLUMNS` decides, else the terminal.
fn width() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal =
        || terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0));
    named.or_else(terminal).unwrap_or(WIDTH).max(WIDTH_MIN)
}

fn summary(analysis: &Analysis) -> String {
    let count = |severity| analysis.diagnostics.iter().filter(|found| found.severity == severity).count();
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")];
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(severity, word)| (count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if parts.is_empty() { String::new() } else { format!("{}\n", parts.join(", ")) }
}

/// A finding in miette's terms. Labels in other files or far away become reports of their own below it.
#[derive(Debug)]
pub struct Report {
    code: String,
    message: String,
    severity: miette::Severity,
    help: Option<String>,
    source: Source,
    labels: Vec<LabeledSpan>,
    related: Vec<Report>,
}

impl Report {
    /// The report on a finding; its file is one of the sources.
    pub fn new(found: &Diagnostic, sources: &[Source], places: &Places<'_>) -> Self {
        let entry = found.code.entry();
        let here = |label: &&Label| are_near(label.span, found.primary.span, places);
        let shown = found.secondary.get(..LABELS_MAX).unwrap_or(&found.secondary);
        let elsewhere = shown.iter().filter(|label| !here(label));
        let mut labels = vec![labelled(&found.primary, true)];
        labels.extend(shown.iter().filter(here).map(|label| labelled(label, false)));
        Self {
            code: entry.name.map_or(entry.id.to_owned(), |name| format!("{} {name}", entry.id)),
            message: found.message.clone(),
            severity: severity(found.severity),
            help: help(found),
            source: source(found.primary.span, sources),
            labels,
            related: elsewhere.map(|label| Self::elsewhere(label, sources)).collect(),
        }
    }

    /// A report without a code.
    pub fn plain(message: &str, labels: Vec<LabeledSpan>, source: Source) -> Self {
        Self {
            code: String::new(),
            message: message.to_owned(),
            severity: miette::Severity::Error,
            help: None,
            source,
            labels,
            related: Vec::new(),
        }
    }

    fn elsewhere(label: &Label, sources: &[Source]) -> Self {
        Self {
            code: String::new(),
            message: label.message.clone(),
            severity: miette::Severity::Advice,
            help: None,
            source: source(label.span, sources),
            labels: vec![LabeledSpan::new_primary_with_span(None, range(label.span))],
            related: Vec::new(),
        }
    }
}

fn are_near(label: FileSpan, primary: FileSpan, places: &Places<'_>) -> bool {
    let lines = places.start(label).line.abs_diff(places.start(primary).line);
    label.file == primary.file && lines <= LINES_TOGETHER_MAX
}

fn help(found: &Diagnostic) -> Option<String> {
    let title = found.fix.as_ref().map(|fix| fix.title.as_str());
    let advice = match (found.help.as_deref(), title) {
        (Some(help), Some(title)) if !help.contains(title) => Some(format!("{help}\nfix: {title}")),
        (help, title) => help.or(title).map(str::to_owned),
    };
    let notes = found.notes.iter().map(|note| format!("note: {note}"));
    let hidden = found.secondary.len().saturating_sub(LABELS_MAX);
    let rest = (hidden > 0).then(|| format!("note: {hidden} more places are not shown"));
    let lines: Vec<String> = advice.into_iter().chain(notes).chain(rest).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn labelled(label: &Label, primary: bool) -> LabeledSpan {
    let text = (!label.message.is_empty()).then(|| label.message.clone());
    if primary {
        LabeledSpan::new_primary_with_span(text, range(label.span))
    } else {
        LabeledSpan::new_with_span(text, range(label.span))
    }
}

/// A place for miette; of a long one its beginning.
pub fn range(span: FileSpan) -> std::ops::Range<usize> {
    let start = span.start as usize;
    start..(span.end as usize).clamp(start, start + PLACE_BYTES_MAX)
}

/// A file's text, shared by all reports on it.
pub type Source = Arc<SourceFile>;

/// A file whose lines are known, so that a report costs what it shows and not the whole file.
#[derive(Debug)]
pub struct SourceFile {
    name: String,
    text: String,
    lines: LineIndex,
}

impl SourceFile {
    /// A file of that name and text.
    pub fn new(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), lines: LineIndex::new(text.as_bytes()), text }
    }

    fn start(&self, line: usize) -> usize {
        self.lines.start(line).map_or(self.text.len(), |start| start as usize)
    }

    fn line(&self, offset: usize) -> usize {
        self.lines.line(u32::try_from(offset).unwrap_or(u32::MAX))
    }

    /// Line and column, both from 0.
    fn position(&self, offset: usize) -> (usize, usize) {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let (line, column) = self.lines.line_column(self.text.as_bytes(), offset);
        (line.saturating_sub(1), column.saturating_sub(1))
    }

    /// What a report on a place may show: so many lines before and after it and one more, which the library looks at,
    /// or parts of them where they are long.
    fn window(&self, span: &SourceSpan, before: usize, after: usize) -> std::ops::Range<usize> {
        let end = span.offset().saturating_add(span.len());
        let first_line = self.start(self.line(span.offset()).saturating_sub(before + 1));
        let last_line = self.start(self.line(end).saturating_add(after + 2));
        let from = self.text.floor_char_boundary(span.offset().saturating_sub(AROUND_BYTES_MAX));
        let to = self.text.ceil_char_boundary(end.saturating_add(AROUND_BYTES_MAX));
        first_line.max(from)..last_line.min(to)
    }
}

impl SourceCode for SourceFile {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Places that are further apart are drawn one by one.
        if span.len() > PLACE_BYTES_MAX {
            return Err(MietteError::OutOfBounds);
        }
        let window = self.window(span, before, after);
        let start = window.start;
        let shown = self.text.as_bytes().get(window).ok_or(MietteError::OutOfBounds)?;
        let inside = (span.offset().saturating_sub(start), span.len()).into();
        let contents = shown.read_span(&inside, before, after)?;
        let offset = contents.span().offset() + start;
        let (line, column) = self.position(offset);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            (offset, contents.span().len()).into(),
            line,
            column,
            self.lines.lines(),
        )))
    }
}

fn sources(analysis: &Analysis, places: &Places<'_>) -> Vec<Source> {
    let named = analysis
        .files
        .iter()
        .zip(places.paths())
        .map(|(file, path)| SourceFile::new(path, readable(&file.bytes)));
    named.map(Arc::new).collect()
}

fn source(span: FileSpan, sources: &[Source]) -> Source {
    sources.get(span.file.0 as usize).cloned().unwrap_or_else(|| Arc::new(SourceFile::new("", String::new())))
}

/// The text with every ill-formed byte replaced by one byte, so that offsets stay.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text
}

fn severity(severity: Severity) -> miette::Severity {
    match severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
        Severity::Hint => miette::Severity::Advice,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.code.is_empty()).then(|| Box::new(&self.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        let related = self.related.iter().map(|report| report as &dyn miette::Diagnostic);
        (!self.related.is_empty()).then(|| Box::new(related) as Box<dyn Iterator<Item = _>>)
    }
}
