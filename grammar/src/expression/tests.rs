//! Text in, syntax or findings out.

use super::*;

/// The syntax as an s-expression.
fn shape(expression: &Expression) -> String {
    match &expression.kind {
        Kind::Number { text, unit: None } => text.clone(),
        Kind::Number { text, unit: Some(unit) } => format!("{text}_{}", unit.text),
        Kind::Name(name) => name.text.clone(),
        Kind::Negate(operand) => format!("(neg {})", shape(operand)),
        Kind::Not(operand) => format!("(not {})", shape(operand)),
        Kind::Binary { operator, left, right, .. } => {
            format!("({} {} {})", operator.symbol(), shape(left), shape(right))
        }
        Kind::Conditional { condition, then, otherwise } => {
            format!("(if {} {} {})", shape(condition), shape(then), shape(otherwise))
        }
        Kind::Call { function, arguments, .. } => {
            let arguments: Vec<String> = arguments.iter().map(shape).collect();
            format!("({} {})", function.name(), arguments.join(" "))
        }
        Kind::Let { name, value, body } => format!("(let {} {} {})", name.text, shape(value), shape(body)),
        Kind::Error => "?".to_owned(),
    }
}

#[track_caller]
fn reads(text: &str, expected: &str) {
    let parsed = parse(text, true);
    assert_eq!(parsed.findings, Vec::new(), "{text}");
    assert_eq!(shape(&parsed.expression), expected, "{text}");
}

/// `expected`: one line a finding: the text it points at, the message, the help, the fixed text.
#[track_caller]
fn finds(text: &str, expected: &str) {
    let parsed = parse(text, false);
    let lines: Vec<String> = parsed.findings.iter().map(|finding| line(text, finding)).collect();
    assert_eq!(lines.join("\n"), expected, "{text}");
}

fn line(text: &str, finding: &Finding) -> String {
    let mut line = format!("[{}] {}", finding.span.of(text), finding.message);
    if let Some(help) = &finding.help {
        line += &format!(" | {help}");
    }
    if let Some(fix) = &finding.fix {
        let mut fixed = text.to_owned();
        for (span, with) in &fix.edits {
            fixed.replace_range(span.start as usize..span.end as usize, with);
        }
        line += &format!(" -> {fixed}");
    }
    line
}

#[test]
fn the_dialects_read_the_same() {
    for text in [
        "{price} times {volume}",
        "$price * $volume",
        "price*volume",
        "( { price } ) times volume;",
        "(price, volume) => price * volume",
        "price => { return price * volume }",
        "function vmtime(volume, price) { return (price * volume); }",
    ] {
        reads(text, "(* price volume)");
    }
}

#[test]
fn operators_bind_as_the_language_says() {
    for (text, expected) in [
        ("a plus b times c minus d", "(- (+ a (* b c)) d)"),
        ("a - b - c", "(- (- a b) c)"),
        ("a / b * c % d mod e divided by f", "(/ (% (% (* (/ a b) c) d) e) f)"),
        ("-a * -b - -c", "(- (* (neg a) (neg b)) (neg c))"),
        ("!a < b", "(< (not a) b)"),
        ("not a < b and c", "(&& (not (< a b)) c)"),
        ("a or b and not c === d", "(|| a (&& b (not (== c d))))"),
        ("a < b ? c : d > e ? f : g", "(if (< a b) c (if (> d e) f g))"),
        ("if a gt b then c elsif d le e then f else g end", "(if (> a b) c (if (<= d e) f g))"),
        ("2 * if a ne b then 1 else 2 end", "(* 2 (if (!= a b) 1 2))"),
        ("Math.min(a, max(b, 1), c,)", "(min a (max b 1) c)"),
        ("round(a, 2) + clamp(b, 1, 5 min)", "(+ (round a 2) (clamp b 1 5_min))"),
        ("1e3 + 1_000.50 GB - 5min", "(- (+ 1e3 1_000.50_GB) 5_min)"),
        ("a // one\n * b /* two */ # three\n + c #", "(+ (* a b) c)"),
    ] {
        reads(text, expected);
    }
}

