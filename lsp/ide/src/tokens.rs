//! What each word of a file is, for editors that colour by meaning.
//!
//! Agrees with the TextMate grammar of `editors/vscode` where that can know, and goes on where it cannot:
//! a key that is the name of a resource, a name that is defined somewhere else.

use std::collections::BTreeMap;

use aquarium_compiler::expression::ExpressionSyntax;
use aquarium_compiler::items::{Class, EntryValue};
use aquarium_compiler::references::Usage;
use aquarium_compiler::{FileId, FileSpan};
use aquarium_grammar::document::Scalar;
use aquarium_grammar::expression::names::{Reserved, reserved};
use aquarium_grammar::expression::token::Token as Word;

use crate::walk::{Leaf, leaves};
use crate::{Encoding, Snapshot, expressions};

/// What a word is. The order is that of [`Kind::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A comment.
    Comment,
    /// A key of the language.
    Property,
    /// The name of a resource.
    Resource,
    /// The name of an algorithm, price list or credit plan.
    List,
    /// The name of an agreement.
    Agreement,
    /// A variable, constant or `const` of an expression.
    Variable,
    /// A built-in function.
    Function,
    /// A word of an expression.
    Keyword,
    /// A sign of an expression.
    Operator,
    /// A number.
    Number,
    /// One of the words that a key may have.
    Word,
    /// A text: a description, a unit, an instant, a cron pattern.
    Text,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Comment,
        Self::Property,
        Self::Resource,
        Self::List,
        Self::Agreement,
        Self::Variable,
        Self::Function,
        Self::Keyword,
        Self::Operator,
        Self::Number,
        Self::Word,
        Self::Text,
    ];
}

/// A word of a file. It does not reach over the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// Where.
    pub span: FileSpan,
    /// What.
    pub kind: Kind,
    /// Whether a name gets its meaning here.
    pub defines: bool,
}

/// The words of a file, in the order of the text, none overlapping another.
#[must_use]
pub fn tokens(snapshot: &Snapshot, file: FileId) -> Vec<Token> {
    let Some(parse) = snapshot.parse(file) else { return Vec::new() };
    let mut painter = Painter { snapshot, file, found: BTreeMap::new() };
    for comment in &parse.document().comments {
        painter.paint(painter.span(comment.span.start, comment.span.end), Kind::Comment, false);
    }
    painter.names();
    painter.entries();
    leaves(&parse.document().root, &mut |leaf| painter.leaf(leaf));
    painter.found.into_values().collect()
}

/// Words by their first byte; the first painter of a place keeps it.
struct Painter<'a> {
    snapshot: &'a Snapshot,
    file: FileId,
    found: BTreeMap<u32, Token>,
}

impl Painter<'_> {
    fn span(&self, start: u32, end: u32) -> FileSpan {
        FileSpan { file: self.file, start, end }
    }

    /// Paints a place, line by line, unless something is painted there already.
    fn paint(&mut self, span: FileSpan, kind: Kind, defines: bool) {
        let before = self.found.range(..span.end).next_back();
        if span.start >= span.end || before.is_some_and(|(_, token)| token.span.end > span.start) {
            return;
        }
        let text = self.snapshot.slice(span);
        let mut start = span.start;
        for line in text.split_inclusive('\n') {
            let length = |text: &str| u32::try_from(text.len()).unwrap_or(0);
            let blank = length(line) - length(line.trim_start());
            let (from, to) = (start + blank, start + length(line.trim_end()));
            if from < to {
                self.found
                    .insert(from, Token { span: FileSpan { start: from, end: to, ..span }, kind, defines });
            }
            start += length(line);
        }
    }

    /// Names that are defined or used, wherever they stand.
    fn names(&mut self) {
        for name in self.snapshot.references() {
            if name.span.file == self.file {
                let kind = match name.class {
                    Class::Resource => Kind::Resource,
                    Class::Agreement => Kind::Agreement,
                    Class::Algorithm | Class::Pricelist | Class::Creditplan => Kind::List,
                };
                self.paint(name.span, kind, name.usage == Usage::Definition);
            }
        }
    }

    /// The insides of expressions.
    fn entries(&mut self) {
        let (snapshot, file) = (self.snapshot, self.file);
        for entry in snapshot.analysis().items.entries.iter().filter(|entry| entry.value_span.file == file) {
            if let EntryValue::Expression(syntax) = &entry.value {
                self.expression(syntax);
            }
        }
    }

    fn expression(&mut self, syntax: &ExpressionSyntax) {
        for comment in &syntax.parsed.comments {
            self.paint(syntax.source.place(*comment), Kind::Comment, false);
        }
        let mut behind_number = false;
        for (span, word) in expressions::tokens(syntax) {
            // A word directly behind a number is its unit: `10 GB`.
            let is_unit = behind_number && matches!(word, Word::Word(_));
            behind_number = matches!(word, Word::Number(_));
            self.paint(span, if is_unit { Kind::Text } else { kind_of(word) }, false);
        }
    }

    fn leaf(&mut self, leaf: &Leaf<'_, '_>) {
        let span = self.span(leaf.scalar.span.start, leaf.scalar.span.end);
        // What is an expression is painted word by word already, blanks between the words excepted.
        if self.found.range(span.start..span.end).next().is_some() {
            return;
        }
        if leaf.is_key {
            self.paint(span, Kind::Property, false);
        } else {
            self.value(leaf.scalar, span, leaf.key());
        }
    }

    fn value(&mut self, scalar: &Scalar, span: FileSpan, key: Option<&str>) {
        let text = scalar.text();
        let is_number = text.trim_start_matches('-').starts_with(|letter: char| letter.is_ascii_digit());
        match key {
            Some("costpolicy" | "mode" | "complex") => self.paint(span, Kind::Word, false),
            Some("name" | "description" | "unit" | "timezone" | "at" | "start" | "end") => {
                self.paint(span, Kind::Text, false);
            }
            _ if is_number && text.contains(char::is_whitespace) => self.quantity(scalar),
            _ if is_number => self.paint(span, Kind::Number, false),
            _ => self.paint(span, Kind::Text, false),
        }
    }

    /// `20 per GB`: a number, the word `per`, a unit.
    fn quantity(&mut self, scalar: &Scalar) {
        let text = scalar.text();
        let mut at = 0;
        for word in text.split_inclusive(char::is_whitespace) {
            let place = scalar.source_span(at..at + word.trim_end().len());
            let kind = match word.trim() {
                "per" => Kind::Keyword,
                number if number.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') => {
                    Kind::Number
                }
                _ => Kind::Text,
            };
            self.paint(self.span(place.start, place.end), kind, false);
            at += word.len();
        }
    }
}

