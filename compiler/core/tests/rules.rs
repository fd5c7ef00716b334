//! Rules about keys, names and values, one by one: a sound policy is changed in one place, and what is found there is
//! compared. (Time, units, prices and expressions have tests of their own beside their code.)

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

use aquarium_compiler::{Severity, SourceFile, analyze};

const POLICY: &str = "aquariumpolicy:
  resources:
    - name: bw
      unit: MB
      costpolicy: discrete
    - name: vm
      unit: hr
      costpolicy: onoff
  algorithms:
    - name: default
      \"*\": price * volume
  pricelists:
    - name: default
      bw: 1
      vm: 2
  creditplans:
    - name: monthly
      credits: 100
      at: \"00 00 1 * *\"
  agreements:
    - name: default
      algorithm: default
      pricelist: default
      creditplan: monthly
";

/// What is found in a policy of several files: severity, code, and the text it points at.
fn found(files: &[&str]) -> String {
    let file = |(number, text): (usize, &&str)| SourceFile {
        path: format!("{number}.aquarium"),
        bytes: text.as_bytes().to_vec(),
    };
    let analysis = analyze(files.iter().enumerate().map(file).collect());
    let findings = analysis.diagnostics.iter().map(|finding| {
        let span = finding.primary.span;
        let bytes = &analysis.files[span.file.0 as usize].bytes[span.start as usize..span.end as usize];
        let words = std::str::from_utf8(bytes).unwrap().lines().next().unwrap_or_default().to_owned();
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        format!("{severity} {} [{words}]", finding.code.entry().id)
    });
    findings.collect::<Vec<_>>().join(", ")
}

