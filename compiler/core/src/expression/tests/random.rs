//! Random expressions that have a meaning, as abstract syntax.

use aquarium_grammar::expression::{Expression, Function, Kind, Name, Operator, TextSpan};
use aquarium_ir::policy::CostPolicy;

/// Numbers from a seed (SplitMix64): the same seed, the same expression.
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

/// Makes expressions for a resource of a cost policy.
pub(super) struct Maker {
    pub random: Random,
    pub cost_policy: CostPolicy,
    /// Whether the price has tiers, so that it stands only beside `volume`.
    pub is_tiered: bool,
    bindings: Vec<(String, Want)>,
}

/// What an expression is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Credit,
    Volume,
    Plain,
    Truth,
}

fn node(kind: Kind) -> Expression {
    Expression { kind, span: TextSpan::default() }
}

fn word(text: &str) -> Name {
    Name { text: text.to_owned(), span: TextSpan::default() }
}

fn named(text: &str) -> Expression {
    node(Kind::Name(word(text)))
}

fn literal(text: &str, unit: Option<&str>) -> Expression {
    node(Kind::Number { text: text.to_owned(), unit: unit.map(word) })
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    let (left, right) = (Box::new(left), Box::new(right));
    node(Kind::Binary { operator, operator_span: TextSpan::default(), left, right })
}

fn call(function: Function, arguments: Vec<Expression>) -> Expression {
    node(Kind::Call { function, function_span: TextSpan::default(), arguments })
}

fn conditional(condition: Expression, then: Expression, otherwise: Expression) -> Expression {
    let (condition, then, otherwise) = (Box::new(condition), Box::new(then), Box::new(otherwise));
    node(Kind::Conditional { condition, then, otherwise })
}

impl Maker {
    pub fn new(seed: u64, cost_policy: CostPolicy, is_tiered: bool) -> Self {
        Self { random: Random(seed), cost_policy, is_tiered, bindings: Vec::new() }
    }

    /// A charge, as a chain of `const`s and branches around values.
    pub fn charge(&mut self, depth: u32) -> Expression {
        match self.random.below(8) {
            0 | 1 if depth > 0 => self.binding(depth),
            2 if depth > 0 => {
                let condition = self.truth(depth - 1);
                let then = self.charge(depth - 1);
                let otherwise = self.charge(depth - 1);
                conditional(condition, then, otherwise)
            }
            3 => self.number(),
            _ => self.credit(depth),
        }
    }

    fn binding(&mut self, depth: u32) -> Expression {
        let wants = [Want::Credit, Want::Volume, Want::Plain, Want::Truth];
        let want = wants[self.random.below(4) as usize];
        let value = match want {
            Want::Credit => self.credit(depth - 1),
            Want::Volume => self.volume(depth - 1),
            Want::Plain => self.plain(depth - 1),
            Want::Truth => self.truth(depth - 1),
        };
        let name = format!("own{}", self.bindings.len());
        self.bindings.push((name.clone(), want));
        let body = self.charge(depth - 1);
        self.bindings.pop();
        node(Kind::Let { name: word(&name), value: Box::new(value), body: Box::new(body) })
    }

    fn bound(&mut self, want: Want) -> Option<Expression> {
        let fitting: Vec<&str> =
            self.bindings.iter().filter(|(_, held)| *held == want).map(|(name, _)| name.as_str()).collect();
        if fitting.is_empty() || self.random.below(2) == 0 {
            return None;
        }
        Some(named(self.random.one_of(&fitting)))
    }

    /// Credits, never a bare number.
    fn credit(&mut self, depth: u32) -> Expression {
        if let Some(bound) = self.bound(Want::Credit) {
            return bound;
        }
        if depth == 0 {
            return match self.random.below(4) {
                0 => literal(self.random.one_of(&["2", "0.75", "1_0"]), Some("credits")),
                1 => named("fee"),
                _ => self.priced(depth),
            };
        }
        match self.random.below(12) {
            0 | 1 => self.priced(depth - 1),
            2 => {
                let plain = self.plain(depth - 1);
                binary(Operator::Multiply, self.credit(depth - 1), plain)
            }
            3 => {
                let divisor = literal(self.random.one_of(&["3", "0.7", "8", "1e3"]), None);
                binary(Operator::Divide, self.credit(depth - 1), divisor)
            }
            4 => {
                let divisor = self.positive(depth - 1);
                binary(Operator::Divide, self.credit(depth - 1), divisor)
            }
            5 => binary(Operator::Remainder, self.credit(depth - 1), self.number()),
            _ => self.common(Want::Credit, depth),
        }
    }

    /// A price times a volume.
    fn priced(&mut self, depth: u32) -> Expression {
        if self.is_tiered {
            return binary(Operator::Multiply, named("price"), named("volume"));
        }
        let volume = self.volume(depth);
        if self.random.below(2) == 0 {
            binary(Operator::Multiply, named("price"), volume)
        } else {
            binary(Operator::Multiply, volume, named("price"))
        }
    }

