use super::homogeneous::powers_of_price;
use super::*;
use crate::expression::{Comparison, Rounding, Variable};
use crate::policy::{CostPolicy, SourceId, Span, Tier};

fn number(text: &str) -> Rational {
    text.parse().unwrap()
}

fn resource(cost_policy: CostPolicy) -> Resource {
    let span = Span { source: SourceId(0), start: 0, end: 0, line: 1 };
    Resource {
        name: "r".into(),
        unit: "req".into(),
        cost_policy,
        complex: false,
        max: number("1e12"),
        raw_per_unit: number("1e9"),
        span,
    }
}

fn prove(cost_policy: CostPolicy, nodes: Vec<Node>) -> Bounds {
    Bounds::prove(&Expression { nodes, origins: Vec::new() }, &resource(cost_policy), 6)
}

fn variable(variable: Variable) -> Node {
    Node::Variable { variable, factor: number("1e-9") }
}

fn constant(text: &str) -> Node {
    Node::Number(number(text))
}

fn compare(comparison: Comparison, left: u32, right: u32) -> Node {
    Node::Compare { comparison, left: NodeId(left), right: NodeId(right) }
}

fn choose(condition: u32, then: u32, otherwise: u32) -> Node {
    Node::If { condition: NodeId(condition), then: NodeId(then), otherwise: NodeId(otherwise) }
}

#[test]
fn a_flat_price_costs_no_bits_and_rises_with_time() {
    let nodes = vec![constant("0.05"), variable(Variable::Volume), Node::Multiply(NodeId(0), NodeId(1))];
    let bounds = prove(CostPolicy::Discrete, nodes.clone());
    assert_eq!(bounds.problems, []);
    assert_eq!(bounds.quantity(NodeId(2)).unwrap().width, Width::Bits64);
    assert_eq!(bounds.credits.unwrap().to_string(), "0 to 50");
    assert_eq!(bounds.monotone, Monotone::Constant);
    assert_eq!(prove(CostPolicy::Onoff, nodes).monotone, Monotone::Rising);
}

#[test]
fn a_later_condition_that_an_earlier_one_excludes_makes_its_branch_unreachable() {
    let nodes = vec![
        variable(Variable::Volume),
        constant("15"),
        compare(Comparison::Greater, 0, 1),
        constant("1"),
        variable(Variable::Volume),
        constant("15"),
        compare(Comparison::Greater, 4, 5),
        variable(Variable::Volume),
        constant("30"),
        compare(Comparison::Less, 7, 8),
        Node::And(NodeId(6), NodeId(9)),
        constant("2"),
        constant("3"),
        choose(10, 11, 12),
        choose(2, 3, 13),
    ];
    let bounds = prove(CostPolicy::Discrete, nodes);
    assert!(!bounds.node(NodeId(11)).unwrap().reached);
    assert!(bounds.node(NodeId(12)).unwrap().reached);
    assert!(matches!(bounds.node(NodeId(10)).unwrap().proven, Proven::Truth { always: Some(false), .. }));
    assert!(matches!(bounds.node(NodeId(2)).unwrap().proven, Proven::Truth { always: None, .. }));
}

fn quotient(condition: Node) -> Vec<Node> {
    vec![
        variable(Variable::Total),
        constant("0"),
        condition,
        variable(Variable::Volume),
        variable(Variable::Total),
        Node::Divide { dividend: NodeId(3), divisor: NodeId(4), step: number("1e-12") },
        constant("0"),
        choose(2, 5, 6),
    ]
}

#[test]
fn a_divisor_must_be_proven_not_to_be_zero() {
    for (comparison, sound) in [
        (Comparison::Greater, true),
        (Comparison::NotEqual, true),
        (Comparison::GreaterOrEqual, false),
        (Comparison::LessOrEqual, false),
    ] {
        let bounds = prove(CostPolicy::Discrete, quotient(compare(comparison, 0, 1)));
        let found = bounds.problems.iter().any(|problem| {
            *problem == Problem { node: NodeId(5), reason: Reason::DivisorMayBeZero { divisor: NodeId(4) } }
        });
        assert_eq!(found, !sound, "{comparison:?}");
    }
}