/// Each case: what of the policy is replaced, by what, and what is found then.
fn check(cases: &[(&str, &str, &str)]) {
    assert_eq!(found(&[POLICY]), "", "the policy is sound");
    let mut wrong = String::new();
    for (old, new, expected) in cases {
        let text = POLICY.replacen(old, new, 1);
        assert_ne!(text, POLICY, "{old}");
        let found = found(&[&text]);
        if found != *expected {
            wrong += &format!("{new:?}\n  expected {expected}\n  found    {found}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A line below `aquariumpolicy:`.
const HEAD: &str = "aquariumpolicy:\n";

#[test]
fn keys_of_the_policy_have_their_values() {
    check(&[
        (HEAD, "aquariumpolicy:\n  name: x\n  description: a b\n  timezone: Europe/Athens\n", ""),
        (HEAD, "aquariumpolicy:\n  timezone: Europe/Atens\n", "error AQ0414 [Europe/Atens]"),
        (HEAD, "aquariumpolicy:\n  timezone: EST5EDT4\n", "error AQ0414 [EST5EDT4]"),
        (HEAD, "aquariumpolicy:\n  precision: 0\n", ""),
        (HEAD, "aquariumpolicy:\n  precision: 12\n", ""),
        (HEAD, "aquariumpolicy:\n  precision: 13\n", "error AQ0206 [13]"),
        (HEAD, "aquariumpolicy:\n  precision: -1\n", "error AQ0206 [-1]"),
        (HEAD, "aquariumpolicy:\n  precision: 2.5\n", "error AQ0206 [2.5]"),
        (HEAD, "aquariumpolicy:\n  effective: {from: 2011-01-01}\n", ""),
        (HEAD, "aquariumpolicy:\n  implicitvars: [price, volume]\n", "hint AQ0210 [implicitvars]"),
        (HEAD, "aquariumpolicy:\n  resouces: []\n", "error AQ0201 [resouces]"),
        (HEAD, "aquariumpolicy:\n  name:\n", "warning AQ0204 [name]"),
        (HEAD, "aquariumpolicy:\n  name: x\n  name: y\n", "error AQ0202 [name]"),
        (HEAD, "aquariumdsl:\n", "hint AQ0209 [aquariumdsl]"),
        (HEAD, "creditdsl:\n", "hint AQ0209 [creditdsl]"),
    ]);
}

#[test]
fn constants_are_numbers_quantities_and_rates_with_names_of_their_own() {
    check(&[
        (HEAD, "aquariumpolicy:\n  constants: {free: 10, space: 10 GB, rate: 0.05 per GB}\n", ""),
        (HEAD, "aquariumpolicy:\n  constants: {free: 2 * 3}\n", "error AQ0504 [2 * 3]"),
        (HEAD, "aquariumpolicy:\n  constants: {volume: 10}\n", "error AQ0207 [volume]"),
        (HEAD, "aquariumpolicy:\n  constants: {then: 10}\n", "error AQ0207 [then]"),
        (HEAD, "aquariumpolicy:\n  constants: {round: 10}\n", "error AQ0207 [round]"),
        (HEAD, "aquariumpolicy:\n  constants: {a b: 10}\n", "error AQ0207 [a b]"),
        (HEAD, "aquariumpolicy:\n  constants: {free: 1, free: 2}\n", "error AQ0202 [free]"),
    ]);
}

#[test]
fn resources_have_a_unit_and_a_cost_policy() {
    check(&[
        ("      unit: MB\n", "", "error AQ0203 [bw]"),
        ("costpolicy: discrete", "costpolicy: once", "hint AQ0209 [once]"),
        ("costpolicy: discrete", "costpolicy: Discrete", "error AQ0206 [Discrete]"),
        ("costpolicy: discrete", "costpolicy: discrete\n      complex: true", ""),
        ("costpolicy: discrete", "costpolicy: discrete\n      complex: yes", "error AQ0206 [yes]"),
        ("costpolicy: discrete", "costpolicy: discrete\n      max: 1e6", ""),
        ("costpolicy: discrete", "costpolicy: discrete\n      max: 0", "error AQ0206 [0]"),
        ("costpolicy: discrete", "costpolicy: discrete\n      max: -1", "error AQ0206 [-1]"),
        (
            "costpolicy: discrete",
            "costpolicy: discrete\n      descriminatorfield: x",
            "hint AQ0210 [descriminatorfield]",
        ),
        ("costpolicy: discrete", "costpolicy: discrete\n      unti: MB", "error AQ0201 [unti]"),
        ("unit: MB", "unit: MB/month", "error AQ0501 [month]"),
        ("unit: hr", "unit: pages", "hint AQ0502 [pages]"),
    ]);
}

#[test]
fn names_are_unique_within_their_class_and_have_no_blanks() {
    check(&[
        ("    - name: bw", "    - name: big words", "error AQ0212 [bw], error AQ0402 [default]"),
        (
            "    - name: default\n      bw",
            "    - name: de fault\n      bw",
            "error AQ0207 [de fault], error AQ0211 [default]",
        ),
        ("    - name: vm", "    - name: bw", "error AQ0208 [bw], error AQ0212 [vm]"),
        ("    - name: vm", "    - name: BW", "error AQ0212 [vm], error AQ0402 [default]"),
        (
            "  creditplans:\n",
            "    - {name: default, bw: 3, vm: 3}\n  creditplans:\n",
            "error AQ0208 [default]",
        ),
        (
            "    - name: bw",
            "    - name: effective",
            "error AQ0207 [effective], error AQ0212 [bw], error AQ0402 [default]",
        ),
        (
            "    - name: bw",
            "    - name: override",
            "error AQ0207 [override], error AQ0212 [bw], error AQ0402 [default]",
        ),
        ("      bw: 1\n", "      bw: 1\n      \"a b\": 1\n", "error AQ0212 [\"a b\"]"),
        ("      bw: 1\n", "      Bw: 1\n", "error AQ0212 [Bw], error AQ0402 [default]"),
        ("pricelist: default", "pricelist: Default", "error AQ0211 [Default]"),
    ]);
}

#[test]
fn one_thing_is_said_once_whatever_its_spelling() {
    check(&[
        ("      bw: 1\n", "      bw: 1\n      bw: 2\n", "error AQ0202 [bw]"),
        (
            "      bw: 1\n",
            "      bw: 1\n      effective: {from: 1970-01-01}\n      applicable: {from: 1970-01-01}\n",
            "error AQ0202 [applicable], hint AQ0209 [applicable]",
        ),
        (
            "      creditplan: monthly\n",
            "      creditplan: monthly\n      creditplan: monthly\n",
            "error AQ0202 [creditplan]",
        ),
        (
            "    - name: default\n      algorithm",
            "    - name: default\n      extends: other\n      override: other\n      algorithm",
            "error AQ0211 [other], error AQ0202 [override], hint AQ0209 [override]",
        ),
    ]);
}

#[test]
fn credit_plans_have_credits_and_a_definite_time() {
    check(&[
        ("credits: 100", "credits: 0", ""),
        ("credits: 100", "credits: -1", "error AQ0206 [-1]"),
        ("credits: 100", "credits: 1,000", "error AQ0504 [1,000]"),
        ("credits: 100", "credits: 100\n      initial: 20\n      mode: reset", ""),
        ("credits: 100", "credits: 100\n      initial: -20", "error AQ0206 [-20]"),
        ("credits: 100", "credits: 100\n      mode: set", "error AQ0206 [set]"),
        ("\"00 00 1 * *\"", "00 00 1 * *", ""),
        ("\"00 00 1 * *\"", "\"* 00 1 * *\"", "error AQ0407 [*]"),
        ("\"00 00 1 * *\"", "\"0 */6 1 * *\"", "error AQ0407 [*/6]"),
        ("\"00 00 1 * *\"", "\"0,30 8-10 1 * *\"", ""),
        ("\"00 00 1 * *\"", "\"0 0 30 2 *\"", "error AQ0408 [30 2]"),
        ("\"00 00 1 * *\"", "\"@monthly\"", "error AQ0406 [@monthly]"),
        ("      at: \"00 00 1 * *\"\n", "", "error AQ0203 [monthly]"),
    ]);
}

#[test]
fn parts_of_agreements_are_names_overrides_or_inline() {
    check(&[
        ("      creditplan: monthly\n", "", ""),
        ("      algorithm: default\n", "", "error AQ0203 [default]"),
        ("creditplan: monthly", "creditplan: weekly", "error AQ0211 [weekly]"),
        ("pricelist: default", "pricelist: default\n        bw: 3", ""),
        ("pricelist: default", "pricelist:\n        bw: 3\n        vm: 1", ""),
        ("pricelist: default", "pricelist: {bw: 3, vm: 1}", ""),
        (
            "pricelist: default",
            "pricelist:\n        name: other\n        bw: 3\n        vm: 1",
            "error AQ0214 [name: other]",
        ),
        ("pricelist: default", "pricelist:\n        bw: 3", "error AQ0402 [pricelist]"),
        ("pricelist: default", "pricelist: default\n        extends: default", "error AQ0201 [extends]"),
        ("creditplan: monthly", "creditplan: monthly\n      threshold: -10", ""),
        ("creditplan: monthly", "creditplan: monthly\n      threshold: 10", "error AQ0206 [10]"),
        ("creditplan: monthly", "creditplan: monthly\n        credits: 500", ""),
    ]);
}

#[test]
fn roles_name_agreements_and_letter_case_does_not_count() {
    let nobody = "warning AQ0213 [roles]";
    check(&[
        (HEAD, "aquariumpolicy:\n  roles: {'*': default, Admin: default}\n", ""),
        (HEAD, "aquariumpolicy:\n  roles: {Admin: default}\n", ""),
        (HEAD, "aquariumpolicy:\n  roles: {Admin: default, admin: default}\n", "error AQ0202 [admin]"),
        (HEAD, "aquariumpolicy:\n  roles: {Admin: other}\n", "error AQ0211 [other]"),
    ]);
    let other = POLICY.replace("    - name: default\n      algorithm", "    - name: other\n      algorithm");
    assert_eq!(found(&[&other.replace(HEAD, "aquariumpolicy:\n  roles: {Admin: other}\n")]), nobody);
    assert_eq!(found(&[&other.replace(HEAD, "aquariumpolicy:\n  roles: {'*': other}\n")]), "");
}

#[test]
fn what_describes_the_whole_policy_stands_in_one_file() {
    for (first, second, expected) in [
        ("name: a", "name: a", "error AQ0202 [name]"),
        ("timezone: UTC", "timezone: UTC", "error AQ0202 [timezone]"),
        ("precision: 6", "precision: 6", "error AQ0202 [precision]"),
        ("name: a", "precision: 6", ""),
        ("constants: {a: 1}", "constants: {b: 1}", ""),
        ("constants: {a: 1}", "constants: {a: 1}", "error AQ0202 [a]"),
        ("roles: {'*': default}", "roles: {x: default}", ""),
        ("roles: {X: default}", "roles: {x: default}", "error AQ0202 [x]"),
    ] {
        let first = POLICY.replace(HEAD, &format!("{HEAD}  {first}\n"));
        assert_eq!(found(&[&first, &format!("{HEAD}  {second}\n")]), expected, "{second}");
    }
}

#[test]
fn instants_and_frames_are_checked() {
    let framed =
        |frame: &str| POLICY.replace("      bw: 1\n", &format!("      bw: 1\n      effective: {frame}\n"));
    for (frame, expected) in [
        ("{from: 1970-01-01}", ""),
        ("{from: 1970-01-01T00:00Z, to: 1960-01-01}", "error AQ0412 [1960-01-01]"),
        ("{from: 2011-02-30}", "error AQ0405 [2011-02-30]"),
        ("{from: 1293703200}", "warning AQ0404 [1293703200], warning AQ0403 [default]"),
        ("{from: 2011-01-01, to: 2011-01-01}", "error AQ0412 [2011-01-01]"),
        ("{form: 2011-01-01}", "error AQ0201 [form], warning AQ0403 [default]"),
        ("{repeat: [{every: {start: 00 12 * * Mon}}]}", "error AQ0203 [{every: {start: 00 12 * * Mon}}]"),
    ] {
        assert_eq!(found(&[&framed(frame)]), expected, "{frame}");
    }
}

#[test]
fn directives_change_lints_where_they_stand_and_errors_nowhere() {
    check(&[
        ("bw: 1\n", "bw: 1\n      cpu: 1   # aquarium: allow(undeclared-resource)\n", ""),
        ("bw: 1\n", "bw: 1\n      # aquarium: warn(AQ0212)\n      cpu: 1\n", "warning AQ0212 [cpu]"),
        (
            HEAD,
            "# aquarium: deny(no-effect)\naquariumpolicy:\n  implicitvars: x\n",
            "error AQ0210 [implicitvars]",
        ),
        (
            "bw: 1\n",
            "bw: 1   # aquarium: allow(undeclared-resource)\n",
            "warning AQ0702 [undeclared-resource]",
        ),
        ("bw: 1\n", "bw: 1   # aquarium: allow(no-such-lint)\n", "warning AQ0701 [no-such-lint]"),
        ("bw: 1\n", "bw: 1   # aquarium: permit(per-slot)\n", "warning AQ0701 [permit(per-slot)]"),
        ("bw: 1\n", "bw: x   # aquarium: allow(AQ0505)\n", "error AQ0505 [x], warning AQ0701 [AQ0505]"),
    ]);
}

#[test]
fn tests_of_a_policy_are_told_from_a_policy() {
    let helped = |text: &str| {
        let file = SourceFile { path: "it.aquarium".to_owned(), bytes: text.as_bytes().to_vec() };
        let analysis = analyze(vec![file]);
        analysis.diagnostics[0].help.clone().unwrap()
    };
    assert!(helped("policytests:\n  tests: []\n").contains("aquariumc test"));
    assert!(helped("pricing:\n  name: default\n").contains("below `aquariumpolicy:`"));
}
