//! A second evaluator, over the abstract syntax itself: values are numbers in the author's units, and are
//! converted where two of them meet. It shares nothing with the checker but the syntax and the rationals.

use std::collections::BTreeMap;

use aquarium_grammar::expression::{Expression, Function, Kind, Operator};
use aquarium_ir::policy::{CostPolicy, Tier};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::number;

/// By what is measured: the base units in the author's unit, and its power.
type Units = BTreeMap<&'static str, (BigRational, i32)>;

/// A number in the author's unit; `None`: a bare number.
#[derive(Debug, Clone)]
pub(super) struct Quantity {
    pub number: BigRational,
    pub units: Option<Units>,
}

#[derive(Debug, Clone)]
enum Value {
    Truth(bool),
    Quantity(Quantity),
}

/// The slot, in declared units.
pub(super) struct Oracle {
    pub cost_policy: CostPolicy,
    pub price: BigRational,
    pub tiers: Option<Vec<Tier>>,
    pub volume: BigRational,
    pub total: BigRational,
    /// Hours.
    pub duration: BigRational,
    bindings: Vec<(String, Value, bool)>,
}

fn rational(text: &str) -> BigRational {
    number(&text.replace('_', "")).0
}

/// What a name of a unit measures, and base units in one.
fn unit(name: &str) -> (&'static str, BigRational) {
    match name {
        "MB" => ("bytes", rational("1e6")),
        "GB" => ("bytes", rational("1e9")),
        "KiB" => ("bytes", rational("1024")),
        "Mbit" => ("bytes", rational("125000")),
        "min" => ("time", rational("60")),
        "hr" => ("time", rational("3600")),
        "day" => ("time", rational("86400")),
        "credits" => ("credits", rational("1")),
        other => panic!("the maker knows no `{other}`"),
    }
}

fn units(names: &[(&str, i32)]) -> Option<Units> {
    let of = |(name, power): &(&str, i32)| {
        let (dimension, scale) = unit(name);
        (dimension, (scale, *power))
    };
    Some(names.iter().map(of).collect())
}

impl Oracle {
    pub fn new(
        cost_policy: CostPolicy,
        price: BigRational,
        tiers: Option<Vec<Tier>>,
        volume: &str,
        total: &str,
    ) -> Self {
        let (volume, total) = (rational(volume), rational(total));
        let duration = match cost_policy {
            CostPolicy::Onoff => volume.clone(),
            CostPolicy::Continuous | CostPolicy::Discrete => rational("1"),
        };
        Self { cost_policy, price, tiers, volume, total, duration, bindings: Vec::new() }
    }

    /// The charge in credits.
    pub fn charge(&mut self, expression: &Expression) -> BigRational {
        let whole = self.quantity(expression);
        self.convert(whole, &units(&[("credits", 1)])).number
    }

    fn volume_units(&self) -> Option<Units> {
        match self.cost_policy {
            CostPolicy::Discrete => units(&[("MB", 1)]),
            CostPolicy::Onoff => units(&[("hr", 1)]),
            CostPolicy::Continuous => units(&[("GB", 1), ("hr", 1)]),
        }
    }

    /// The value in those units; a bare number takes them.
    fn convert(&self, value: Quantity, to: &Option<Units>) -> Quantity {
        let (Some(own), Some(wanted)) = (&value.units, to) else {
            return Quantity { units: value.units.clone().or(to.clone()), ..value };
        };
        assert!(own.keys().eq(wanted.keys()), "the maker makes equal units: {own:?} {wanted:?}");
        let factor = own.iter().fold(rational("1"), |factor, (dimension, (scale, power))| {
            assert_eq!(wanted[dimension].1, *power);
            factor * (scale / &wanted[dimension].0).pow(*power)
        });
        Quantity { number: value.number * factor, units: to.clone() }
    }

    /// Both in the units of the left one, or of the right one where the left is bare.
    fn together(&self, left: Quantity, right: Quantity) -> (Quantity, Quantity) {
        let to = left.units.clone().or(right.units.clone());
        (self.convert(left, &to), self.convert(right, &to))
    }

    fn quantity(&mut self, expression: &Expression) -> Quantity {
        match self.value(expression) {
            Value::Quantity(quantity) => quantity,
            Value::Truth(_) => panic!("the maker makes no condition here"),
        }
    }

    fn truth(&mut self, expression: &Expression) -> bool {
        match self.value(expression) {
            Value::Truth(truth) => truth,
            Value::Quantity(_) => panic!("the maker makes a condition here"),
        }
    }

