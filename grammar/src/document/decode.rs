//! What scalars say: quotes, escapes, folded lines and indentation resolved (YAML 1.2, chapters 6.5 and 7).

use super::scalar::{Piece, Scalar, Style};
use crate::Span;
use crate::error::{ErrorKind, Errors, SyntaxError};

/// A text in the making, and where its parts are written.
pub(super) struct Decoder<'t> {
    source: &'t str,
    text: String,
    pieces: Vec<Piece>,
}

impl<'t> Decoder<'t> {
    pub(super) fn new(source: &'t str) -> Self {
        Self { source, text: String::new(), pieces: Vec::new() }
    }

    /// Adds what is written at `span`, as it is.
    fn verbatim(&mut self, span: Span) {
        self.add(span.of(self.source), span);
    }

    /// Adds `text`, which is written at `source` in another way.
    fn add(&mut self, text: &str, source: Span) {
        if !text.is_empty() {
            let (start, length) = (offset(self.text.len()), offset(text.len()));
            self.pieces.push(Piece { start, length, source });
            self.text.push_str(text);
        }
    }

    /// Adds what `lines` line ends between two parts stand for: a blank, or one line end less.
    fn fold(&mut self, lines: usize, source: Span) {
        match lines {
            0 => {}
            1 => self.add(" ", source),
            _ => self.add(&"\n".repeat(lines - 1), source),
        }
    }

    pub(super) fn finish(self, span: Span, style: Style) -> Scalar {
        let is_one_piece = self.pieces.len() <= 1;
        let first = self.pieces.first().copied();
        let origin = first.map_or(span.start, |piece| piece.source.start);
        let is_verbatim = first.is_none_or(|piece| piece.source.end - piece.source.start == piece.length);
        let pieces = if is_one_piece && is_verbatim { Vec::new() } else { self.pieces };
        Scalar { text: self.text.into(), span, style, origin, pieces: pieces.into() }
    }

    // Plain scalars: lines, folded.

    /// The lines of a plain scalar, each without blanks around it.
    pub(super) fn plain(&mut self, lines: &[Span]) {
        let mut before: Option<Span> = None;
        for line in lines {
            if let Some(before) = before {
                let gap = Span::new(before.end, line.start);
                self.fold(count_line_ends(gap.of(self.source)), gap);
            }
            self.verbatim(*line);
            before = Some(*line);
        }
    }

    // Quoted scalars: `content` is what stands between the quotes.

    pub(super) fn single_quoted(&mut self, content: Span) {
        let mut scan = Scan::new(self.source, content);
        while let Some(next) = scan.next_special(&['\'']) {
            match next {
                Special::Run(span) => self.verbatim(span),
                Special::Gap { span, lines } => self.fold(lines, span),
                Special::Mark(span) => {
                    let closing = scan.take('\'').unwrap_or(span);
                    self.add("'", span.to(closing));
                }
            }
        }
    }

    pub(super) fn double_quoted(&mut self, content: Span, errors: &mut Errors) {
        let mut scan = Scan::new(self.source, content);
        while let Some(next) = scan.next_special(&['\\']) {
            match next {
                Special::Run(span) => self.verbatim(span),
                Special::Gap { span, lines } => self.fold(lines, span),
                Special::Mark(span) => self.escape(&mut scan, span, errors),
            }
        }
    }

    fn escape(&mut self, scan: &mut Scan<'_>, backslash: Span, errors: &mut Errors) {
        if let Some(gap) = scan.line_end() {
            // The line end is escaped; empty lines behind it count.
            let lines = count_line_ends(gap.of(self.source));
            return self.add(&"\n".repeat(lines - 1), backslash.to(gap));
        }
        let Some((letter, place)) = scan.take_any() else {
            return self.bad_escape(backslash, errors);
        };
        let decoded = match letter {
            'x' => scan.hexadecimal(2),
            'u' => scan.hexadecimal(4),
            'U' => scan.hexadecimal(8),
            _ => simple_escape(letter),
        };
        match decoded {
            Some(character) => {
                let source = Span::new(backslash.start, scan.at());
                self.add(character.encode_utf8(&mut [0; 4]), source);
            }
            None => self.bad_escape(backslash.to(place), errors),
        }
    }

    fn bad_escape(&mut self, span: Span, errors: &mut Errors) {
        let written = span.of(self.source);
        let error = SyntaxError::new(ErrorKind::InvalidEscape, span, format!("`{written}` is no escape"))
            .help("inside double quotes a backslash is written `\\\\`")
            .fix("double the backslash", Span::empty(span.start), "\\");
        errors.push(error);
        self.verbatim(span);
    }

    // Block scalars: `lines` are without indentation, `ends` are the line ends behind them.

    pub(super) fn literal(&mut self, lines: &[BlockLine], chomping: Chomping) {
        let filled = filled_lines(lines);
        for (index, line) in lines.iter().enumerate().take(filled) {
            self.verbatim(line.text);
            if index + 1 < filled {
                self.add("\n", line.end);
            }
        }
        self.chomp(lines, filled, chomping);
    }

