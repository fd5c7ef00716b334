//! What no client should send and some do: huge texts, bursts of edits, nonsense; and disks that change.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Client, file_uri};

const URI: &str = "untitled:a.aquarium";

/// Bytes of a text that is far longer than anyone writes.
const HUGE: usize = 5 * 1024 * 1024;

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

/// A policy of that many bytes at least; its last line is a role of an agreement that is not there.
fn huge_policy() -> String {
    let mut text = "aquariumpolicy:\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n  algorithms:\n    - {name: all, '*': \
                    price * volume}\n  pricelists:\n    - {name: list, vmtime: 1}\n  agreements:\n    - {name: default, algorithm: all, \
                    pricelist: list}\n  roles:\n"
        .to_owned();
    let mut number = 0;
    while text.len() < HUGE {
        writeln!(text, "    role-{number}-{number}-{number}-{number}-{number}-{number}: default").unwrap();
        number += 1;
    }
    text + "    last: nowhere\n"
}

#[tokio::test]
async fn a_text_of_five_megabytes_is_checked_while_others_are_answered() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    let text = huge_policy();
    let last = u32::try_from(text.lines().count()).unwrap() - 1;
    client.open("untitled:huge.aquarium", &text).await;
    client.open(URI, "aquariumpolicy:\n  timezone: UTC\n").await;
    let hover = client.ask("textDocument/hover", at(URI, 1, 4)).await;
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("**timezone**"), "{hover}");
    for version in 2..=40 {
        client.edit("untitled:huge.aquarium", version, [last, 10, last, 11], "n").await;
    }
    let found = client.findings("untitled:huge.aquarium", json!(40)).await;
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found[0]["range"]["start"], json!({"line": last, "character": 10}));
    client.edit("untitled:huge.aquarium", 41, [last, 10, last, 17], "default").await;
    assert_eq!(client.findings("untitled:huge.aquarium", json!(41)).await, json!([]));
    assert!(client.leave().await);
}

#[tokio::test]
async fn edits_that_come_faster_than_they_can_be_checked_are_checked_together() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, &huge_policy()).await;
    let mut asked = Vec::new();
    for version in 2..=101 {
        client.edit(URI, version, [1, 2, 1, 2], "x").await;
        asked.push(client.request("textDocument/completion", at(URI, 2, 4)).await);
    }
    for id in &asked {
        client.notify("$/cancelRequest", json!({"id": id})).await;
    }
    let found = client.findings(URI, json!(101)).await;
    let key = "x".repeat(100);
    assert!(found.to_string().contains(&format!("{key}resources")), "the last text is what is checked");
    for id in asked {
        let answer = client.answer(id).await;
        assert!(answer.get("result").is_some() || answer["error"]["code"] == -32800, "{answer}");
    }
    let told = client.count("textDocument/publishDiagnostics");
    assert!(told < 50, "{told} texts were checked");
    assert!(client.leave().await);
}

#[tokio::test]
async fn two_thousand_policies_are_indexed() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..2_000 {
        let folder = directory.path().join(format!("p{number}"));
        std::fs::create_dir(&folder).unwrap();
        let text = format!("aquariumpolicy:\n  pricelists:\n    - {{name: list{number}, x: 1}}\n");
        std::fs::write(folder.join("a.aquarium"), text).unwrap();
    }
    let mut client = in_folder(directory.path()).await;
    let found = client.ask("workspace/symbol", json!({"query": "list"})).await;
    assert_eq!(found.as_array().map(Vec::len), Some(2_000));
    let found = client.ask("workspace/symbol", json!({"query": "list1999"})).await;
    assert_eq!(found.as_array().map(Vec::len), Some(1));
}

async fn in_folder(directory: &Path) -> Client {
    let mut client = Client::start();
    let folder = json!({"uri": file_uri(directory, ""), "name": "policies"});
    let params =
        json!({"processId": null, "rootUri": null, "capabilities": {}, "workspaceFolders": [folder]});
    client.ask("initialize", params).await;
    client.notify("initialized", json!({})).await;
    client
}

