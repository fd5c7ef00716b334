//! The order of files, sections and items has no meaning.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::Policy;

const RESOURCES: &str = "  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
    - {name: disk, unit: GB*hr, costpolicy: continuous}
";
const ALGORITHMS: &str = "  algorithms:
    - name: default
      vmtime: price * volume
      disk: {price} times {volume}
";
const PRICES: [&str; 3] = [
    "    - {name: default, vmtime: 1, disk: 2}\n",
    "    - {name: cheap, extends: default, vmtime: 0.5, effective: {from: 2011-01-01, to: 2012-01-01}}\n",
    "    - {name: later, extends: cheap, disk: 0.25, effective: {from: 2013-01-01}}\n",
];
const AGREEMENTS: [&str; 2] = [
    "    - {name: default, pricelist: later, algorithm: default}\n",
    "    - {name: child, extends: default, pricelist: {disk: 7}}\n",
];

fn files(texts: &[String]) -> Vec<SourceFile> {
    let file = |(number, text): (usize, &String)| SourceFile {
        path: format!("{number}.aquarium"),
        bytes: format!("aquariumpolicy:\n{text}").into_bytes(),
    };
    texts.iter().enumerate().map(file).collect()
}

/// What the policy says, apart from where it says it.
fn meaning(files: Vec<SourceFile>) -> String {
    let analysis = analyze(files);
    assert!(analysis.diagnostics.is_empty(), "{:#?}", analysis.diagnostics);
    let json = serde_json::to_string(&analysis.into_policy().unwrap()).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    strip(&mut value);
    value.to_string()
}

/// Takes places and digests of sources out; of the texts of one expression the first is kept.
fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            for key in ["span", "sources", "source_sha256", "text"] {
                map.remove(key);
            }
            map.values_mut().for_each(strip);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn items_and_sections_may_stand_in_any_order_and_file() {
    let [one, two, three] = PRICES;
    let [default, child] = AGREEMENTS;
    let prices = format!("  pricelists:\n{one}{two}{three}");
    let turned = format!("  pricelists:\n{three}{one}{two}");
    let agreements = format!("  agreements:\n{default}{child}");
    let together = files(&[format!("{RESOURCES}{ALGORITHMS}{prices}{agreements}")]);
    let reversed = files(&[format!("  agreements:\n{child}{default}{turned}{ALGORITHMS}{RESOURCES}")]);
    let apart = files(&[
        agreements,
        format!("{RESOURCES}  pricelists:\n{two}"),
        format!("  pricelists:\n{three}{one}"),
        ALGORITHMS.to_owned(),
    ]);
    let expected = meaning(together);
    assert_eq!(meaning(reversed), expected);
    assert_eq!(meaning(apart), expected);
}

#[test]
fn identical_sources_give_identical_policies_in_whatever_order_they_are_handed_over() {
    let texts = [
        format!("{RESOURCES}{ALGORITHMS}"),
        format!("  pricelists:\n{}", PRICES.concat()),
        format!("  agreements:\n{}", AGREEMENTS.concat()),
    ];
    let forwards = files(&texts);
    let backwards: Vec<SourceFile> = forwards.iter().rev().cloned().collect();
    let bytes = |policy: Option<Policy>| serde_json::to_string(&policy.unwrap()).unwrap();
    assert_eq!(bytes(analyze(forwards).into_policy()), bytes(analyze(backwards).into_policy()));
}