#[test]
fn a_function_is_its_body() {
    for (text, expected) in [
        (
            "function vmtime(price, volume) { const free = 2; if (volume <= free) { return 0; } \
             return price * (volume - free); }",
            "(let free 2 (if (<= volume free) 0 (* price (- volume free))))",
        ),
        ("() => { if (a) return 1 else if (b) return 2; else return 3 }", "(if a 1 (if b 2 3))"),
        ("() => { let x = a let y = b return x }", "(let x a (let y b x))"),
        ("() => { if (a) { if (b) return 1 } return 2 }", "(if a (if b 1 2) 2)"),
        (
            "() => { if (a) { const x = 1; if (x > b) return x } else { const x = 2; return x } return 3 }",
            "(if a (let x 1 (if (> x b) x 3)) (let x 2 x))",
        ),
        ("() => { { const x = 1; } return 2 }", "(let x 1 2)"),
    ] {
        reads(text, expected);
    }
}

#[test]
fn mistakes_are_told_in_the_authors_words() {
    for (text, expected) in [
        ("", "[] there is no expression here"),
        ("price *", "[*] a value is missing after `*`"),
        ("price * * volume", "[*] a value is missing after `*`"),
        ("* price", "[*] an expression does not begin with `*`"),
        (
            "price volume",
            "[volume] an operator is missing between `price` and `volume` | write `*` or `times` to multiply",
        ),
        ("price time volume", "[time] an operator is missing between `price` and `time` | is `times` meant?"),
        ("price TIMES volume", "[TIMES] `TIMES` is written in small letters -> price times volume"),
        ("volume = 3 ? 1 : 2", "[=] `=` does not compare | write `==` or `eq` -> volume == 3 ? 1 : 2"),
        (
            "1 < volume < 3 ? 1 : 2",
            "[1 < volume < 3] comparisons do not chain | write `1 < volume and volume < 3` \
             -> 1 < volume and volume < 3 ? 1 : 2",
        ),
        (
            "if volume gt 3 then 1 end",
            "[end] this `if` needs its `else` | say what is charged otherwise, for example `else 0 end` \
             -> if volume gt 3 then 1 else 0 end",
        ),
        (
            "if volume gt 3 then 1 else 2",
            "[2] `end` is missing: an `if` in words ends with it -> if volume gt 3 then 1 else 2 end",
        ),
        (
            "if volume gt 3 price else 2 end",
            "[price] an operator is missing between `3` and `price` | write `*` or `times` to multiply \
             -> if volume gt 3 * price else 2 end\n[else] `then` is missing after the condition of this `if`",
        ),
        (
            "if volume gt 3 (price) else 2 end",
            "[(] `then` is missing after the condition of this `if` \
             -> if volume gt 3 then (price) else 2 end",
        ),
        ("(price * volume", "[volume] a closing `)` is missing -> (price * volume)"),
        ("price * volume)", "[)] this `)` closes nothing -> price * volume"),
        ("price * volume end", "[end] this `end` belongs to no `if` -> price * volume "),
        ("volume > 1 ? price", "[price] `:` is missing: a condition chooses with `C ? A : B`"),
        ("price × volume", "[×] `×` is no sign or word of expressions -> price * volume"),
        ("price divided 3", "[divided] `divided` needs a `by` -> price divided by 3"),
        ("price * .5", "[.5] a number begins with a digit -> price * 0.5"),
        ("price * 5.", "[5.] a point needs digits after it -> price * 5"),
        ("price * 0x1F", "[0x1F] numbers are decimal: there is no other base | write it in digits 0 to 9"),
        ("price * 1__0", "[1__0] `_` stands between two digits -> price * 1_0"),
        (
            "price * 1,000",
            "[,] a number has no comma | write `1_000`, or `1.000` if a decimal point is meant -> price * 1_000",
        ),
        ("volume ** 2", "[**] there is no power operator | multiply: `volume * volume`"),
        (
            "price * volume // charge",
            "[// charge] a comment cannot stand here | write the expression as a block: `|` after the key, \
             the expression and its comments below",
        ),
        (
            "sqrt(volume)",
            "[sqrt] `sqrt` is no function | the functions are min, max, abs, floor, ceil, round, clamp",
        ),
        (
            "Math.flor(volume)",
            "[Math.flor] `Math.flor` is no function | the functions are min, max, abs, floor, ceil, round, clamp \
             -> floor(volume)",
        ),
        ("min(1)", "[min] `min` does not take 1 values | it is called as min(a, b, ...)"),
        ("price * +volume", "[+] a `+` before a value says nothing -> price * volume"),
        ("price @ volume", "[@] `@` is no sign of expressions"),
        ("\"price\"", "[\"price\"] expressions have no texts, only numbers and conditions"),
        (
            "price\u{a0}* volume",
            "[\u{a0}] an unusual blank, which looks like a space and is none -> price * volume",
        ),
        ("() => { return 1; return 2 }", "[return] this is never reached: every path before it has returned"),
        (
            "() => { if (volume > 1) { return 1 } }",
            "[}] the function can end here without a `return` | every path through a function returns the charge",
        ),
        (
            "() => { const price = 1; return price }",
            "[price] `price` is a variable | give this value another name",
        ),
        (
            "() => { const x = 1; if (x > 2) { const x = 2; return x } return x }",
            "[x] `x` already has a value here | give this value another name",
        ),
        (
            "(prise) => 1",
            "[prise] `prise` is no variable that a charge can depend on \
             | the variables are price, volume, total, value, amount, duration -> (price) => 1",
        ),
        ("(price, price) => 1", "[price] `price` is listed twice"),
        (
            "() => { for (volume) { return 1 } }",
            "[for] there are no loops in expressions | use `if` and `else`, and the functions min, max and clamp",
        ),
        ("price * 10%", "[%] a value is missing after `%` | `%` is the remainder: write `0.1` for 10 %"),
        (
            "volume * 0.05 per GB",
            "[per] a rate has no form of its own in an expression \
             | name it under `constants`, or divide: `0.05 credits / 1 GB`",
        ),
        ("price * volume #2", "[#] `#` is no sign of expressions"),
        (
            "() => { var x = 2; return x }",
            "[var] a value is named with `const`, not with `var` -> () => { const x = 2; return x }",
        ),
    ] {
        finds(text, expected);
    }
}

