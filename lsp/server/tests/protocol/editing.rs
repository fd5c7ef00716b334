//! What the server does with the text of an open document, over the protocol.

use serde_json::{Value, json};

use crate::client::Client;

const URI: &str = "untitled:a.aquarium";

const POLICY: &str = "aquariumpolicy:
  timezone: Europe/Athens
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
  algorithms:
    - name: all
      vmtime: clamp(price * volume, 0, 10)
  pricelists:
    - name: base
      vmtime: 1
    - name: cheap
      extends: base
      effective:
        from: 1293703200000
      vmtime: 2
";

fn document() -> Value {
    json!({"uri": URI})
}

fn at(line: u32, character: u32) -> Value {
    json!({"textDocument": document(), "position": {"line": line, "character": character}})
}

fn range(from: [u32; 2], to: [u32; 2]) -> Value {
    json!({"start": {"line": from[0], "character": from[1]}, "end": {"line": to[0], "character": to[1]}})
}

async fn opened() -> Client {
    let mut client = Client::introduced(json!({}), Value::Null).await;
    client.open(URI, POLICY).await;
    client
}

#[tokio::test]
async fn a_name_is_changed_wherever_it_stands_or_refused_with_a_reason() {
    let mut client = opened().await;
    let prepared = client.ask("textDocument/prepareRename", at(11, 16)).await;
    assert_eq!(prepared, json!({"range": range([11, 15], [11, 19]), "placeholder": "base"}));
    let mut params = at(11, 16);
    params["newName"] = json!("standard");
    let edit = client.ask("textDocument/rename", params.clone()).await;
    let edits = &edit["changes"][URI];
    assert_eq!(edits.as_array().map(Vec::len), Some(2), "{edits}");
    assert_eq!(edits[0], json!({"range": range([8, 12], [8, 16]), "newText": "standard"}));
    params["newName"] = json!("cheap");
    let id = client.request("textDocument/rename", params).await;
    let answer = client.answer(id).await;
    assert_eq!(answer["error"]["message"], "price list `cheap` stands already in a.aquarium:11");
    assert_eq!(client.ask("textDocument/prepareRename", at(0, 3)).await, Value::Null);
}

#[tokio::test]
async fn words_are_coloured_whole_in_part_and_by_what_changed() {
    let mut client = opened().await;
    let full = client.ask("textDocument/semanticTokens/full", json!({"textDocument": document()})).await;
    let words = full["data"].as_array().map(Vec::len).unwrap();
    assert!(words > 100 && words.is_multiple_of(5), "{words}");
    let part = json!({"textDocument": document(), "range": range([1, 0], [2, 0])});
    let part = client.ask("textDocument/semanticTokens/range", part).await;
    assert_eq!(part["data"], json!([1, 2, 8, 1, 0, 0, 10, 13, 11, 0]));
    client.edit(URI, 2, [1, 2, 1, 2], "precision: 3\n  ").await;
    let delta = json!({"textDocument": document(), "previousResultId": full["resultId"]});
    let changed = client.ask("textDocument/semanticTokens/full/delta", delta.clone()).await;
    assert_eq!(
        changed["edits"],
        json!([{"start": 5, "deleteCount": 0, "data": [1, 2, 9, 1, 0, 0, 11, 1, 9, 0]}])
    );
    let forgotten = client.ask("textDocument/semanticTokens/full/delta", delta).await;
    assert_eq!(forgotten["data"].as_array().map(Vec::len), Some(words + 10));
}

#[tokio::test]
async fn layout_is_put_right_and_new_lines_begin_where_they_belong() {
    let mut client = opened().await;
    client.edit(URI, 2, [1, 11, 1, 12], "    ").await;
    let options = json!({"tabSize": 2, "insertSpaces": true});
    let params = json!({"textDocument": document(), "options": options});
    let edits = client.ask("textDocument/formatting", params).await;
    assert_eq!(edits, json!([{"range": range([1, 0], [2, 0]), "newText": "  timezone: Europe/Athens\n"}]));
    let elsewhere = json!({"textDocument": document(), "options": options, "range": range([4, 0], [5, 0])});
    assert_eq!(client.ask("textDocument/rangeFormatting", elsewhere).await, json!([]));
    client.edit(URI, 3, [7, 13, 7, 13], "\n").await;
    let mut params = at(8, 0);
    params["ch"] = json!("\n");
    params["options"] = options;
    let edits = client.ask("textDocument/onTypeFormatting", params).await;
    assert_eq!(edits, json!([{"range": range([8, 0], [8, 0]), "newText": "    "}]));
}

