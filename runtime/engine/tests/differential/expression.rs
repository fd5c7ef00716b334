//! Seeded expressions as text, in all dialects; nearly all of them are sound.

use super::written::Classes;
use crate::generator::Random;

/// What the resource of an expression measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Data, event by event.
    Data,
    /// Things of the author's own, event by event.
    Own(&'static str),
    /// Time.
    Time,
    /// An amount of data, held for a time.
    Held(&'static str, &'static str),
}

/// How an expression is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Words,
    Symbols,
    Function,
    Arrow,
}

/// An operator or function in words and in symbols.
type Sign = (&'static str, &'static str);

const COMPARISONS: &[Sign] =
    &[("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="), ("eq", "==="), ("ne", "!=")];

pub struct Maker<'m> {
    random: &'m mut Random,
    kind: Kind,
    has_tiers: bool,
    dialect: Dialect,
    /// The name of a `const` that holds a volume, where there is one.
    bound: Option<&'static str>,
    classes: &'m mut Classes,
}

impl<'m> Maker<'m> {
    pub fn new(random: &'m mut Random, kind: Kind, has_tiers: bool, classes: &'m mut Classes) -> Self {
        let dialect = random.pick(&[Dialect::Words, Dialect::Symbols, Dialect::Function, Dialect::Arrow]);
        let mut maker = Self { random, kind, has_tiers, dialect, bound: None, classes };
        maker.class(format!("dialect {dialect:?}").to_lowercase());
        maker
    }

    /// The expression, on one line.
    pub fn text(&mut self) -> String {
        let depth = 1 + self.random.below(3);
        match self.dialect {
            Dialect::Words | Dialect::Symbols => self.credits(depth),
            Dialect::Arrow => {
                let body = self.credits(depth);
                format!("(price, volume) => {body}")
            }
            Dialect::Function => self.function(depth),
        }
    }

    fn function(&mut self, depth: u64) -> String {
        let mut text = "function charge(volume, price) { ".to_owned();
        if self.random.one_in(2) {
            let value = self.volume(1);
            text.push_str(&format!("const part = {value}; "));
            self.bound = Some("part");
            self.class("operator const");
        }
        let last = self.credits(depth);
        if self.random.one_in(2) {
            let (condition, early) = (self.condition(1), self.credits(1));
            self.class("operator conditional");
            text.push_str(&format!("if ({condition}) {{ return {early}; }} "));
        }
        format!("{text}return {last}; }}")
    }

    fn class(&mut self, class: impl Into<String>) {
        self.classes.insert(class.into());
    }

    /// Credits.
    fn credits(&mut self, depth: u64) -> String {
        if depth == 0 {
            return self.product();
        }
        let less = depth - 1;
        match self.random.below(16) {
            0 => self.pair(("plus", "+"), Self::credits, less),
            1 => self.pair(("minus", "-"), Self::credits, less),
            2 => self.scaled(("times", "*"), Self::credits, less),
            3 => self.scaled(("divided by", "/"), Self::credits, less),
            4 => self.call_of_two("min", Self::credits, less),
            5 => self.call_of_two("max", Self::credits, less),
            6 => self.clamp(Self::credits, less),
            7 => self.rounding(Self::credits, less),
            8 => self.call("abs", Self::credits, less),
            9 => self.negation(less),
            10 | 11 => self.conditional(Self::credits, less),
            12 => self.remainder(less),
            13 => self.share(less),
            14 => self.share_of_total(less),
            _ => self.number().to_owned(),
        }
    }

    /// A price times a volume; a tiered price wants nothing else.
    fn product(&mut self) -> String {
        let price = self.variable("price");
        let volume = if self.has_tiers { self.variable("volume") } else { self.volume(1) };
        self.binary(("times", "*"), &price, &volume)
    }

    /// A volume, in any unit of its dimension.
    fn volume(&mut self, depth: u64) -> String {
        if depth == 0 {
            return self.volume_leaf();
        }
        let less = depth - 1;
        match self.random.below(12) {
            0 => self.pair(("plus", "+"), Self::volume, less),
            1 => self.pair(("minus", "-"), Self::volume, less),
            2 => self.call_of_two("max", Self::volume, less),
            3 => self.call_of_two("min", Self::volume, less),
            4 => self.rounding(Self::volume, less),
            5 => self.clamp(Self::volume, less),
            6 => self.conditional(Self::volume, less),
            _ => self.volume_leaf(),
        }
    }

    fn volume_leaf(&mut self) -> String {
        if let Some(bound) = self.bound.filter(|_| self.random.one_in(3)) {
            return bound.to_owned();
        }
        match self.random.below(6) {
            0 | 1 => self.literal(),
            2 => self.variable("total"),
            3 => match self.kind {
                Kind::Data | Kind::Own(_) => self.variable("value"),
                Kind::Time => self.variable("duration"),
                Kind::Held(..) => {
                    let (amount, duration) = (self.variable("amount"), self.variable("duration"));
                    self.binary(("times", "*"), &amount, &duration)
                }
            },
            _ => self.variable("volume"),
        }
    }