    pub(super) fn folded(&mut self, lines: &[BlockLine], chomping: Chomping) {
        let filled = filled_lines(lines);
        let mut before: Option<&BlockLine> = None;
        let mut empty = 0;
        for line in lines.get(..filled).unwrap_or_default() {
            if line.text.is_empty() {
                empty += 1;
                continue;
            }
            self.fold_block(before, empty, line);
            self.verbatim(line.text);
            (before, empty) = (Some(line), 0);
        }
        self.chomp(lines, filled, chomping);
    }

    /// What stands between two filled lines with `empty` ones between: lines that are indented further keep theirs.
    fn fold_block(&mut self, before: Option<&BlockLine>, empty: usize, line: &BlockLine) {
        let Some(before) = before else {
            return self.add(&"\n".repeat(empty), Span::empty(line.text.start));
        };
        let gap = Span::new(before.text.end, line.text.start);
        let is_kept = self.is_indented(before) || self.is_indented(line);
        self.fold(if is_kept { empty + 2 } else { empty + 1 }, gap);
    }

    fn is_indented(&self, line: &BlockLine) -> bool {
        line.text.of(self.source).starts_with([' ', '\t'])
    }

    fn chomp(&mut self, lines: &[BlockLine], filled: usize, chomping: Chomping) {
        let empty = lines.get(filled..).unwrap_or_default();
        let last = filled.checked_sub(1).and_then(|last| lines.get(last));
        if let Some(line) = last.filter(|_| chomping != Chomping::Strip) {
            self.add("\n", line.end);
        }
        if chomping == Chomping::Keep {
            // What is behind the last line end of the file is no line.
            let source_end = offset(self.source.len());
            for line in empty.iter().filter(|line| line.text.end < source_end) {
                self.add("\n", line.end);
            }
        }
    }
}

/// A line of a block scalar.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockLine {
    /// Without its indentation.
    pub(super) text: Span,
    /// Its line end.
    pub(super) end: Span,
}

/// What becomes of the line ends behind a block scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chomping {
    /// `-`: none stays.
    Strip,
    /// One stays.
    Clip,
    /// `+`: all stay.
    Keep,
}

/// How many lines there are up to the last that is not empty.
fn filled_lines(lines: &[BlockLine]) -> usize {
    lines.iter().rposition(|line| !line.text.is_empty()).map_or(0, |last| last + 1)
}

fn count_line_ends(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_end = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|end| is_end(*end)).count()
}

fn simple_escape(letter: char) -> Option<char> {
    Some(match letter {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{B}',
        'f' => '\u{C}',
        'r' => '\r',
        'e' => '\u{1B}',
        'N' => '\u{85}',
        '_' => '\u{A0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        ' ' | '"' | '/' | '\\' => letter,
        _ => return None,
    })
}

/// A part of what stands between quotes.
enum Special {
    /// Characters that stand for themselves.
    Run(Span),
    /// Line ends with the blanks around them.
    Gap { span: Span, lines: usize },
    /// One of the characters looked for.
    Mark(Span),
}

/// Goes through what stands between quotes.
struct Scan<'t> {
    rest: &'t str,
    end: u32,
}

impl<'t> Scan<'t> {
    fn new(source: &'t str, content: Span) -> Self {
        Self { rest: content.of(source), end: content.end }
    }

    fn at(&self) -> u32 {
        self.end - offset(self.rest.len())
    }

    /// Takes `bytes` bytes.
    fn advance(&mut self, bytes: usize) -> Span {
        let start = self.at();
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        Span::new(start, self.at())
    }

    fn next_special(&mut self, marks: &[char]) -> Option<Special> {
        let first = self.rest.chars().next()?;
        if marks.contains(&first) {
            return Some(Special::Mark(self.advance(first.len_utf8())));
        }
        let is_end = |character: char| matches!(character, '\n' | '\r') || marks.contains(&character);
        let run = self.rest.find(is_end).unwrap_or(self.rest.len());
        let text = self.rest.get(..run).unwrap_or_default();
        let behind = self.rest.get(run..).unwrap_or_default();
        if !behind.starts_with(['\n', '\r']) {
            return Some(Special::Run(self.advance(run)));
        }
        let kept = text.trim_end_matches([' ', '\t']).len();
        if kept > 0 {
            return Some(Special::Run(self.advance(kept)));
        }
        let gap = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let lines = count_line_ends(self.rest.get(..gap).unwrap_or_default());
        Some(Special::Gap { span: self.advance(gap), lines })
    }

    fn take(&mut self, character: char) -> Option<Span> {
        self.rest.starts_with(character).then(|| self.advance(character.len_utf8()))
    }

    fn take_any(&mut self) -> Option<(char, Span)> {
        let character = self.rest.chars().next()?;
        Some((character, self.advance(character.len_utf8())))
    }

    /// Line ends right here, with the blanks and further line ends behind them.
    fn line_end(&mut self) -> Option<Span> {
        if !self.rest.starts_with(['\n', '\r']) {
            return None;
        }
        let gap = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        Some(self.advance(gap))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<char> {
        let text =
            self.rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let character = char::from_u32(u32::from_str_radix(text, 16).ok()?)?;
        self.advance(digits);
        Some(character)
    }
}

pub(super) fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
