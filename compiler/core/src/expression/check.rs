//! Types every part of an expression and puts it into base units, in one walk.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_grammar::expression::{Expression, Function, Kind, Name, Operator, TextSpan};
use aquarium_ir::expression::{Comparison, LocalId, Rounding};
use aquarium_ir::number::small_integer;
use aquarium_ir::{Node, Rational};

use super::arena::{Arena, Constant, Type, Typed};
use super::name::Binding;
use super::operands::Purpose;
use super::tiered::Mark;
use super::{ChargeContext, ExpressionSyntax};
use crate::diagnostic::{Code, TextFinding};
use crate::price::read_number;
use crate::unit::{EXPONENT_MAX, Unit, read_word};

/// How many values one product may hold, `const`s unfolded; it bounds the size of exact numbers while
/// they are worked out here.
const DEGREE_MAX: u32 = 64;

/// Decimal places that `round` may name.
const ROUND_PLACES_MAX: u32 = 12;

/// Decimal places of a quotient by a divisor that is not constant.
const QUOTIENT_PLACES: i32 = 12;

/// The state of a check.
pub(super) struct Checker<'a> {
    pub syntax: &'a ExpressionSyntax,
    pub context: &'a ChargeContext<'a>,
    pub arena: Arena<'a>,
    pub scope: Vec<Binding>,
    /// The names of the `const`s that are used.
    pub used: BTreeSet<TextSpan>,
    /// The names of the `const`s that there are.
    bound: BTreeMap<TextSpan, String>,
    pub marks: BTreeMap<TextSpan, Mark>,
    locals: u32,
    findings: Vec<TextFinding>,
}

/// What a check yields.
pub(super) struct Outcome<'a> {
    pub arena: Arena<'a>,
    /// The errors.
    pub findings: Vec<TextFinding>,
    /// The lints.
    pub lints: Vec<TextFinding>,
}

impl<'a> Checker<'a> {
    pub fn new(syntax: &'a ExpressionSyntax, context: &'a ChargeContext<'a>) -> Self {
        Self {
            syntax,
            context,
            arena: Arena::new(|span| (context.span)(syntax.source.place(span))),
            scope: Vec::new(),
            used: BTreeSet::new(),
            bound: BTreeMap::new(),
            marks: BTreeMap::new(),
            locals: 0,
            findings: Vec::new(),
        }
    }