#[test]
fn several_mistakes_are_found_at_once() {
    let parsed = parse("min(price *, volume) + (3 +) - sqrt(2)", false);
    assert_eq!(parsed.findings.len(), 3, "{:?}", parsed.findings);
}

#[test]
fn depth_and_length_have_limits_that_say_so() {
    let deep = format!("{}price{}", "(".repeat(10_000), ")".repeat(10_000));
    finds(&deep, "[(] this is nested more than 100 deep | use tiers, or split it into constants");
    let long = format!("price{}", " + price".repeat(5_000));
    finds(
        &long,
        "[+] an expression holds at most 250 operators and functions | use tiers, or split it into constants",
    );
    assert_eq!(parse(&"! ".repeat(100_000), false).findings.len(), 1);
    assert_eq!(parse(&"price ".repeat(100_000), false).findings.len(), 1);
    let longest = format!("price{}", " + price".repeat(MAX_OPERATORS));
    assert_eq!(parse(&longest, false).findings, Vec::new());
    let functions = format!("() => {{ {} return 1 }}", "if (volume > 1) { const a = 1; } ".repeat(100));
    assert_eq!(parse(&functions, false).findings.len(), 1);
}

#[test]
fn names_keep_the_place_of_the_word_itself() {
    let text = "{ price } * $volume";
    let Kind::Binary { left, right, .. } = parse(text, false).expression.kind else { panic!("a product") };
    for (side, name, whole) in [(left, "price", "{ price }"), (right, "volume", "$volume")] {
        let Kind::Name(found) = &side.kind else { panic!("a name") };
        assert_eq!((found.span.of(text), side.span.of(text)), (name, whole));
    }
}