/// What a word or sign of an expression is.
fn kind_of(word: Word<'_>) -> Kind {
    match word {
        Word::Number(_) => Kind::Number,
        Word::Word(name) if reserved(name) == Some(Reserved::Function) => Kind::Function,
        Word::Word(_) | Word::Braced(_) | Word::Dollar(_) => Kind::Variable,
        Word::Math(_) => Kind::Function,
        Word::If
        | Word::Then
        | Word::Elsif
        | Word::Else
        | Word::End
        | Word::Function
        | Word::Const
        | Word::Return => Kind::Keyword,
        _ => Kind::Operator,
    }
}

/// The tokens as editors want them: in lines and columns, each counted from the one before.
#[must_use]
pub fn relative(snapshot: &Snapshot, tokens: &[Token], encoding: Encoding) -> Vec<[u32; 5]> {
    let (mut line, mut column) = (0, 0);
    let mut written = Vec::with_capacity(tokens.len());
    for token in tokens {
        let place = snapshot.positions(token.span, encoding);
        let lines = place.start.line - line;
        let columns = if lines == 0 { place.start.column - column } else { place.start.column };
        let kind = Kind::ALL.iter().position(|kind| *kind == token.kind);
        let kind = kind.and_then(|kind| u32::try_from(kind).ok()).unwrap_or(0);
        written.push([lines, columns, place.end.column - place.start.column, kind, u32::from(token.defines)]);
        (line, column) = (place.start.line, place.start.column);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    /// The tokens as `text:Kind`.
    fn check(source: &str, expected: &str) {
        let (snapshot, file, _) = at_cursor(&format!("{source}$0"));
        let found: Vec<_> = tokens(&snapshot, file)
            .into_iter()
            .map(|token| {
                let mark = if token.defines { "!" } else { "" };
                format!("{}:{:?}{mark}", snapshot.slice(token.span), token.kind)
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }

    #[test]
    fn keys_names_and_values_are_told_apart() {
        check(
            "aquariumpolicy: # all\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n  pricelists:\n    - name: a\n      \
             vmtime: 20 per hr\n",
            "aquariumpolicy:Property # all:Comment resources:Property name:Property vmtime:Resource! unit:Property hr:Text \
             costpolicy:Property onoff:Word pricelists:Property name:Property a:List! vmtime:Resource 20:Number per:Keyword hr:Text",
        );
    }

    #[test]
    fn expressions_are_read_word_by_word() {
        check(
            "aquariumpolicy:\n  algorithms:\n    - name: a\n      x: |\n        if $volume gt 15 then // much\n          max({price}, 2) end\n",
            "aquariumpolicy:Property algorithms:Property name:Property a:List! x:Resource if:Keyword $volume:Variable gt:Operator \
             15:Number then:Keyword // much:Comment max:Function (:Operator {price}:Variable ,:Operator 2:Number ):Operator end:Keyword",
        );
    }

    #[test]
    fn the_word_behind_a_number_is_its_unit() {
        check(
            "aquariumpolicy:\n  algorithms:\n    - name: a\n      x: volume / 10 GB\n",
            "aquariumpolicy:Property algorithms:Property name:Property a:List! x:Resource volume:Variable /:Operator 10:Number GB:Text",
        );
    }

    #[test]
    fn places_are_counted_from_the_one_before() {
        let (snapshot, file, _) = at_cursor("aquariumpolicy:\n  name: é # 🐟 x\n$0");
        let found = relative(&snapshot, &tokens(&snapshot, file), Encoding::Utf16);
        assert_eq!(found, [[0, 0, 14, 1, 0], [1, 2, 4, 1, 0], [0, 6, 1, 11, 0], [0, 2, 6, 0, 0]]);
    }

    #[test]
    fn texts_of_several_lines_are_painted_line_by_line() {
        check(
            "aquariumpolicy:\n  description: |\n    one\n    two\n",
            "aquariumpolicy:Property description:Property |:Text one:Text two:Text",
        );
    }
}
