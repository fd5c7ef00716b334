//! What the server finds, told when it changes or given when it is asked for.

use serde_json::{Value, json};

use crate::client::{Client, file_uri};

const URI: &str = "untitled:a.aquarium";

/// A policy without findings.
const POLICY: &str = "aquariumpolicy:
  name: a
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
  algorithms:
    - name: default
      vmtime: {price} times {volume}
  pricelists:
    - {name: default, vmtime: 0.05}
  agreements:
    - {name: default, algorithm: default, pricelist: default}
";

#[tokio::test]
async fn the_newest_version_is_told_about_however_fast_edits_come() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, POLICY).await;
    for version in 2..=200 {
        client.edit(URI, version, [1, 8, 1, 9], if version % 2 == 0 { "b" } else { "a" }).await;
    }
    assert_eq!(client.findings(URI, json!(200)).await, json!([]));
    assert!(client.leave().await);
}

#[tokio::test]
async fn a_client_that_asks_is_not_told() {
    let mut client = Client::start();
    let answer = client.introduce(json!({}), json!({"diagnostics": "pull"})).await;
    assert_eq!(answer["capabilities"]["diagnosticProvider"]["interFileDependencies"], true);
    client.open(URI, POLICY).await;
    let report = client.ask("textDocument/diagnostic", json!({"textDocument": {"uri": URI}})).await;
    assert_eq!(report, json!({"kind": "full", "items": []}));
    client.edit(URI, 2, [0, 0, 0, 0], "#").await;
    client.ask("textDocument/diagnostic", json!({"textDocument": {"uri": URI}})).await;
    assert!(!client.has_got("textDocument/publishDiagnostics"));
}

#[tokio::test]
async fn tests_of_policies_have_findings_of_their_own_and_other_texts_have_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut client = Client::introduced(json!({}), Value::Null).await;
    let test = file_uri(directory.path(), "a.test.aquarium.yaml");
    let other = file_uri(directory.path(), "other.yaml");
    client.open(&test, ": : :").await;
    let item = json!({"uri": other, "languageId": "yaml", "version": 1, "text": ": : :"});
    client.notify("textDocument/didOpen", json!({"textDocument": item})).await;
    let plain = file_uri(directory.path(), "plain.yaml");
    let item = json!({"uri": plain, "languageId": "yaml", "version": 1, "text": POLICY});
    client.notify("textDocument/didOpen", json!({"textDocument": item})).await;
    assert_eq!(client.findings(&plain, json!(1)).await, json!([]));
    assert!(!client.has_got_about(&other));
    let found = client.findings(&test, json!(1)).await;
    assert_eq!(found[0]["source"], "aquarium", "{found}");
    client
        .edit(&test, 2, [0, 0, 0, 5], "policytests:\n  tests:\n    - {name: é, expect: {findings: []}}\n")
        .await;
    assert_eq!(client.findings(&test, json!(2)).await, json!([]));
    let text = client.text(&test).await;
    let tests = client.ask("aquarium/tests", json!({"text": text})).await;
    let range = json!({"start": {"line": 2, "character": 6}, "end": {"line": 2, "character": 39}});
    assert_eq!(tests, json!([{"name": "é", "range": range}]));
}

#[tokio::test]
async fn a_finding_comes_with_an_edit_and_goes_with_one_and_with_the_document() {
    let mut client = Client::introduced(json!({}), json!({"explanations": "explain:/{code}.md"})).await;
    client.open(URI, POLICY).await;
    assert_eq!(client.findings(URI, json!(1)).await, json!([]));
    client.edit(URI, 2, [6, 35, 6, 36], "").await;
    let found = client.findings(URI, json!(2)).await;
    assert_eq!(found[0]["severity"], 1, "{found}");
    assert_eq!(found[0]["range"]["start"]["line"], 6, "{found}");
    let code = found[0]["code"].as_str().unwrap();
    assert_eq!(found[0]["codeDescription"]["href"], format!("explain:/{code}.md"));
    assert!(client.ask("aquarium/explain", json!({"code": code})).await.is_string());
    client.edit(URI, 3, [6, 35, 6, 35], "}").await;
    assert_eq!(client.findings(URI, json!(3)).await, json!([]));
    client.edit(URI, 4, [6, 35, 6, 36], "").await;
    assert_eq!(client.findings(URI, json!(4)).await.as_array().map(Vec::is_empty), Some(false));
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": URI}})).await;
    assert_eq!(client.findings(URI, Value::Null).await, json!([]));
}