#[tokio::test]
async fn a_deleted_file_that_others_extend_is_missed_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let base = "aquariumpolicy:\n  resources:\n    - {name: x, unit: MB, costpolicy: discrete}\n  pricelists:\n    - {name: base, x: 1}\n";
    let path = directory.path().join("base.aquarium");
    std::fs::write(&path, base).unwrap();
    let (gone, uri) = (file_uri(directory.path(), "base.aquarium"), file_uri(directory.path(), "b.aquarium"));
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(&uri, "aquariumpolicy:\n  pricelists:\n    - {name: cheap, extends: base, x: 1}\n").await;
    let names = |findings: Value| findings.to_string().contains("`base`");
    assert!(!names(client.findings(&uri, json!(1)).await));
    std::fs::remove_file(&path).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": gone, "type": 3}]})).await;
    assert!(names(client.findings(&uri, json!(1)).await));
    std::fs::write(&path, base).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": gone, "type": 1}]})).await;
    assert!(!names(client.findings(&uri, json!(1)).await));
    // A whole folder goes, and with it the file that is open.
    std::fs::remove_dir_all(directory.path()).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": gone, "type": 3}]})).await;
    assert!(names(client.findings(&uri, json!(1)).await));
    assert!(client.leave().await);
}

const FOREIGN: &str = "aquariumpolicy:
  timezone: Europe/Athens
  resources:
    - {name: 'χρόνος 🐟', unit: σελίδα, costpolicy: discrete} # λίγα 🐟 λόγια
  algorithms:
    - {name: άλφα, 'χρόνος 🐟': price * volume}
  pricelists:
    - {name: τιμές, 'χρόνος 🐟': 1}
    - {name: νύχτα, extends: τιμές, 'χρόνος 🐟': 0.5} # 🌒
  agreements:
    - {name: συμφωνία, algorithm: άλφα, pricelist: νύχτα}
  roles: {'φοιτητής 🎓': συμφωνία}
";

#[tokio::test]
async fn every_place_of_a_text_in_another_alphabet_can_be_asked_about() {
    for encoding in ["utf-8", "utf-16"] {
        let offers = json!({"general": {"positionEncodings": [encoding]}});
        let mut client = Client::introduced(offers, Value::Null).await;
        client.open(URI, FOREIGN).await;
        let mut asked = Vec::new();
        for (line, text) in (0..).zip(FOREIGN.lines()) {
            let width = if encoding == "utf-8" { text.len() } else { text.encode_utf16().count() };
            for column in 0..=u32::try_from(width).unwrap() + 1 {
                for method in
                    ["hover", "completion", "definition", "references", "documentHighlight", "signatureHelp"]
                {
                    let mut params = at(URI, line, column);
                    if method == "references" {
                        params["context"] = json!({"includeDeclaration": true});
                    }
                    asked.push(client.request(&format!("textDocument/{method}"), params).await);
                }
            }
        }
        for id in asked {
            let answer = client.answer(id).await;
            assert!(answer.get("result").is_some(), "{answer}");
        }
        let column = |text: &str| if encoding == "utf-8" { text.len() } else { text.encode_utf16().count() };
        let mut params = at(URI, 7, u32::try_from(column("    - {name: τι")).unwrap());
        params["newName"] = json!("παλιές");
        let edits = client.ask("textDocument/rename", params).await["changes"][URI].clone();
        let renamed = crate::client::apply(FOREIGN, &edits, encoding);
        assert_eq!(renamed, FOREIGN.replace("τιμές", "παλιές"));
        assert!(client.leave().await);
    }
}

