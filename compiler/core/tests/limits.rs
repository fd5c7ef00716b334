//! What is too large is refused where it stands, by a finding that names the limit; what is only large is read.

use std::fmt::Write as _;

use aquarium_compiler::findings::FINDINGS_MAX;
use aquarium_compiler::resolve::EXTENDS_MAX;
use aquarium_compiler::{Analysis, Code, LineIndex, Severity, SourceFile, analyze};

const RESOURCES: &str = "aquariumpolicy:
  resources:
    - {name: bw, unit: MB, costpolicy: discrete}
  algorithms:
    - {name: default, bw: price * volume}
";
const AGREEMENTS: &str = "  agreements:
    - {name: default, algorithm: default, pricelist: default}
";

fn check(text: &str) -> Analysis {
    analyze(vec![SourceFile { path: "policy.aquarium".to_owned(), bytes: text.as_bytes().to_vec() }])
}

/// Code, line and message of each finding.
fn found(text: &str) -> Vec<(Code, usize, String)> {
    let (analysis, lines) = (check(text), LineIndex::new(text.as_bytes()));
    let findings = analysis.diagnostics.iter();
    findings.map(|it| (it.code, lines.line(it.primary.span.start) + 1, it.message.clone())).collect()
}

/// Price list `p0`, then each extending the one before it, and `default` the last.
fn chain(count: usize) -> String {
    let mut text = format!("{RESOURCES}  pricelists:\n    - {{name: p0, bw: 1}}\n");
    for item in 1..count {
        let _ = writeln!(
            text,
            "    - {{name: p{item}, extends: p{}, bw: {item}, effective: {{from: {item}}}}}",
            item - 1
        );
    }
    let _ = writeln!(text, "    - {{name: default, extends: p{}}}", count - 1);
    text + AGREEMENTS
}

fn agreements(count: usize) -> String {
    let mut text = format!("{RESOURCES}  pricelists:\n    - {{name: default, bw: 1}}\n{AGREEMENTS}");
    for item in 1..=count {
        let parent = if item == 1 { "default".to_owned() } else { format!("a{}", item - 1) };
        let _ = writeln!(text, "    - {{name: a{item}, extends: {parent}, effective: {{from: {item}}}}}");
    }
    text
}

#[test]
fn a_chain_of_extends_has_a_limit_that_is_told_once() {
    for text in [chain(10_000), agreements(10_000)] {
        let found = found(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, Code::OverLimit);
        assert!(found[0].2.contains("extends more than 100 others"), "{}", found[0].2);
    }
    assert_eq!(found(&chain(10_000))[0].1, 8 + EXTENDS_MAX, "the line of the first that is too deep");
}

#[test]
fn chains_within_the_limit_are_compiled_with_all_their_layers() {
    let policy = check(&chain(EXTENDS_MAX)).into_policy();
    let layers = policy.map(|policy| policy.agreements[0].prices[0].0.len());
    // A layer for each frame; what extends nothing holds always.
    assert_eq!(layers, Some(EXTENDS_MAX));
    let policy = check(&agreements(EXTENDS_MAX - 1)).into_policy();
    assert!(policy.is_some_and(|policy| policy.agreements.iter().any(|it| it.ancestors.len() == 99)));
}

#[test]
fn a_circle_of_thousands_shows_every_edge() {
    let text = chain(2_000).replace("{name: p0, bw: 1}", "{name: p0, extends: p1999, bw: 1}");
    let analysis = check(&text);
    let circles: Vec<_> =
        analysis.diagnostics.iter().filter(|found| found.code == Code::ExtendsCycle).collect();
    assert_eq!(circles.len(), 1);
    assert_eq!(circles[0].secondary.len(), 1_999);
}

fn repeating(entries: impl Iterator<Item = (String, String)>) -> String {
    let mut text = format!("{RESOURCES}  pricelists:\n    - {{name: always, bw: 1}}\n");
    text.push_str("    - name: default\n      extends: always\n      bw: 2\n      effective:\n");
    text.push_str("        repeat:\n");
    for (start, end) in entries {
        let _ = writeln!(text, "          - every: {{start: \"{start}\", end: \"{end}\"}}");
    }
    text + AGREEMENTS
}

#[test]
fn ranges_that_begin_more_than_once_a_minute_are_refused() {
    let list = |first: u32| (first..60).step_by(2).map(|it| it.to_string()).collect::<Vec<_>>().join(",");
    let (even, odd) = (format!("{} 0-23 * * *", list(0)), format!("{} 0-23 * * *", list(1)));
    let dense = |entries| repeating((0..entries).map(|_| (even.clone(), odd.clone())));
    let minute = |count: u32| {
        repeating((0..count).map(|it| {
            let at = |minute: u32| format!("{} {} * * *", minute % 60, minute / 60 % 24);
            (at(it * 4), at(it * 4 + 2))
        }))
    };
    assert!(found(&dense(2)).iter().all(|found| found.0 != Code::OverLimit));
    assert!(found(&minute(300)).iter().all(|found| found.0 != Code::OverLimit));
    let found = found(&dense(300));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1), (Code::OverLimit, 13));
    assert_eq!(found[0].2, "these ranges begin 216000 times a day, a time frame takes at most 1440");
}

