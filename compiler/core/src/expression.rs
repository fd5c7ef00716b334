//! Expressions: from their abstract syntax to typed, exact programs, and what is proven of them.
//!
//! An expression is read once ([`ExpressionSyntax::read`]) and checked once for each resource and price
//! that it can meet ([`check_charge`]), since units, variables and branches depend on both. What matters
//! only where it holds for all of these is gathered by [`flow_diagnostics`].

mod arena;
mod check;
mod digest;
mod flow;
mod linear;
mod name;
mod operands;
mod syntax;
mod template;
mod tiered;
mod whole;

use std::sync::Arc;

use aquarium_grammar::expression::{TextFix, TextSpan};
use aquarium_ir::bounds::Reason;
use aquarium_ir::policy::{Monotone, Price, Resource, Span};
use aquarium_ir::slot::Limits;

use crate::diagnostic::{Code, Diagnostic, FileSpan, TextFinding};
use crate::price::Constants;
use crate::unit::ResourceUnit;

pub use flow::flow_diagnostics;
pub use name::variables;
pub use syntax::{ExpressionSyntax, mixed_prefixes};
pub use template::Template;

/// What an expression is checked for.
#[derive(Clone, Copy)]
pub struct ChargeContext<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// What its slots keep to.
    pub limits: Limits,
    /// The reading of the resource's unit.
    pub unit: &'a ResourceUnit,
    /// The price, in the resource's unit.
    pub price: &'a Price,
    /// The constants of the policy.
    pub constants: &'a Constants,
    /// Decimal places of a wallet entry.
    pub precision: u8,
    /// Where a place of a file is in the compiled policy.
    pub span: &'a dyn Fn(FileSpan) -> Span,
}

/// What is known of an expression for one resource and price.
#[derive(Debug)]
pub struct Checked {
    /// Whether it can be compiled.
    pub compiles: bool,
    /// How the charge moves as the slot grows longer.
    pub monotone: Monotone,
    /// The errors.
    pub errors: Vec<Diagnostic>,
    /// The findings of the flow checks, for [`flow_diagnostics`]; the same for many prices.
    flow: Arc<[TextFinding]>,
    /// Those on the size of the charge.
    amount: Vec<TextFinding>,
}

/// Types an expression, puts it into base units, and proves that it is total.
#[must_use]
pub fn check_charge(syntax: &ExpressionSyntax, context: &ChargeContext<'_>) -> Checked {
    Template::new(syntax, context).check(context.price)
}

fn place(findings: Vec<TextFinding>, syntax: &ExpressionSyntax) -> Vec<Diagnostic> {
    findings.into_iter().map(|finding| finding.into_diagnostic(&syntax.source)).collect()
}

/// The error on a node that could not be proven total.
fn unproven(
    syntax: &ExpressionSyntax,
    node: aquarium_ir::NodeId,
    reason: &Reason,
    spans: &[TextSpan],
) -> TextFinding {
    let span = |node: aquarium_ir::NodeId| spans.get(node.0 as usize).copied().unwrap_or_default();
    match reason {
        Reason::DivisorMayBeZero { divisor } => zero_divisor(syntax, span(*divisor)),
        Reason::TooWide { bits } => {
            let message = format!("the exact value of this can need {bits} bits, more than 256");
            TextFinding::new(Code::TooWide, span(node), message)
                .help("give the resource a smaller `max`, use fewer digits, or multiply less")
        }
        Reason::CreditsTooWide { bits } => {
            let message =
                format!("one charge can reach {bits} of a wallet's 256 bits: sums of it would not fit");
            TextFinding::new(Code::TooWide, span(node), message).help("give the resource a smaller `max`")
        }
        Reason::Malformed => TextFinding::new(Code::TooWide, span(node), "this expression nests too deeply"),
    }
}

/// The error on a divisor, with the fix that charges nothing where it is zero.
fn zero_divisor(syntax: &ExpressionSyntax, divisor: TextSpan) -> TextFinding {
    let text = &syntax.source.text;
    let written = divisor.of(text);
    let finding = TextFinding::new(Code::ZeroDivisor, divisor, "this divisor can be zero")
        .help(format!("divide only where it is not: `if {written} ne 0 then ... else 0 end`"));
    if syntax.parsed.function.is_some() {
        return finding;
    }
    let whole = syntax.parsed.expression.span;
    // Words are safe in flow style too, where `: ` is not.
    let edits = vec![
        (TextSpan { end: whole.start, ..whole }, format!("if {written} ne 0 then ")),
        (TextSpan { start: whole.end, ..whole }, " else 0 end".to_owned()),
    ];
    finding.fixed_by(TextFix { title: format!("charge nothing where `{written}` is zero"), edits })
}

#[cfg(test)]
mod tests;