#[test]
fn a_positive_volume_has_a_positive_length() {
    let nodes = vec![
        variable(Variable::Volume),
        constant("0"),
        compare(Comparison::Greater, 0, 1),
        variable(Variable::Volume),
        variable(Variable::Duration),
        Node::Divide { dividend: NodeId(3), divisor: NodeId(4), step: number("1e-12") },
        constant("0"),
        choose(2, 5, 6),
    ];
    assert_eq!(prove(CostPolicy::Continuous, nodes).problems, []);
}

#[test]
fn a_free_allowance_rises_and_a_volume_discount_is_not_monotone() {
    let beyond = |free: Node, after: Vec<Node>| {
        let mut nodes =
            vec![variable(Variable::Volume), constant("2"), compare(Comparison::LessOrEqual, 0, 1), free];
        nodes.extend(after);
        nodes
    };
    let free = vec![
        variable(Variable::Volume),
        constant("2"),
        Node::Subtract(NodeId(4), NodeId(5)),
        choose(2, 3, 6),
    ];
    assert_eq!(prove(CostPolicy::Onoff, beyond(constant("0"), free)).monotone, Monotone::Rising);
    let cheaper = vec![
        variable(Variable::Volume),
        constant("0.5"),
        Node::Multiply(NodeId(4), NodeId(5)),
        choose(2, 3, 6),
    ];
    assert_eq!(
        prove(CostPolicy::Onoff, beyond(variable(Variable::Volume), cheaper)).monotone,
        Monotone::Unknown
    );
}

#[test]
fn an_expression_that_needs_more_than_256_bits_is_refused_at_its_node() {
    let mut nodes = vec![variable(Variable::Total)];
    for power in 0..6 {
        let last = NodeId(power * 2);
        nodes.push(variable(Variable::Total));
        nodes.push(Node::Multiply(last, NodeId(power * 2 + 1)));
    }
    let bounds = prove(CostPolicy::Discrete, nodes);
    // What is made of it is too wide as well, which is not told again.
    assert_eq!(bounds.problems, [Problem { node: NodeId(6), reason: Reason::TooWide { bits: 320 } }]);
}

#[test]
fn prices_that_are_plain_factors_have_a_power() {
    let power = |nodes| {
        let expression = Expression { nodes, origins: Vec::new() };
        powers_of_price(&expression, &[NodeId(0)])?.last().copied()
    };
    let product = || vec![constant("0.05"), variable(Variable::Volume), Node::Multiply(NodeId(0), NodeId(1))];
    let with = |more: Vec<Node>| [product(), more].concat();
    assert_eq!(power(product()), Some(1));
    assert_eq!(power(with(vec![constant("0"), Node::Maximum(NodeId(2), NodeId(3))])), Some(1));
    assert_eq!(power(with(vec![constant("5"), Node::Minimum(NodeId(2), NodeId(3))])), None);
    assert_eq!(
        power(with(vec![constant("5"), compare(Comparison::Greater, 2, 3), Node::Not(NodeId(4))])),
        None
    );
    let ceiling = Node::Round { value: NodeId(2), rounding: Rounding::Ceiling, step: number("1") };
    assert_eq!(power(with(vec![ceiling])), None);
    assert_eq!(power(vec![constant("0"), constant("7")]), Some(0));
}

#[test]
fn tiers_are_bounded_by_the_prices_that_the_total_reaches() {
    let tier = |upto: Option<&str>, price| Tier { upto: upto.map(number), price: number(price) };
    let tiers = vec![tier(Some("10"), "0"), tier(Some("100"), "0.05"), tier(None, "0.02")];
    let nodes = vec![Node::Tiered { tiers, unit: number("1e9") }];
    let bounds = prove(CostPolicy::Discrete, nodes);
    assert_eq!(bounds.problems, []);
    assert_eq!(bounds.credits.unwrap().to_string(), "0 to 50");
}