#[test]
fn a_directive_names_so_many_lints_and_no_more() {
    let text = format!("# aquarium: allow({})\n{}", "x, ".repeat(100_000), chain(1));
    let found = found(&text);
    assert_eq!(found.len(), 101);
    assert!(found.iter().any(|(_, _, message)| message == "a directive names at most 100 lints"));
}

#[test]
fn a_name_that_is_too_long_is_told_once_whatever_uses_it() {
    let text = chain(1).replace("name: bw", &format!("name: {}", "n".repeat(1 << 20)));
    let found = found(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1), (Code::OverLimit, 3));
    assert_eq!(found[0].2, "a name of 1048576 bytes: it has at most 255");
    let longest = chain(1).replace("bw", &"n".repeat(255));
    assert_eq!(self::found(&longest), []);
}

#[test]
fn what_is_said_stays_readable_whatever_is_quoted() {
    for value in
        ["MB\u{e9}".to_owned(), "\u{20AC}".repeat(500_000), "*".repeat(1 << 20), "x ".repeat(1 << 19)]
    {
        let analysis = check(&chain(1).replace("unit: MB", &format!("unit: '{value}'")));
        for finding in &analysis.diagnostics {
            let notes = finding.notes.iter().chain(&finding.help);
            assert!([&finding.message].into_iter().chain(notes).all(|text| text.len() < 1_100));
        }
    }
}

#[test]
fn agreements_times_resources_have_a_limit() {
    let resources: String =
        (0..3_000).map(|it| format!("    - {{name: r{it}, unit: MB, costpolicy: discrete}}\n")).collect();
    let mut text = chain(1).replace("  algorithms:\n", &format!("{resources}  algorithms:\n"));
    (0..1_500).for_each(|item| {
        let _ = writeln!(text, "    - {{name: a{item}, algorithm: default, pricelist: default}}");
    });
    let found = found(&text);
    assert_eq!(found.len(), 1, "{:?}", &found[..9.min(found.len())]);
    assert_eq!((found[0].0, found[0].1), (Code::OverLimit, 1));
}

#[test]
fn thousands_of_resources_without_price_are_a_few_findings() {
    let resources: String =
        (0..3_000).map(|it| format!("    - {{name: r{it}, unit: MB, costpolicy: discrete}}\n")).collect();
    let text = chain(1).replace("  algorithms:\n", &format!("{resources}  algorithms:\n"));
    let found = found(&text);
    assert!(found.iter().all(|found| found.0 == Code::NotCovered));
    assert_eq!(found.len(), 21);
    let rest = "under agreement `default` `r1015`, `r1016`, `r1017`, `r1018`, `r1019`, `r102` and 2974 more are never \
                covered either";
    assert!(found.iter().any(|(_, _, message)| message == rest), "{found:?}");
}

#[test]
fn thousands_of_wrong_names_are_all_told() {
    let mut text = format!("{RESOURCES}  pricelists:\n    - {{name: default, bw: 1}}\n");
    (0..3_000).for_each(|item| {
        let _ = writeln!(text, "    - {{name: q{item}, extends: defalt{item}, bw: 1}}");
    });
    let analysis = check(&(text + AGREEMENTS));
    let unknown = || analysis.diagnostics.iter().filter(|found| found.code == Code::UnknownName);
    assert_eq!(unknown().count(), 3_000);
    // Each proposal compares with all names: only the first have one.
    let proposed = unknown().filter(|found| found.fix.is_some()).count();
    assert!((1..=200).contains(&proposed), "{proposed}");
}

#[test]
fn a_key_given_thousands_of_times_is_told_each_time() {
    let text = format!("aquariumpolicy:\n  constants:\n{}", "    a: 1\n".repeat(5_000));
    let twice = found(&text).iter().filter(|found| found.0 == Code::DuplicateKey).count();
    assert_eq!(twice, 4_999);
}

#[test]
fn a_frame_that_says_nothing_or_leaves_nothing_is_told() {
    let frame = |frame: &str| {
        let text = repeating(std::iter::empty());
        found(&text.replace("        repeat:\n", &format!("        {frame}\n")))
    };
    let said = |lines: &str, code: Code| frame(lines).iter().any(|found| found.0 == code);
    assert!(said("repeat: []", Code::EmptyKey));
    let day = "from: 2011-01-01\n        to: 2011-01-02\n        except: ";
    assert!(said(&format!("{day}[2011-01-01]"), Code::IdleRange));
    assert!(!said(&format!("{day}[2011-01-02]"), Code::IdleRange));
}