    /// A quantity of the resource's unit, never a bare number.
    fn volume(&mut self, depth: u32) -> Expression {
        if let Some(bound) = self.bound(Want::Volume) {
            return bound;
        }
        if depth == 0 {
            return self.volume_leaf();
        }
        match self.random.below(10) {
            0 | 1 => self.volume_leaf(),
            2 => {
                let plain = self.plain(depth - 1);
                binary(Operator::Multiply, plain, self.volume(depth - 1))
            }
            3 => binary(Operator::Remainder, self.volume(depth - 1), self.number()),
            _ => self.common(Want::Volume, depth),
        }
    }

    fn volume_leaf(&mut self) -> Expression {
        let choice = self.random.below(4);
        let size = literal(
            self.random.one_of(&["1", "0.5", "250"]),
            Some(self.random.one_of(&["MB", "GB", "KiB", "Mbit"])),
        );
        let time =
            literal(self.random.one_of(&["1", "0.5", "90"]), Some(self.random.one_of(&["min", "hr", "day"])));
        match (choice, self.cost_policy) {
            // A product with a tiered price holds `volume` once.
            (0, _) if self.is_tiered => named("total"),
            (0, _) => named("volume"),
            (1, _) => named("total"),
            (2, CostPolicy::Discrete) => size,
            (2, CostPolicy::Onoff) => time,
            (2, CostPolicy::Continuous) => binary(Operator::Multiply, size, time),
            (_, CostPolicy::Discrete) => named("value"),
            (_, CostPolicy::Onoff) => named("duration"),
            (_, CostPolicy::Continuous) => binary(Operator::Multiply, named("amount"), named("duration")),
        }
    }

    /// What quantities of every unit have in common.
    fn common(&mut self, want: Want, depth: u32) -> Expression {
        let one = |maker: &mut Self| match want {
            Want::Credit => maker.credit(depth - 1),
            _ => maker.volume(depth - 1),
        };
        match self.random.below(9) {
            0 => binary(Operator::Add, one(self), one(self)),
            1 => binary(Operator::Subtract, one(self), one(self)),
            2 => binary(Operator::Add, self.number(), one(self)),
            3 => binary(Operator::Subtract, one(self), self.number()),
            4 => call(self.extreme(), vec![one(self), self.number(), one(self)]),
            5 => call(Function::Clamp, vec![one(self), one(self), one(self)]),
            6 => {
                let places = literal(self.random.one_of(&["0", "1", "3"]), None);
                let value = one(self);
                match self.random.below(4) {
                    0 => call(Function::Round, vec![value, places]),
                    1 => call(Function::Round, vec![value]),
                    2 => call(Function::Floor, vec![value]),
                    _ => call(Function::Ceiling, vec![value]),
                }
            }
            7 => {
                let value = one(self);
                if self.random.below(2) == 0 {
                    node(Kind::Negate(Box::new(value)))
                } else {
                    call(Function::Absolute, vec![value])
                }
            }
            _ => {
                let condition = self.truth(depth - 1);
                let then = one(self);
                let otherwise = if self.random.below(3) == 0 { self.number() } else { one(self) };
                conditional(condition, then, otherwise)
            }
        }
    }

    fn extreme(&mut self) -> Function {
        if self.random.below(2) == 0 { Function::Minimum } else { Function::Maximum }
    }

    fn number(&mut self) -> Expression {
        literal(self.random.one_of(&["1", "2.0", "15", "0.3", "1e2", "7"]), None)
    }

    /// A plain number: bare, or a quotient of quantities.
    fn plain(&mut self, depth: u32) -> Expression {
        if let Some(bound) = self.bound(Want::Plain) {
            return bound;
        }
        if depth == 0 {
            return if self.random.below(3) == 0 { named("free") } else { self.number() };
        }
        match self.random.below(7) {
            0 => {
                let divisor = self.volume(depth - 1);
                let one = literal("1", None);
                let divisor = call(Function::Maximum, vec![call(Function::Absolute, vec![divisor]), one]);
                binary(Operator::Divide, self.volume(depth - 1), divisor)
            }
            1 => binary(Operator::Add, self.plain(depth - 1), self.number()),
            2 => binary(Operator::Multiply, self.plain(depth - 1), self.number()),
            3 => conditional(self.truth(depth - 1), self.number(), self.number()),
            4 => call(Function::Floor, vec![self.plain(depth - 1)]),
            _ => self.number(),
        }
    }

    /// A plain number above zero that is not constant.
    fn positive(&mut self, depth: u32) -> Expression {
        let value = self.plain(depth);
        call(Function::Maximum, vec![value, literal("2", None)])
    }

    fn truth(&mut self, depth: u32) -> Expression {
        if let Some(bound) = self.bound(Want::Truth) {
            return bound;
        }
        let comparisons = [
            Operator::Greater,
            Operator::GreaterOrEqual,
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Equal,
            Operator::NotEqual,
        ];
        let comparison = comparisons[self.random.below(6) as usize];
        if depth == 0 {
            return binary(comparison, self.volume(0), self.number());
        }
        match self.random.below(6) {
            0 => binary(Operator::And, self.truth(depth - 1), self.truth(depth - 1)),
            1 => binary(Operator::Or, self.truth(depth - 1), self.truth(depth - 1)),
            2 => node(Kind::Not(Box::new(self.truth(depth - 1)))),
            3 => binary(comparison, self.credit(depth - 1), self.credit(depth - 1)),
            _ => binary(comparison, self.volume(depth - 1), self.volume(depth - 1)),
        }
    }
}