#[tokio::test]
async fn a_client_that_never_answers_is_served_all_the_same() {
    let dynamic = json!({"dynamicRegistration": true});
    let abilities = json!({"workspace": {"didChangeWatchedFiles": dynamic}, "textDocument": {"typeHierarchy": dynamic},
                           "window": {"workDoneProgress": true}});
    let mut client = Client::introduced(abilities, Value::Null).await;
    client.wait(|message| message["method"] == "client/registerCapability").await;
    client.open(URI, "aquariumpolicy:\n  nonsense: 1\n").await;
    assert!(client.findings(URI, json!(1)).await.to_string().contains("nonsense"));
    client.ask("workspace/symbol", json!({"query": "", "workDoneToken": 7})).await;
    client.edit(URI, 2, [1, 2, 1, 13], "name: a").await;
    assert!(!client.findings(URI, json!(2)).await.to_string().contains("nonsense"));
    assert!(client.leave().await);
}

#[tokio::test]
async fn nonsense_is_refused_and_the_server_lives_on() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, "aquariumpolicy:\n  timezone: UTC\n").await;
    for (method, params) in [
        ("textDocument/hover", json!({"textDocument": 1})),
        (
            "textDocument/rename",
            json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": -1}}),
        ),
        ("aquarium/week", json!([])),
        ("aquarium/tests", json!({"text": {}})),
        ("nobody/knows", json!({})),
    ] {
        let id = client.request(method, params).await;
        let answer = client.answer(id).await;
        assert!(answer["error"]["code"] == -32602 || answer["error"]["code"] == -32601, "{method}: {answer}");
    }
    let everywhere = at(URI, u32::MAX, u32::MAX);
    for method in [
        "hover",
        "completion",
        "definition",
        "declaration",
        "implementation",
        "prepareRename",
        "linkedEditingRange",
    ] {
        let id = client.request(&format!("textDocument/{method}"), everywhere.clone()).await;
        assert!(client.answer(id).await.get("result").is_some(), "{method}");
    }
    let hover = client.ask("textDocument/hover", at(URI, 1, 4)).await;
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("**timezone**"), "{hover}");
    assert!(client.leave().await);
}

/// The code of the error that answers what cannot be told apart as a request.
async fn refused(client: &mut Client, bytes: &[u8]) -> Value {
    client.write_bytes(bytes).await;
    client.wait(|message| message["id"].is_null() && message.get("error").is_some()).await["error"]["code"]
        .take()
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut message = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

#[tokio::test]
async fn what_is_no_message_is_answered_with_an_error_and_the_server_goes_on() {
    const NO_JSON: i64 = -32700;
    const NO_MESSAGE: i64 = -32600;
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, "aquariumpolicy:\n  timezone: UTC\n").await;
    let bodies: [(&[u8], i64); 7] = [
        (b"{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\"", NO_JSON),
        (b"", NO_JSON),
        (b"\xff\xfe{}", NO_JSON),
        (b"[[[[[[", NO_JSON),
        (b"[]", NO_MESSAGE),
        (b"{\"jsonrpc\": \"1.0\", \"id\": 1, \"method\": \"shutdown\"}", NO_MESSAGE),
        (b"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": 5}", NO_MESSAGE),
    ];
    for (body, code) in bodies {
        assert_eq!(refused(&mut client, &framed(body)).await, code, "{}", String::from_utf8_lossy(body));
        let hover = client.ask("textDocument/hover", at(URI, 1, 4)).await;
        assert!(hover["contents"]["value"].as_str().unwrap().starts_with("**timezone**"), "{hover}");
    }
    let deep = "[".repeat(1_000_000);
    assert_eq!(refused(&mut client, &framed(deep.as_bytes())).await, NO_JSON);
    // Headers that are none: the next sound one counts.
    for head in ["Content-Length: many\r\n\r\n", "{\"jsonrpc\": 1}\r\n\r\n", "x\n\n"] {
        assert_eq!(refused(&mut client, head.as_bytes()).await, NO_JSON, "{head}");
    }
    // A length that is too small: what is left over runs into the next header.
    client.write_bytes(b"Content-Length: 2\r\n\r\n{\"a\": 1}").await;
    let hover = client.ask("textDocument/hover", at(URI, 1, 4)).await;
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("**timezone**"), "{hover}");
    assert!(client.leave().await);
}
