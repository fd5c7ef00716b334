//! Where constants are defined, and where prices, limits of tiers and expressions use them.

use aquarium_grammar::expression::{Expression, Kind, TextSpan};

use crate::FileSpan;
use crate::diagnostic::SourceText;
use crate::expression::ExpressionSyntax;
use crate::items::{EntryValue, Items};
use crate::price::PriceSyntax;

/// One place where the name of a constant stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConstantReference {
    /// Where; the quotes around a whole key included.
    pub span: FileSpan,
    /// The name.
    pub name: String,
    /// How it is used there.
    pub usage: ConstantUsage,
}

/// How the name of a constant is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConstantUsage {
    /// The constant is defined here.
    Definition,
    /// A price, or the limit of a tier.
    Price,
    /// An expression.
    Expression,
}

/// Every place where the name of a defined constant stands, in the order of the files.
#[must_use]
pub fn constants(items: &Items) -> Vec<ConstantReference> {
    let mut finder = Finder { items, found: Vec::new() };
    for constant in items.constants.values() {
        finder.add(constant.name.span, &constant.name.value, ConstantUsage::Definition);
    }
    for entry in &items.entries {
        match &entry.value {
            EntryValue::Price(price) => finder.price(price),
            EntryValue::Expression(syntax) => {
                finder.expression(syntax, &syntax.parsed.expression, &mut Vec::new())
            }
            _ => {}
        }
    }
    finder.found.sort();
    // Statements behind a branch that runs on are in the tree more than once.
    finder.found.dedup();
    finder.found
}

struct Finder<'i> {
    items: &'i Items,
    found: Vec<ConstantReference>,
}

impl<'i> Finder<'i> {
    fn add(&mut self, span: FileSpan, name: &str, usage: ConstantUsage) {
        if self.items.constants.contains_key(name) {
            self.found.push(ConstantReference { span, name: name.to_owned(), usage });
        }
    }

    fn price(&mut self, price: &PriceSyntax) {
        match price {
            PriceSyntax::Flat(text) => self.quantity(text),
            PriceSyntax::Tiers { tiers, .. } => {
                tiers
                    .iter()
                    .flat_map(|tier| tier.upto.iter().chain(&tier.price))
                    .for_each(|text| self.quantity(text));
            }
        }
    }

    /// A constant stands for a number: before `per`, or between it and the unit.
    fn quantity(&mut self, source: &SourceText) {
        let words = words(&source.text);
        let mut place = |word: Option<&TextSpan>| {
            if let Some(word) = word {
                self.add(source.place(*word), word.of(&source.text), ConstantUsage::Price);
            }
        };
        let per = words.iter().position(|word| word.of(&source.text) == "per");
        place(words.first().filter(|_| per.unwrap_or(words.len()) == 1));
        if let Some(behind) = per.and_then(|per| words.get(per + 1..)) {
            place(behind.first().filter(|_| behind.len() > 1));
        }
    }

    /// `bound`: the `const`s around the part.
    fn expression(&mut self, syntax: &'i ExpressionSyntax, part: &'i Expression, bound: &mut Vec<&'i str>) {
        match &part.kind {
            Kind::Name(name) if !bound.contains(&name.text.as_str()) => {
                self.add(syntax.source.place(name.span), &name.text, ConstantUsage::Expression);
            }
            Kind::Let { name, value, body } => {
                self.expression(syntax, value, bound);
                bound.push(&name.text);
                self.expression(syntax, body, bound);
                bound.pop();
            }
            _ => part.children().into_iter().for_each(|child| self.expression(syntax, child, bound)),
        }
    }
}

/// The words of a text, between blanks.
fn words(text: &str) -> Vec<TextSpan> {
    let mut words = Vec::new();
    let mut end = 0;
    for word in text.split_whitespace() {
        let start = text.get(end..).and_then(|rest| rest.find(word)).map_or(end, |at| end + at);
        end = start + word.len();
        words.push(TextSpan::new(start, end));
    }
    words
}
