//! What counts as the same expression.

use super::*;

fn same(left: &str, right: &str) -> bool {
    let digest = |text: &str| {
        let (syntax, findings) = read(text);
        assert!(findings.is_empty(), "{text}: {findings:?}");
        syntax.digest()
    };
    digest(left) == digest(right)
}

#[test]
fn spelling_does_not_count() {
    for (left, right) in [
        ("{price} times {volume}", "(price * ($volume))"),
        ("price * volume", "function f(price, volume) { return price * volume; }"),
        ("price * volume", "volume => price * volume"),
        ("if volume gt 1 then 1 else 2 end", "volume > 1 ? 1 : 2"),
        ("if volume gt 1 then 1 else 2 end", "() => { if (volume > 1) { return 1 } return 2 }"),
        (
            "if volume gt 1 then 1 elsif volume gt 0 then 2 else 3 end",
            "if volume gt 1 then 1 else if volume gt 0 then 2 else 3 end end",
        ),
        ("Math.min(1.0, 2)", "min(1, 2.00)"),
        ("10 GB", "1e1 GBs"),
        ("5 min", "5 minutes"),
        ("() => { const a = 1; return a }", "() => { const b = 1; return b }"),
        ("a - b - c", "(a - b) - c"),
        ("not a < b", "!(a lt b)"),
    ] {
        assert!(same(left, right), "{left} | {right}");
    }
}

#[test]
fn meaning_as_written_counts() {
    for (left, right) in [
        ("price * volume", "volume * price"),
        ("10 GB", "10000 MB"),
        ("10", "10 credit"),
        ("a - b - c", "a - (b - c)"),
        ("1 + 1", "2"),
        ("() => { const a = 1; return a }", "1"),
        ("free", "10"),
        ("free", "quota"),
        ("-5", "0 - 5"),
        ("a > b", "b < a"),
        ("1 GB", "1 GiB"),
        ("() => { const a = 1; const b = 2; return a }", "() => { const a = 1; const b = 2; return b }"),
    ] {
        assert!(!same(left, right), "{left} | {right}");
    }
}

#[test]
fn a_digest_never_changes() {
    let digest = read("{price} times {volume}").0.digest();
    assert_eq!(digest, "1c2bd38b897d93af64be0a4b008c6f32b83cbdaa8cea51099866c5694417963a");
    assert_eq!(
        digest::canonical(&read("() => { const x = 2 GB; return price * (volume - x) }").0.parsed.expression),
        "(let 2_data:1000000000 (* price (- volume let:0)))"
    );
}