    fn value(&mut self, expression: &Expression) -> Value {
        match &expression.kind {
            Kind::Number { text, unit: None } => {
                Value::Quantity(Quantity { number: rational(text), units: None })
            }
            Kind::Number { text, unit: Some(unit) } => {
                Value::Quantity(Quantity { number: rational(text), units: units(&[(&unit.text, 1)]) })
            }
            Kind::Name(name) => self.name(&name.text),
            Kind::Negate(operand) => {
                let operand = self.quantity(operand);
                Value::Quantity(Quantity { number: -operand.number, ..operand })
            }
            Kind::Not(operand) => Value::Truth(!self.truth(operand)),
            Kind::Binary { operator, left, right, .. } => self.binary(*operator, left, right),
            Kind::Conditional { condition, then, otherwise } => self.conditional(condition, then, otherwise),
            Kind::Call { function, arguments, .. } => Value::Quantity(self.call(*function, arguments)),
            Kind::Let { name, value, body } => {
                let is_constant = self.is_constant(value);
                let value = self.value(value);
                self.bindings.push((name.text.clone(), value, is_constant));
                let body = self.value(body);
                self.bindings.pop();
                body
            }
            Kind::Error => panic!("the maker makes no error"),
        }
    }

    fn name(&self, name: &str) -> Value {
        if let Some((_, value, _)) = self.bindings.iter().rev().find(|(bound, ..)| bound == name) {
            return value.clone();
        }
        let of = |number: &BigRational, units| Quantity { number: number.clone(), units };
        Value::Quantity(match name {
            "volume" | "value" => of(&self.volume, self.volume_units()),
            "total" => of(&self.total, self.volume_units()),
            "duration" => of(&self.duration, units(&[("hr", 1)])),
            "amount" => of(&self.volume, units(&[("GB", 1)])),
            "free" => of(&rational("10"), None),
            "fee" => of(&rational("3"), units(&[("credits", 1)])),
            "price" => {
                let mut own = units(&[("credits", 1)]).unwrap();
                let below = self.volume_units().unwrap();
                own.extend(below.into_iter().map(|(dimension, (scale, power))| (dimension, (scale, -power))));
                of(&self.price, Some(own))
            }
            other => panic!("the maker knows no `{other}`"),
        })
    }

    /// The branch that is taken, in the units of the first branch.
    fn conditional(&mut self, condition: &Expression, then: &Expression, otherwise: &Expression) -> Value {
        let chosen = self.truth(condition);
        match (self.value(then), self.value(otherwise)) {
            (Value::Quantity(then), Value::Quantity(otherwise)) => {
                let (then, otherwise) = self.together(then, otherwise);
                Value::Quantity(if chosen { then } else { otherwise })
            }
            (then, otherwise) => {
                if chosen {
                    then
                } else {
                    otherwise
                }
            }
        }
    }

    fn binary(&mut self, operator: Operator, left: &Expression, right: &Expression) -> Value {
        if operator == Operator::Multiply && self.tiers.is_some() && is_price(left) {
            return Value::Quantity(Quantity {
                number: self.sum_of_tiers(),
                units: units(&[("credits", 1)]),
            });
        }
        match operator {
            Operator::And => return Value::Truth(self.truth(left) && self.truth(right)),
            Operator::Or => return Value::Truth(self.truth(left) || self.truth(right)),
            _ => {}
        }
        let is_exact = self.is_constant(right);
        let (left, right) = (self.quantity(left), self.quantity(right));
        Value::Quantity(match operator {
            Operator::Multiply => combine(&left, &right, 1),
            Operator::Divide => {
                let quotient = combine(&left, &right, -1);
                let number = if is_exact { quotient.number } else { half_even(&quotient.number, 12) };
                Quantity { number, ..quotient }
            }
            Operator::Add | Operator::Subtract | Operator::Remainder => {
                let (left, right) = self.together(left, right);
                let number = match operator {
                    Operator::Add => left.number + right.number,
                    Operator::Subtract => left.number - right.number,
                    _ => left.number % right.number,
                };
                Quantity { number, units: left.units }
            }
            comparison => {
                let (left, right) = self.together(left, right);
                let (left, right) = (left.number, right.number);
                return Value::Truth(match comparison {
                    Operator::Greater => left > right,
                    Operator::GreaterOrEqual => left >= right,
                    Operator::Less => left < right,
                    Operator::LessOrEqual => left <= right,
                    Operator::Equal => left == right,
                    _ => left != right,
                });
            }
        })
    }