#[test]
fn an_exponent_without_digits_is_no_unit() {
    let constant = |value: &str| {
        let text = chain(1).replace("price * volume", "price * volume * k");
        found(&text.replacen('\n', &format!("\n  constants:\n    k: {value}\n"), 1))
    };
    for value in ["1e", "1E"] {
        assert_eq!(constant(value)[0].0, Code::BadNumber, "{value}");
    }
    assert_eq!(constant("1e2"), []);
    let written = |expression: &str| found(&chain(1).replace("price * volume", expression));
    assert_eq!(written("price * volume * 1e")[0].0, Code::BadExpression);
    assert_eq!(written("price * volume * 1e0"), []);
}

#[test]
fn a_bracket_in_front_of_a_line_spoils_that_line_alone() {
    let policy = chain(1);
    for (right, broken) in [("  resources:", "  [resources:"), ("  pricelists:", "  {pricelists:")] {
        let found = found(&policy.replace(right, broken));
        let line = policy.lines().position(|line| line.starts_with(right)).map(|line| line + 1);
        assert_eq!(found.iter().map(|found| Some(found.1)).collect::<Vec<_>>(), [line], "{found:?}");
    }
}

/// How many findings are told, and what is said of the others.
fn cut_off(text: &str) -> (usize, Vec<(Severity, String)>) {
    let analysis = check(text);
    let rest = analysis.diagnostics.iter().filter(|it| it.message.contains("more findings"));
    let rest = rest.filter(|it| (it.code, it.primary.span.start) == (Code::OverLimit, 0));
    let rest: Vec<_> = rest.map(|it| (it.severity, it.message.clone())).collect();
    (analysis.diagnostics.len() - rest.len(), rest)
}

fn more(severity: Severity, count: usize) -> Vec<(Severity, String)> {
    vec![(severity, format!("there are {count} more findings in this file: at most 10000 are told"))]
}

#[test]
fn a_file_with_more_findings_than_anybody_reads_is_cut_off_and_says_so() {
    let twice = "    - {name: default, bw: 1}\n".repeat(FINDINGS_MAX + 501);
    let found = cut_off(&format!("{RESOURCES}  pricelists:\n{twice}{AGREEMENTS}"));
    assert_eq!(found, (FINDINGS_MAX, more(Severity::Error, 500)));
}

#[test]
fn of_too_many_lints_the_errors_are_told() {
    let empty = |count: usize| (0..count).map(|it| format!("    k{it}:\n")).collect::<String>();
    let policy = |count: usize| format!("{}{}  constants:\n{}", chain(1), "  nmae: x\n", empty(count));
    let told = check(&policy(3 * FINDINGS_MAX)).diagnostics;
    assert!(told.iter().any(|found| found.code == Code::UnknownKey));
    assert_eq!(cut_off(&policy(3 * FINDINGS_MAX)), (FINDINGS_MAX, more(Severity::Warning, 20_001)));
    // So many that not all are kept until the directives are asked: one of them may have been denied.
    assert_eq!(cut_off(&policy(11 * FINDINGS_MAX)), (FINDINGS_MAX, more(Severity::Error, 100_001)));
}

#[test]
fn lints_that_are_allowed_take_no_room() {
    let empty: String = (0..2 * FINDINGS_MAX).map(|it| format!("    k{it}:\n")).collect();
    let text = format!("# aquarium: allow(empty-key)\n{}  constants:\n{empty}", chain(1));
    assert_eq!(found(&text), []);
}

#[test]
fn as_many_directives_as_findings_take_linear_time() {
    let allowed = |count: usize| {
        let line = |it| {
            format!("    # aquarium: allow(empty-key)\n    k{it}:\n    l{it}: # aquarium: allow(empty-key)\n")
        };
        let lines: String = (0..count).map(line).collect();
        format!("{}  constants:\n{lines}    # aquarium: allow(per-slot)\n    last:\n", chain(1))
    };
    let found = found(&allowed(40_000));
    let codes: Vec<Code> = found.iter().map(|found| found.0).collect();
    assert_eq!(codes, [Code::UnusedDirective, Code::EmptyKey]);
}

#[test]
fn names_that_are_compared_with_all_others_are_so_many_and_no_more() {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let resources = lines(20_000, &|it| format!("    - {{name: res{it}, unit: MB, costpolicy: discrete}}\n"));
    let prices = lines(20_000, &|it| format!("      rez{it}: 1\n"));
    let text =
        format!("aquariumpolicy:\n  resources:\n{resources}  pricelists:\n    - name: default\n{prices}");
    let analysis = check(&text);
    let undeclared = || analysis.diagnostics.iter().filter(|it| it.code == Code::UndeclaredResource);
    let proposed = undeclared().filter(|it| it.fix.is_some()).count();
    assert!(undeclared().count() > 9_000 && (1..=20).contains(&proposed), "{proposed}");
}