mod properties {
    use proptest::prelude::*;

    use super::super::print::{Dialect, print};
    use super::*;

    fn leaf() -> BoxedStrategy<Expression> {
        let name = prop::sample::select(vec!["price", "volume", "total", "free"]);
        prop_oneof![
            name.prop_map(|name| node(Kind::Name(Name { text: name.to_owned(), span: TextSpan::default() }))),
            (0_u32..1000).prop_map(|number| node(Kind::Number { text: number.to_string(), unit: None })),
            (0_u32..1000).prop_map(|number| {
                let unit = Name { text: "GB".to_owned(), span: TextSpan::default() };
                node(Kind::Number { text: format!("{number}.5"), unit: Some(unit) })
            }),
        ]
        .boxed()
    }

    fn node(kind: Kind) -> Expression {
        Expression { kind, span: TextSpan::default() }
    }

    const OPERATORS: [Operator; 13] = [
        Operator::Add,
        Operator::Subtract,
        Operator::Multiply,
        Operator::Divide,
        Operator::Remainder,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::NotEqual,
        Operator::And,
        Operator::Or,
    ];

    fn expression() -> impl Strategy<Value = Expression> {
        leaf().prop_recursive(5, 40, 3, |inner| {
            let boxed = || inner.clone().prop_map(Box::new);
            prop_oneof![
                boxed().prop_map(|operand| node(Kind::Negate(operand))),
                boxed().prop_map(|operand| node(Kind::Not(operand))),
                (prop::sample::select(OPERATORS.to_vec()), boxed(), boxed()).prop_map(
                    |(operator, left, right)| {
                        node(Kind::Binary { operator, operator_span: TextSpan::default(), left, right })
                    }
                ),
                (boxed(), boxed(), boxed()).prop_map(|(condition, then, otherwise)| {
                    node(Kind::Conditional { condition, then, otherwise })
                }),
                prop::collection::vec(inner.clone(), 2..4).prop_map(|arguments| {
                    node(Kind::Call {
                        function: Function::Minimum,
                        function_span: TextSpan::default(),
                        arguments,
                    })
                }),
            ]
        })
    }

    fn bound() -> impl Strategy<Value = Expression> {
        (expression(), expression()).prop_map(|(value, body)| {
            let name = Name { text: "own".to_owned(), span: TextSpan::default() };
            node(Kind::Let { name, value: Box::new(value), body: Box::new(body) })
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(tree in prop_oneof![expression(), bound()]) {
            for dialect in [Dialect::Words, Dialect::Symbols, Dialect::Script] {
                let text = print(&tree, dialect);
                let parsed = parse(&text, false);
                prop_assert_eq!(&parsed.findings, &Vec::new(), "{}", text);
                prop_assert_eq!(shape(&parsed.expression), shape(&tree), "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_broken(words in prop::collection::vec(prop::sample::select(vec![
            "price", "{volume}", "$total", "(", ")", "{", "}", "if", "then", "else", "elsif", "end", "=>", "=", "==",
            "return", "const", "x", ";", ",", "function", "+", "not", "!", "5", "GB", "1.", "?", ":", "Math.min", "é", "/*", "'",
        ]), 0..40)) {
            let text = words.join(" ");
            let parsed = parse(&text, false);
            for finding in &parsed.findings {
                prop_assert!(text.get(finding.span.start as usize..finding.span.end as usize).is_some());
            }
            let broken = shape(&parsed.expression).contains('?');
            prop_assert!(!broken || !parsed.findings.is_empty(), "{}", text);
        }
    }
}
