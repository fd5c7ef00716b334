//! Values of keys: texts, numbers, yes and no, one of several words.

use aquarium_grammar::Span;
use aquarium_grammar::document::{Entry, Scalar, Style, Value};
use aquarium_grammar::expression::TextSpan;
use aquarium_ir::Rational;

use super::Reader;
use crate::diagnostic::{Code, Diagnostic, Piece, SourceText};
use crate::items::{SharedText, Spanned, Text};
use crate::price::read_number;

/// How long the name of an item may be. Every finding on an item and every price that it gives hold its name, and
/// a name of megabytes would be there a million times.
pub const NAME_BYTES_MAX: usize = 255;

impl Reader<'_> {
    /// The text of a scalar.
    pub fn text(&self, scalar: &Scalar) -> Text {
        Spanned { value: scalar.text().to_owned(), span: self.span(scalar.span) }
    }

    /// The text of a scalar, shared with all places that have the same.
    pub fn shared_text(&mut self, scalar: &Scalar) -> SharedText {
        Spanned { value: self.texts.kept(scalar.text()), span: self.span(scalar.span) }
    }

    /// The text of a scalar with the place of every part of it.
    pub fn source_text(&mut self, scalar: &Scalar) -> SourceText {
        let piece = |(text, source): (std::ops::Range<u32>, Span)| Piece {
            text: TextSpan { start: text.start, end: text.end },
            start: source.start,
            end: source.end,
        };
        // Nearly every text: it stands there as it reads.
        let is_verbatim = scalar.style == Style::Plain && scalar.span.range().len() == scalar.text().len();
        SourceText {
            text: self.texts.kept(scalar.text()),
            span: self.span(scalar.span),
            pieces: if is_verbatim { Box::default() } else { scalar.pieces().map(piece).collect() },
        }
    }

    /// The text of a value that has to be one.
    pub fn text_of(&mut self, entry: &Entry) -> Option<Text> {
        match &entry.value {
            Value::Scalar(scalar) => Some(self.text(scalar)),
            other => {
                self.wrong_form(other, "a text");
                None
            }
        }
    }

    /// A name of any text, cut where it is too long.
    pub fn long_name_of(&mut self, entry: &Entry) -> Option<Text> {
        let mut name = self.text_of(entry)?;
        if name.value.len() > NAME_BYTES_MAX {
            let message = format!("a name of {} bytes: it has at most {NAME_BYTES_MAX}", name.value.len());
            self.findings.push(Diagnostic::new(Code::OverLimit, name.span, message));
            name.value.truncate(name.value.floor_char_boundary(NAME_BYTES_MAX));
        }
        Some(name)
    }

    /// A name without blanks.
    pub fn name_of(&mut self, entry: &Entry) -> Option<Text> {
        let name = self.long_name_of(entry)?;
        if name.value.is_empty() || name.value.contains(char::is_whitespace) {
            let message = match name.value.as_str() {
                "" => "a name is not empty".to_owned(),
                value => format!("`{value}` is no name: a name has no blanks"),
            };
            self.findings.push(Diagnostic::new(Code::BadName, name.span, message));
        }
        Some(name)
    }

    /// A number for which `allowed` holds.
    pub fn number_of(
        &mut self,
        entry: &Entry,
        wanted: &str,
        allowed: impl Fn(&Rational) -> bool,
    ) -> Option<Spanned<Rational>> {
        let text = self.text_of(entry)?;
        let source = self.source_text(entry.value.as_scalar()?);
        let finding = match read_number(&text.value) {
            Ok(value) if allowed(&value) => return Some(Spanned { value, span: text.span }),
            Ok(_) => {
                let message = format!("`{}` is {}, not {wanted}", entry.key.text(), text.value);
                Diagnostic::new(Code::BadValue, text.span, message).help(format!("write {wanted}"))
            }
            Err(finding) => finding.into_diagnostic(&source),
        };
        self.findings.push(finding);
        None
    }

    /// `true` or `false`.
    pub fn bool_of(&mut self, entry: &Entry) -> Option<bool> {
        let text = self.text_of(entry)?;
        let meant = match text.value.to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => "true",
            "false" | "no" | "off" | "n" | "0" => "false",
            _ => "",
        };
        if text.value == meant {
            return Some(meant == "true");
        }
        let message = format!("`{}` is neither `true` nor `false`", text.value);
        let finding = Diagnostic::new(Code::BadValue, text.span, message);
        self.findings.push(match meant {
            "" => finding,
            meant => finding.fix(format!("write `{meant}`"), text.span, meant),
        });
        None
    }

    /// One of several words.
    pub fn word_of<T: Copy>(&mut self, entry: &Entry, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.text_of(entry)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(Spanned { value: *value, span: text.span });
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let message =
            format!("`{}` is no `{}`: it is one of {}", text.value, entry.key.text(), all.join(", "));
        let finding = Diagnostic::new(Code::BadValue, text.span, message);
        let near = self.findings.nearest(&text.value, words.iter().map(|(word, _)| *word));
        self.findings.push(match near {
            Some(near) => finding.fix(format!("write `{near}`"), text.span, near),
            None => finding,
        });
        None
    }
}