    fn call(&mut self, function: Function, arguments: &[Expression]) -> Quantity {
        let values: Vec<Quantity> = arguments.iter().map(|argument| self.quantity(argument)).collect();
        let first = values[0].clone();
        let rounded = |number| Quantity { number, units: first.units.clone() };
        match function {
            Function::Floor => rounded(first.number.floor()),
            Function::Ceiling => rounded(first.number.ceil()),
            Function::Absolute => rounded(first.number.abs()),
            Function::Round => {
                let places = values.get(1).map_or(0, |places| places.number.to_integer().try_into().unwrap());
                let power = rational("10").pow(places);
                rounded((&first.number * &power).round() / power)
            }
            Function::Minimum | Function::Maximum | Function::Clamp => {
                let to = values.iter().find_map(|value| value.units.clone());
                let numbers: Vec<BigRational> =
                    values.into_iter().map(|value| self.convert(value, &to).number).collect();
                let number = match function {
                    Function::Minimum => numbers.into_iter().min().unwrap(),
                    Function::Maximum => numbers.into_iter().max().unwrap(),
                    _ => numbers[1].clone().max(numbers[2].clone().min(numbers[0].clone())),
                };
                Quantity { number, units: to }
            }
        }
    }

    /// Whether no variable is needed to tell the value.
    fn is_constant(&self, expression: &Expression) -> bool {
        match &expression.kind {
            Kind::Number { .. } => true,
            Kind::Name(name) => match self.bindings.iter().rev().find(|(bound, ..)| *bound == name.text) {
                Some((_, _, is_constant)) => *is_constant,
                None => name.text == "free" || name.text == "fee",
            },
            Kind::Negate(operand) | Kind::Not(operand) => self.is_constant(operand),
            Kind::Binary { left, right, .. } => self.is_constant(left) && self.is_constant(right),
            Kind::Conditional { condition, then, otherwise } => {
                self.is_constant(condition) && self.is_constant(then) && self.is_constant(otherwise)
            }
            Kind::Call { arguments, .. } => arguments.iter().all(|argument| self.is_constant(argument)),
            Kind::Let { .. } | Kind::Error => false,
        }
    }

    /// Unit by unit of price: what lies in each tier.
    fn sum_of_tiers(&self) -> BigRational {
        let end = &self.total + &self.volume;
        let mut below = BigRational::zero();
        let mut sum = BigRational::zero();
        for tier in self.tiers.as_deref().unwrap_or_default() {
            let limit = tier.upto.as_ref().map_or_else(|| end.clone(), |upto| upto.0.clone());
            let up =
                |place: &BigRational| place.clone().clamp(below.clone(), limit.clone().max(below.clone()));
            sum += (up(&end) - up(&self.total)) * &tier.price.0;
            below = limit.max(below);
        }
        sum
    }
}

fn is_price(expression: &Expression) -> bool {
    matches!(&expression.kind, Kind::Name(name) if name.text == "price")
}

/// The product (`sign` 1) or quotient (`sign` -1); a unit on the right turns into the one on the left.
fn combine(left: &Quantity, right: &Quantity, sign: i32) -> Quantity {
    let mut number = if sign > 0 { &left.number * &right.number } else { &left.number / &right.number };
    if left.units.is_none() && right.units.is_none() {
        return Quantity { number, units: None };
    }
    let mut units = left.units.clone().unwrap_or_default();
    for (dimension, (scale, power)) in right.units.clone().unwrap_or_default() {
        match units.get_mut(dimension) {
            Some((own, sum)) => {
                number *= (scale / &*own).pow(power * sign);
                *sum += power * sign;
            }
            None => {
                units.insert(dimension, (scale, power * sign));
            }
        }
    }
    units.retain(|_, (_, power)| *power != 0);
    Quantity { number, units: Some(units) }
}

/// The nearest multiple of ten to the power of `-places`, a tie going to the even one.
fn half_even(number: &BigRational, places: i32) -> BigRational {
    let power = rational("10").pow(places);
    let scaled = number * &power;
    let floor = scaled.floor();
    let rest = (&scaled - &floor) * BigInt::from(2);
    let is_odd = !(floor.to_integer() % BigInt::from(2)).is_zero();
    let one = BigRational::from_integer(BigInt::from(1));
    let up = rest > one || (rest == one && is_odd);
    (if up { floor + one } else { floor }) / power
}
