//! What the server finds, told when it changes or given when it is asked for.

use std::path::Path;

use serde_json::{Value, json};
use tower_lsp::ls_types::Uri;

use crate::client::Client;

const URI: &str = "untitled:a.aquarium";

/// A policy without findings.
const POLICY: &str = "aquariumpolicy:\n  name: a\n";

fn file_uri(directory: &Path, name: &str) -> String {
    Uri::from_file_path(directory.join(name)).expect("an absolute path").as_str().to_owned()
}

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
async fn tests_of_policies_and_other_texts_are_left_alone() {
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
    assert!(!client.has_got_about(&test) && !client.has_got_about(&other));
}