#[test]
fn rounding_keeps_to_multiples_of_its_step() {
    let nodes = vec![
        variable(Variable::Volume),
        Node::Round { value: NodeId(0), rounding: Rounding::Ceiling, step: number("1") },
    ];
    let bounds = prove(CostPolicy::Discrete, nodes);
    assert_eq!(bounds.quantity(NodeId(1)).unwrap().scale, Rational::one());
    assert_eq!(bounds.rows(&Expression::default()), []);
}

#[test]
fn operands_that_are_shared_or_out_of_order_are_malformed() {
    for nodes in [
        vec![],
        vec![Node::Negate(NodeId(0))],
        vec![constant("1"), Node::Add(NodeId(0), NodeId(0))],
        vec![constant("1"), Node::Not(NodeId(0))],
        vec![Node::Local(crate::expression::LocalId(0))],
        vec![constant("1"), Node::DivideByConstant(NodeId(0), Rational::zero())],
    ] {
        let bounds = prove(CostPolicy::Discrete, nodes);
        assert!(bounds.problems.iter().any(|problem| problem.reason == Reason::Malformed));
    }
}

/// Where a choice between 0 and 1 may leap: how much a 10⁻⁹ of volume, of the total and a 10⁻⁹ ms count, and the number.
fn leaps(mut condition: Vec<Node>) -> Option<Vec<[Rational; 4]>> {
    let last = u32::try_from(condition.len()).unwrap();
    condition.extend([constant("0"), constant("1"), choose(last - 1, last, last + 1)]);
    let expression = Expression { nodes: condition, origins: Vec::new() };
    let slope = Slope::within(&expression, Limits::of(&resource(CostPolicy::Continuous)), 6)?;
    let nano = |weight: &Rational| Rational(&weight.0 * &number("1e9").0);
    let of = |it: Boundary| {
        let Weights { volume, total, duration } = &it.weights;
        [nano(volume), nano(total), nano(duration), it.at]
    };
    Some(slope.boundaries.into_iter().map(of).collect())
}

#[test]
fn a_choice_leaps_where_its_condition_meets_a_number() {
    let greater = |left, right| compare(Comparison::Greater, left, right);
    let [zero, one, two] = ["0", "1", "2"].map(number);
    let at = |[volume, total, duration]: [&Rational; 3], at: &str| {
        [volume.clone(), total.clone(), duration.clone(), number(at)]
    };
    let by_total = vec![variable(Variable::Total), constant("100"), greater(0, 1)];
    assert_eq!(leaps(by_total), Some(vec![at([&zero, &one, &zero], "100")]));
    let by_reach = vec![
        variable(Variable::Total),
        variable(Variable::Volume),
        constant("2"),
        Node::Multiply(NodeId(1), NodeId(2)),
        Node::Add(NodeId(0), NodeId(3)),
        constant("7"),
        greater(5, 4),
        variable(Variable::Duration),
        constant("2"),
        greater(7, 8),
        Node::And(NodeId(6), NodeId(9)),
    ];
    let minus = |weight: &Rational| Rational(-&weight.0);
    let reach = at([&minus(&two), &minus(&one), &zero], "-7");
    assert_eq!(leaps(by_reach), Some(vec![reach, at([&zero, &zero, &one], "2")]));
}

#[test]
fn a_choice_by_the_amount_alone_does_not_leap_and_one_that_is_not_linear_may_leap_anywhere() {
    let greater = compare(Comparison::Greater, 2, 3);
    let squared = |variable_of: Variable| {
        let product = Node::Multiply(NodeId(0), NodeId(1));
        vec![variable(variable_of), variable(variable_of), product, constant("9"), greater.clone()]
    };
    assert_eq!(leaps(squared(Variable::Amount)), Some(Vec::new()));
    assert_eq!(leaps(squared(Variable::Volume)), None);
}
