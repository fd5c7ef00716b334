//! What the server says about a place, over the protocol.

use serde_json::{Value, json};

use crate::client::{Client, file_uri};

const URI: &str = "untitled:a.aquarium";

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

#[tokio::test]
async fn open_documents_are_laid_over_the_files_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let base = "aquariumpolicy:\n  pricelists:\n    - {name: base, x: 1}\n";
    std::fs::write(directory.path().join("a.aquarium"), base).unwrap();
    let (a, b) = (file_uri(directory.path(), "a.aquarium"), file_uri(directory.path(), "b.aquarium"));
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(&b, "aquariumpolicy:\n  pricelists:\n    - {name: cheap, extends: base}\n").await;
    let place = at(&b, 2, 30);
    assert_eq!(client.ask("textDocument/definition", place.clone()).await[0]["uri"], json!(a));
    client.open(&a, "aquariumpolicy:\n  name: a\n").await;
    assert_eq!(client.ask("textDocument/definition", place.clone()).await, json!([]));
    client.edit(&a, 2, [1, 0, 2, 0], "  pricelists:\n    - {name: base, x: 1}\n").await;
    assert_eq!(client.ask("textDocument/definition", place.clone()).await[0]["uri"], json!(a));
    client.edit(&a, 3, [0, 0, 9, 0], "").await;
    assert_eq!(client.ask("textDocument/definition", place.clone()).await, json!([]));
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": a}})).await;
    assert_eq!(client.ask("textDocument/definition", place.clone()).await[0]["uri"], json!(a));
    std::fs::remove_file(directory.path().join("a.aquarium")).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": a, "type": 3}]})).await;
    assert_eq!(client.ask("textDocument/definition", place).await, json!([]));
}

#[tokio::test]
async fn places_are_right_behind_letters_that_take_several_units() {
    let text = "aquariumpolicy:\n  pricelists:\n    - {name: 'é🐟', x: 1}\n    - {name: b, extends: 'é🐟'}\n";
    for (encodings, cursor, end) in [(json!(["utf-16"]), 28, 18), (json!(["utf-8"]), 30, 21)] {
        let mut client =
            Client::introduced(json!({"general": {"positionEncodings": encodings}}), Value::Null).await;
        client.open(URI, text).await;
        let found = client.ask("textDocument/definition", at(URI, 3, cursor)).await;
        let range = json!({"start": {"line": 2, "character": 13}, "end": {"line": 2, "character": end}});
        assert_eq!(found, json!([{"uri": URI, "range": range}]));
    }
}

#[tokio::test]
async fn a_finding_with_a_fix_has_an_action() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client
        .open(URI, "aquariumpolicy:\n  pricelists:\n    - {name: a, x: 1}\n    - {name: b, overrides: a}\n")
        .await;
    let place = json!({"line": 3, "character": 18});
    let params = json!({"textDocument": {"uri": URI}, "range": {"start": place, "end": place}, "context": {"diagnostics": []}});
    let actions = client.ask("textDocument/codeAction", params).await;
    assert_eq!(actions[0]["title"], "write `extends`", "{actions}");
    assert_eq!(actions[0]["edit"]["changes"][URI][0]["newText"], "extends");
}

#[tokio::test]
async fn names_complete_hover_and_stand_in_the_outline() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client
        .open(URI, "aquariumpolicy:\n  pricelists:\n    - {name: a, x: 1}\n    - name: b\n      extends: \n")
        .await;
    let proposals = client.ask("textDocument/completion", at(URI, 4, 15)).await;
    assert_eq!(proposals[0]["label"], "a", "{proposals}");
    let hover = client.ask("textDocument/hover", at(URI, 3, 13)).await;
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("price list **b**"), "{hover}");
    let outline = client.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": URI}})).await;
    assert_eq!(outline[0]["name"], "pricelists");
    assert_eq!(outline[0]["children"][1]["name"], "b");
    let uses = json!({"textDocument": {"uri": URI}, "position": {"line": 2, "character": 13}, "context": {"includeDeclaration": true}});
    assert_eq!(client.ask("textDocument/references", uses).await.as_array().map(Vec::len), Some(1));
}
