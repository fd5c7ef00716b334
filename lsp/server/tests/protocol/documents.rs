//! Documents as the client has them, and files on disk below them.

use serde_json::{Value, json};

use crate::client::Client;

const URI: &str = "untitled:a.aquarium";

/// The text after one edit in a client that counts columns in the first of these that the server knows.
async fn after_edit(encodings: Value, text: &str, at: [u32; 4], new: &str) -> (Value, String) {
    let mut client = Client::start();
    let answer = client.introduce(json!({"general": {"positionEncodings": encodings}}), Value::Null).await;
    client.open(URI, text).await;
    client.edit(URI, 2, at, new).await;
    (answer["capabilities"]["positionEncoding"].clone(), client.text(URI).await)
}

#[tokio::test]
async fn columns_count_what_was_agreed_on() {
    let text = "name: é🐟x";
    let (agreed, text_after) = after_edit(json!(["utf-16"]), text, [0, 9, 0, 10], "y").await;
    assert_eq!((agreed, text_after.as_str()), (json!("utf-16"), "name: é🐟y"));
    let (agreed, text_after) =
        after_edit(json!(["ebcdic", "utf-8", "utf-16"]), text, [0, 12, 0, 13], "y").await;
    assert_eq!((agreed, text_after.as_str()), (json!("utf-8"), "name: é🐟y"));
    let (agreed, text_after) = after_edit(Value::Null, text, [0, 9, 0, 10], "y").await;
    assert_eq!((agreed, text_after.as_str()), (json!("utf-16"), "name: é🐟y"));
}

#[tokio::test]
async fn edits_with_wrong_ranges_leave_a_text_and_a_server() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, "a\r\né🐟").await;
    client.edit(URI, 2, [9, 9, 0, 0], "x").await;
    client.edit(URI, 3, [u32::MAX, u32::MAX, u32::MAX, u32::MAX], "🐟").await;
    client.edit(URI, 4, [0, 2, 0, 2], "y").await;
    client.edit("untitled:never-opened", 4, [0, 2, 0, 2], "y").await;
    client.notify("textDocument/didChange", json!({"textDocument": 7})).await;
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": "untitled:never-opened"}})).await;
    assert_eq!(client.text(URI).await, "xy🐟");
    assert!(client.leave().await);
}

#[tokio::test]
async fn a_new_whole_text_replaces_the_old_one() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, "a").await;
    let document = json!({"uri": URI, "version": 2});
    client
        .notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": [{"text": "b"}]}),
        )
        .await;
    assert_eq!(client.text(URI).await, "b");
}

#[tokio::test]
async fn an_input_that_ends_without_shutdown_is_told_apart() {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.notify("exit", Value::Null).await;
    assert!(!client.ended().await);
}