    /// A quantity of volume that is converted.
    fn literal(&mut self) -> String {
        const DATA: &[Sign] = &[
            ("GB", "decimal"),
            ("KB", "decimal"),
            ("MiB", "binary"),
            ("KiB", "binary"),
            ("Gb", "bits"),
            ("bits", "bits"),
        ];
        const TIMES: &[&str] = &["ms", "s", "min", "hours", "days", "week"];
        let number = self.random.pick(&["1", "10", "0.5", "1500", "1e3"]);
        match self.kind {
            Kind::Data => {
                let (unit, family) = self.random.pick(DATA);
                self.class(format!("literal converted: {family}"));
                format!("{number} {unit}")
            }
            Kind::Own(name) => {
                self.class("literal converted: plural");
                format!("{number} {name}s")
            }
            Kind::Time => {
                self.class("literal converted: time");
                format!("{number} {}", self.random.pick(TIMES))
            }
            Kind::Held(..) => {
                self.class("literal converted: compound");
                let (unit, _) = self.random.pick(DATA);
                let (amount, time) = (format!("{number} {unit}"), format!("2 {}", self.random.pick(TIMES)));
                self.binary(("times", "*"), &amount, &time)
            }
        }
    }

    fn number(&mut self) -> &'static str {
        self.random.pick(&[
            "2",
            "0.7",
            "15",
            "1e3",
            "0.000001",
            "1_000",
            "0.123456789012",
            "3",
            "1.4",
            "999999",
        ])
    }

    fn variable(&mut self, name: &str) -> String {
        match (self.dialect, self.random.below(3)) {
            (Dialect::Words, 0) => format!("{{{name}}}"),
            (Dialect::Words, 1) => format!("${name}"),
            _ => name.to_owned(),
        }
    }

    fn sign(&mut self, sign: Sign) -> &'static str {
        self.class(format!("operator {}", sign.0));
        if self.dialect == Dialect::Words { sign.0 } else { sign.1 }
    }

    fn binary(&mut self, sign: Sign, left: &str, right: &str) -> String {
        format!("({left} {} {right})", self.sign(sign))
    }

    fn pair(&mut self, sign: Sign, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        let (left, right) = (operand(self, depth), operand(self, depth));
        self.binary(sign, &left, &right)
    }

    fn scaled(&mut self, sign: Sign, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        let (value, number) = (operand(self, depth), self.number());
        self.binary(sign, &value, number)
    }

    fn called(&mut self, name: &str) -> String {
        self.class(format!("operator {name}"));
        if self.dialect != Dialect::Words && self.random.one_in(2) {
            format!("Math.{name}")
        } else {
            name.to_owned()
        }
    }

    fn call(&mut self, name: &str, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        let (name, value) = (self.called(name), operand(self, depth));
        format!("{name}({value})")
    }

    fn call_of_two(&mut self, name: &str, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        let (name, left) = (self.called(name), operand(self, depth));
        let right = if self.random.one_in(2) { self.number().to_owned() } else { operand(self, depth) };
        format!("{name}({left}, {right})")
    }

    fn clamp(&mut self, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        self.class("operator clamp");
        let (value, high) = (operand(self, depth), self.number());
        format!("clamp({value}, 0.5, {high})")
    }

    fn rounding(&mut self, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        let name = self.random.pick(&["floor", "ceil", "round", "round"]);
        let (called, value) = (self.called(name), operand(self, depth));
        if name == "round" && self.random.one_in(2) {
            return format!("{called}({value}, {})", self.random.below(7));
        }
        format!("{called}({value})")
    }

    fn negation(&mut self, depth: u64) -> String {
        self.class("operator negate");
        let value = self.credits(depth);
        format!("(-({value}))")
    }

    fn remainder(&mut self, depth: u64) -> String {
        let (value, number) = (self.credits(depth), self.number());
        self.binary(("mod", "%"), &value, number)
    }

    /// Times a volume over another one that is constant.
    fn share(&mut self, depth: u64) -> String {
        let (value, part, whole) = (self.credits(depth), self.volume(1), self.literal());
        let share = self.binary(("divided by", "/"), &part, &whole);
        self.binary(("times", "*"), &value, &share)
    }

    /// Times a volume over the month's total, where there is one.
    fn share_of_total(&mut self, depth: u64) -> String {
        let (value, other, part, total) =
            (self.credits(depth), self.credits(0), self.volume(0), self.variable("total"));
        self.class("divisor not constant");
        let share = self.binary(("divided by", "/"), &part, &total);
        let then = self.binary(("times", "*"), &value, &share);
        let is_there = self.binary(("gt", ">"), &total, "0");
        self.decided(&is_there, &then, &other)
    }

    fn conditional(&mut self, operand: fn(&mut Self, u64) -> String, depth: u64) -> String {
        let condition = self.condition(depth.min(1));
        let (then, otherwise) = (operand(self, depth), operand(self, depth));
        self.decided(&condition, &then, &otherwise)
    }

    fn decided(&mut self, condition: &str, then: &str, otherwise: &str) -> String {
        self.class("operator conditional");
        if self.dialect == Dialect::Words {
            format!("(if {condition} then {then} else {otherwise} end)")
        } else {
            format!("({condition} ? {then} : {otherwise})")
        }
    }

    fn condition(&mut self, depth: u64) -> String {
        match self.random.below(6) {
            0 if depth > 0 => self.junction(("and", "&&")),
            1 if depth > 0 => self.junction(("or", "||")),
            2 if depth > 0 => {
                let (sign, condition) = (self.sign(("not", "!")), self.condition(0));
                format!("{sign} ({condition})")
            }
            _ => {
                let sign = self.random.pick(COMPARISONS);
                let (left, right) = (self.volume_leaf(), self.volume_leaf());
                let right = if self.random.one_in(2) { self.number().to_owned() } else { right };
                self.binary(sign, &left, &right)
            }
        }
    }

    fn junction(&mut self, sign: Sign) -> String {
        let (left, right) = (self.condition(0), self.condition(0));
        self.binary(sign, &left, &right)
    }
}