    /// Checks the whole expression.
    pub fn run(mut self) -> Outcome<'a> {
        let syntax = self.syntax;
        self.charge(&syntax.parsed.expression);
        let unused = self.bound.iter().filter(|(span, _)| !self.used.contains(span));
        let lints = unused.map(|(span, name)| unused_const(*span, name)).collect();
        Outcome { arena: self.arena, findings: self.findings, lints }
    }

    /// Reports a finding; what is said of a place once is not said again.
    pub fn report(&mut self, finding: TextFinding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Stands for what has been reported.
    pub fn broken(&mut self, span: TextSpan) -> Typed {
        let node = self.arena.push(Node::Number(Rational::zero()), span, &Type::Broken);
        Typed { node, span, kind: Type::Broken, constant: None, degree: 0 }
    }

    pub fn expression(&mut self, expression: &Expression) -> Typed {
        let span = expression.span;
        if let Some(marked) = self.marked(expression) {
            return marked;
        }
        match &expression.kind {
            Kind::Number { text, unit } => self.literal(text, unit.as_ref(), span),
            Kind::Name(name) => self.name(name, span),
            Kind::Negate(operand) => self.negate(operand, span),
            Kind::Not(operand) => self.not(operand, span),
            Kind::Binary { operator, left, right, .. } => {
                if matches!(operator, Operator::Multiply | Operator::Divide) {
                    self.mark_tiers(expression);
                }
                let left = self.expression(left);
                let mark = self.arena.mark();
                let right = self.expression(right);
                self.binary(*operator, left, right, (mark, span))
            }
            Kind::Conditional { condition, then, otherwise } => {
                let condition = self.expression(condition);
                let then = self.expression(then);
                let otherwise = self.expression(otherwise);
                self.conditional(span, condition, then, otherwise)
            }
            Kind::Call { function, arguments, .. } => self.call(*function, arguments, span),
            Kind::Let { name, value, body } => self.binding(name, value, |checker| checker.expression(body)),
            Kind::Error => self.broken(span),
        }
    }

    fn literal(&mut self, text: &str, unit: Option<&Name>, span: TextSpan) -> Typed {
        let value = match read_number(text) {
            Ok(value) => value,
            Err(finding) => {
                self.report(finding.moved(span.start));
                return self.broken(span);
            }
        };
        let Some(name) = unit else { return self.number(&value, None, span) };
        if let Some(finding) = self.name_for_unit(text, name) {
            self.report(finding);
            return self.broken(span);
        }
        match read_word(&name.text, name.span) {
            Ok(unit) => self.number(&value, Some(unit), span),
            Err(finding) => {
                self.report(finding);
                self.broken(span)
            }
        }
    }

    /// `2 free`, where `free` is a constant: an operator is missing.
    fn name_for_unit(&self, number: &str, name: &Name) -> Option<TextFinding> {
        let is_bound = self.scope.iter().any(|binding| binding.name.text == name.text);
        if !is_bound && !self.context.constants.contains_key(&name.text) {
            return None;
        }
        let message = format!("an operator is missing between `{number}` and `{}`", name.text);
        let finding = TextFinding::new(Code::BadExpression, name.span, message);
        Some(finding.help("write `*` or `times` to multiply").fix(name.span.before(), "* "))
    }

    fn negate(&mut self, operand: &Expression, span: TextSpan) -> Typed {
        let operand = self.expression(operand);
        if !self.want_value(&operand) {
            return self.broken(span);
        }
        let constant = operand.number().map(|number| Constant::Number(Rational(-&number.0)));
        self.result(Node::Negate(operand.node), span, operand.kind.clone(), constant, operand.degree)
    }

    fn not(&mut self, operand: &Expression, span: TextSpan) -> Typed {
        let operand = self.expression(operand);
        if !self.want_truth(&operand) {
            return self.broken(span);
        }
        let constant = operand.truth().map(|truth| Constant::Truth(!truth));
        self.result(Node::Not(operand.node), span, Type::Truth, constant, operand.degree)
    }

    /// `place`: the arena's mark before the right side, and the whole operation's span.
    fn binary(&mut self, operator: Operator, left: Typed, right: Typed, place: (usize, TextSpan)) -> Typed {
        let span = place.1;
        match operator {
            Operator::Add => self.sum(left, right, span, Purpose::Add),
            Operator::Subtract => self.sum(left, right, span, Purpose::Subtract),
            Operator::Multiply => self.product(&left, &right, span),
            Operator::Divide => self.quotient(&left, &right, place),
            Operator::Remainder => self.remainder(left, right, span),
            Operator::And | Operator::Or => self.junction(operator, &left, &right, span),
            Operator::Greater => self.comparison(Comparison::Greater, left, right, span),
            Operator::GreaterOrEqual => self.comparison(Comparison::GreaterOrEqual, left, right, span),
            Operator::Less => self.comparison(Comparison::Less, left, right, span),
            Operator::LessOrEqual => self.comparison(Comparison::LessOrEqual, left, right, span),
            Operator::Equal => self.comparison(Comparison::Equal, left, right, span),
            Operator::NotEqual => self.comparison(Comparison::NotEqual, left, right, span),
        }
    }

    /// Two values of one unit.
    fn pair(&mut self, left: Typed, right: Typed, purpose: Purpose) -> Option<(Type, [Typed; 2])> {
        let (kind, values) = self.unify(vec![left, right], purpose)?;
        Some((kind, <[Typed; 2]>::try_from(values).ok()?))
    }

    fn sum(&mut self, left: Typed, right: Typed, span: TextSpan, purpose: Purpose) -> Typed {
        let Some((kind, [left, right])) = self.pair(left, right, purpose) else { return self.broken(span) };
        let (node, is_sum) = match purpose {
            Purpose::Subtract => (Node::Subtract(left.node, right.node), false),
            _ => (Node::Add(left.node, right.node), true),
        };
        let constant = both(&left, &right, |a, b| Some(if is_sum { &a.0 + &b.0 } else { &a.0 - &b.0 }));
        self.result(node, span, kind, constant, left.degree.max(right.degree))
    }

    fn product(&mut self, left: &Typed, right: &Typed, span: TextSpan) -> Typed {
        let Some(kind) = self.combined(left, right, span, Unit::times) else { return self.broken(span) };
        let constant = both(left, right, |a, b| Some(&a.0 * &b.0));
        let node = Node::Multiply(left.node, right.node);
        self.result(node, span, kind, constant, left.degree.saturating_add(right.degree))
    }

    /// The type of a product or quotient: a bare number has no unit there.
    fn combined(
        &mut self,
        left: &Typed,
        right: &Typed,
        span: TextSpan,
        combine: impl Fn(&Unit, &Unit) -> Option<Unit>,
    ) -> Option<Type> {
        let sound = [left, right].map(|side| self.want_value(side));
        if sound.contains(&false) {
            return None;
        }
        if left.kind == Type::Bare && right.kind == Type::Bare {
            return Some(Type::Bare);
        }
        let none = Unit::none();
        let unit = combine(left.unit().unwrap_or(&none), right.unit().unwrap_or(&none));
        if unit.is_none() {
            let message = format!("the unit of this has a power above {EXPONENT_MAX}");
            self.report(TextFinding::new(Code::UnitMismatch, span, message));
        }
        unit.map(Type::Quantity)
    }

    fn quotient(&mut self, left: &Typed, right: &Typed, place: (usize, TextSpan)) -> Typed {
        let (mark, span) = place;
        let Some(kind) = self.combined(left, right, span, Unit::per) else { return self.broken(span) };
        let degree = left.degree.saturating_add(right.degree);
        if let Some(divisor) = right.number().cloned() {
            if self.is_zero_divisor(&divisor, right.span) {
                return self.broken(span);
            }
            self.arena.forget(mark);
            let constant = left.number().map(|dividend| Constant::Number(Rational(&dividend.0 / &divisor.0)));
            return self.result(Node::DivideByConstant(left.node, divisor), span, kind, constant, degree);
        }
        let scale = if let Type::Quantity(unit) = &kind { unit.scale() } else { Rational::one() };
        let step = Rational(scale.0 * Rational::power_of_ten(-QUOTIENT_PLACES).0);
        let node = Node::Divide { dividend: left.node, divisor: right.node, step };
        self.result(node, span, kind, None, degree)
    }

    fn is_zero_divisor(&mut self, divisor: &Rational, span: TextSpan) -> bool {
        if divisor.is_zero() {
            self.report(TextFinding::new(Code::ZeroDivisor, span, "this divisor is zero"));
        }
        divisor.is_zero()
    }

    fn remainder(&mut self, left: Typed, right: Typed, span: TextSpan) -> Typed {
        let Some((kind, [left, right])) = self.pair(left, right, Purpose::Remainder) else {
            return self.broken(span);
        };
        if right.number().is_some_and(|divisor| self.is_zero_divisor(divisor, right.span)) {
            return self.broken(span);
        }
        let constant = both(&left, &right, |a, b| Some(&a.0 - &b.0 * (&a.0 / &b.0).trunc()));
        let node = Node::Remainder { dividend: left.node, divisor: right.node };
        self.result(node, span, kind, constant, left.degree.saturating_add(right.degree))
    }

    fn comparison(&mut self, comparison: Comparison, left: Typed, right: Typed, span: TextSpan) -> Typed {
        let Some((_, [left, right])) = self.pair(left, right, Purpose::Compare) else {
            return self.broken(span);
        };
        let constant = match (left.number(), right.number()) {
            (Some(left), Some(right)) => Some(Constant::Truth(comparison.holds(left.cmp(right)))),
            _ => None,
        };
        let node = Node::Compare { comparison, left: left.node, right: right.node };
        self.result(node, span, Type::Truth, constant, left.degree.max(right.degree))
    }

    fn junction(&mut self, operator: Operator, left: &Typed, right: &Typed, span: TextSpan) -> Typed {
        let sound = [left, right].map(|side| self.want_truth(side));
        if sound.contains(&false) {
            return self.broken(span);
        }
        let (node, truth) = match (operator, left.truth(), right.truth()) {
            (Operator::And, a, b) => (Node::And(left.node, right.node), a.zip(b).map(|(a, b)| a && b)),
            (_, a, b) => (Node::Or(left.node, right.node), a.zip(b).map(|(a, b)| a || b)),
        };
        self.result(node, span, Type::Truth, truth.map(Constant::Truth), left.degree.max(right.degree))
    }

    pub fn conditional(&mut self, span: TextSpan, condition: Typed, then: Typed, otherwise: Typed) -> Typed {
        let is_condition = self.want_truth(&condition);
        let branches = if then.kind == Type::Truth && otherwise.kind == Type::Truth {
            Some((Type::Truth, [then, otherwise]))
        } else {
            self.pair(then, otherwise, Purpose::Branches)
        };
        let Some((kind, [then, otherwise])) = branches.filter(|_| is_condition) else {
            return self.broken(span);
        };
        let chosen = condition.truth().map(|truth| if truth { &then } else { &otherwise });
        let all_constant = then.constant.is_some() && otherwise.constant.is_some();
        let constant = chosen.filter(|_| all_constant).and_then(|chosen| chosen.constant.clone());
        let degree = condition.degree.max(then.degree).max(otherwise.degree);
        let node = Node::If { condition: condition.node, then: then.node, otherwise: otherwise.node };
        self.result(node, span, kind, constant, degree)
    }

    fn call(&mut self, function: Function, arguments: &[Expression], span: TextSpan) -> Typed {
        match (function, arguments) {
            (Function::Round, [value, places]) => {
                let value = self.expression(value);
                match self.places(places) {
                    Some(places) => self.rounded(&value, Rounding::HalfAwayFromZero, places, span),
                    None => self.broken(span),
                }
            }
            (Function::Round, [value]) => self.rounding(value, Rounding::HalfAwayFromZero, span),
            (Function::Floor, [value]) => self.rounding(value, Rounding::Floor, span),
            (Function::Ceiling, [value]) => self.rounding(value, Rounding::Ceiling, span),
            (Function::Absolute, [value]) => self.absolute(value, span),
            _ => {
                let values = arguments.iter().map(|argument| self.expression(argument)).collect();
                let unified = self.unify(values, Purpose::Function(function.name()));
                let Some((kind, values)) = unified else { return self.broken(span) };
                self.extreme(function, values, &kind, span).unwrap_or_else(|| self.broken(span))
            }
        }
    }

    fn absolute(&mut self, value: &Expression, span: TextSpan) -> Typed {
        let value = self.expression(value);
        if !self.want_value(&value) {
            return self.broken(span);
        }
        let constant = value.number().map(|number| {
            let negated = -&number.0;
            Constant::Number(Rational(number.0.clone().max(negated)))
        });
        self.result(Node::Absolute(value.node), span, value.kind.clone(), constant, value.degree)
    }

    fn rounding(&mut self, value: &Expression, rounding: Rounding, span: TextSpan) -> Typed {
        let value = self.expression(value);
        self.rounded(&value, rounding, 0, span)
    }

    fn rounded(&mut self, value: &Typed, rounding: Rounding, places: i32, span: TextSpan) -> Typed {
        if !self.want_value(value) {
            return self.broken(span);
        }
        let scale = value.unit().map_or_else(Rational::one, Unit::scale);
        let step = Rational(scale.0 * Rational::power_of_ten(-places).0);
        let constant = value.number().map(|number| {
            let steps = rounding.round(&(&number.0 / &step.0));
            Constant::Number(Rational(Rational::integer(steps).0 * &step.0))
        });
        let node = Node::Round { value: value.node, rounding, step };
        self.result(node, span, value.kind.clone(), constant, value.degree)
    }

    /// The second argument of `round`.
    fn places(&mut self, argument: &Expression) -> Option<i32> {
        let mark = self.arena.mark();
        let places = self.expression(argument);
        self.arena.forget(mark);
        let number = places.number().filter(|_| places.kind == Type::Bare).and_then(small_integer);
        let found =
            number.filter(|places| *places <= ROUND_PLACES_MAX).and_then(|places| i32::try_from(places).ok());
        if found.is_none() && !places.is_broken() {
            let message = format!("the places of `round` are a constant from 0 to {ROUND_PLACES_MAX}");
            self.report(TextFinding::new(Code::TypeMismatch, argument.span, message));
        }
        found
    }

    /// `min`, `max` and `clamp` over values of one unit.
    fn extreme(
        &mut self,
        function: Function,
        values: Vec<Typed>,
        kind: &Type,
        span: TextSpan,
    ) -> Option<Typed> {
        let mut values = values.into_iter();
        let first = values.next()?;
        if function == Function::Clamp {
            let (low, high) = (values.next()?, values.next()?);
            let limited = self.smaller_or_greater(true, &first, &high, kind, span);
            return Some(self.smaller_or_greater(false, &low, &limited, kind, span));
        }
        let is_minimum = function == Function::Minimum;
        Some(values.fold(first, |left, right| self.smaller_or_greater(is_minimum, &left, &right, kind, span)))
    }

    fn smaller_or_greater(
        &mut self,
        is_minimum: bool,
        left: &Typed,
        right: &Typed,
        kind: &Type,
        span: TextSpan,
    ) -> Typed {
        let (left_node, right_node) = (left.node, right.node);
        let node = if is_minimum {
            Node::Minimum(left_node, right_node)
        } else {
            Node::Maximum(left_node, right_node)
        };
        let constant =
            both(left, right, |a, b| Some(if is_minimum == (a <= b) { a.0.clone() } else { b.0.clone() }));
        self.result(node, span, kind.clone(), constant, left.degree.max(right.degree))
    }

    /// `const name = value` around what `body` checks.
    pub fn binding(
        &mut self,
        name: &Name,
        value: &Expression,
        body: impl FnOnce(&mut Self) -> Typed,
    ) -> Typed {
        self.bound.insert(name.span, name.text.clone());
        if self.context.constants.contains_key(&name.text) {
            let message = format!("`{}` is a constant of the policy", name.text);
            let finding = TextFinding::new(Code::BadExpression, name.span, message);
            self.report(finding.help("give this value another name"));
        }
        let mark = self.arena.mark();
        let value = self.expression(value);
        // A constant bare number takes a unit at each use; what is broken has none.
        let is_written_anew = value.is_broken() || (value.kind == Type::Bare && value.number().is_some());
        if is_written_anew {
            self.arena.forget(mark);
            return self.within(name, None, value, body);
        }
        let (held, local) = (value.node, LocalId(self.locals));
        self.locals += 1;
        let body = self.within(name, Some(local), value, body);
        let node = self.arena.push(Node::Let { local, value: held, body: body.node }, body.span, &body.kind);
        Typed { node, ..body }
    }

    fn within(
        &mut self,
        name: &Name,
        local: Option<LocalId>,
        value: Typed,
        body: impl FnOnce(&mut Self) -> Typed,
    ) -> Typed {
        self.scope.push(Binding { name: name.clone(), local, value });
        let body = body(self);
        self.scope.pop();
        body
    }

    fn result(
        &mut self,
        node: Node,
        span: TextSpan,
        kind: Type,
        constant: Option<Constant>,
        degree: u32,
    ) -> Typed {
        if degree > DEGREE_MAX {
            let message = format!("this multiplies more than {DEGREE_MAX} values");
            self.report(TextFinding::new(Code::TooWide, span, message));
            return self.broken(span);
        }
        let node = self.arena.push(node, span, &kind);
        Typed { node, span, kind, constant, degree }
    }
}

/// What two numbers that are known without any variable make.
fn both(
    left: &Typed,
    right: &Typed,
    combine: impl Fn(&Rational, &Rational) -> Option<num_rational::BigRational>,
) -> Option<Constant> {
    combine(left.number()?, right.number()?).map(|value| Constant::Number(Rational(value)))
}

fn unused_const(span: TextSpan, name: &str) -> TextFinding {
    TextFinding::new(Code::UnusedConst, span, format!("`{name}` is never used")).help("use it or remove it")
}