#[tokio::test]
async fn hints_lenses_folds_and_signatures_say_what_there_is() {
    let mut client = opened().await;
    let all = json!({"textDocument": document(), "range": range([0, 0], [99, 0])});
    let hints = client.ask("textDocument/inlayHint", all).await;
    let labels: Vec<_> =
        hints.as_array().unwrap().iter().map(|hint| hint["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["2010-12-30T12:00:00+02:00"]);
    let lenses = client.ask("textDocument/codeLens", json!({"textDocument": document()})).await;
    let titles: Vec<_> =
        lenses.as_array().unwrap().iter().map(|lens| lens["command"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["3 uses", "not used", "1 use", "not used"]);
    let folds = client.ask("textDocument/foldingRange", json!({"textDocument": document()})).await;
    assert_eq!(folds[0], json!({"startLine": 0, "endLine": 14, "kind": "region"}));
    let help = client.ask("textDocument/signatureHelp", at(6, 36)).await;
    assert_eq!(
        (&help["signatures"][0]["label"], &help["activeParameter"]),
        (&json!("clamp(x, low, high)"), &json!(1))
    );
    let params = json!({"textDocument": document(), "positions": [{"line": 6, "character": 22}]});
    let selection = client.ask("textDocument/selectionRange", params).await;
    assert_eq!(selection[0]["range"], range([6, 20], [6, 25]));
    assert_eq!(selection[0]["parent"]["range"], range([6, 20], [6, 34]));
}

#[tokio::test]
async fn one_comes_from_an_item_to_what_it_overrides_and_to_what_overrides_it() {
    let mut client = opened().await;
    let place =
        |line: u32, from: u32, to: u32| json!([{"uri": URI, "range": range([line, from], [line, to])}]);
    assert_eq!(client.ask("textDocument/declaration", at(14, 8)).await, place(9, 6, 12));
    assert_eq!(client.ask("textDocument/implementation", at(8, 13)).await, place(10, 12, 17));
    let marks = client.ask("textDocument/documentHighlight", at(8, 13)).await;
    assert_eq!(
        marks,
        json!([{"range": range([8, 12], [8, 16]), "kind": 3}, {"range": range([11, 15], [11, 19]), "kind": 2}])
    );
    let items = client.ask("textDocument/prepareTypeHierarchy", at(8, 13)).await;
    assert_eq!(items[0]["name"], "base");
    let children = client.ask("typeHierarchy/subtypes", json!({"item": items[0]})).await;
    assert_eq!(children[0]["name"], "cheap");
    let parents = client.ask("typeHierarchy/supertypes", json!({"item": children[0]})).await;
    assert_eq!(parents[0]["name"], "base");
}

#[tokio::test]
async fn codes_in_directives_lead_to_their_explanation() {
    let options = json!({"explanations": "aquarium-explain:/{code}.md"});
    let mut client = Client::introduced(json!({}), options).await;
    client.open(URI, "# aquarium: allow(AQ0401)\naquariumpolicy:\n  name: a\n").await;
    let links = client.ask("textDocument/documentLink", json!({"textDocument": document()})).await;
    assert_eq!(links[0]["target"], "aquarium-explain:/AQ0401.md");
    assert_eq!(links[0]["range"], range([0, 18], [0, 24]));
}

#[tokio::test]
async fn an_agreement_shows_its_week_and_events_are_charged_by_the_text_in_the_editor() {
    let mut client = opened().await;
    let end =
        "  agreements:\n    - {name: default, algorithm: all, pricelist: cheap}\n  roles: {'*': default}\n";
    client.edit(URI, 2, [15, 0, 15, 0], end).await;
    let week = client
        .ask("aquarium/week", json!({"uri": URI, "agreement": "default", "at": 1_320_012_000_000_i64}))
        .await;
    assert_eq!(week["zone"], "Europe/Athens");
    let resource = &week["resources"][0];
    assert_eq!((&resource["resource"], &resource["now"]["price"]), (&json!("vmtime"), &json!("2 per hr")));
    assert_eq!(resource["days"].as_array().map(Vec::len), Some(7));
    assert_eq!(resource["priceChain"][0]["uri"], URI);
    let event = |id: &str, at: i64, value: i64| {
        json!({"id": id, "clientID": "c", "userID": "u", "resource": "vmtime", "instanceID": "1", "value": value,
               "eventVersion": "1.0", "details": {}, "occurredMillis": at})
    };
    let events = format!("{}\n{}\n", event("1", 1_320_012_000_000, 1), event("2", 1_320_015_600_000, 0));
    let params = json!({"uri": URI, "name": "e.ndjson", "events": events, "bills": "2011-10"});
    let report = client.ask("aquarium/simulate", params).await;
    assert_eq!(report["users"]["u"]["charged"], "2", "{report}");
    let id = client.request("aquarium/week", json!({"uri": URI, "agreement": "none"})).await;
    assert_eq!(client.answer(id).await["error"]["message"], "the policy has errors, or no agreement `none`");
}
