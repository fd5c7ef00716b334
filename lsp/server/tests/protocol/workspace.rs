//! Questions about all policies of the workspace, open or not.

use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Client, file_uri};

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

async fn in_folder(directory: &Path) -> Client {
    let mut client = Client::start();
    let folder = json!({"uri": file_uri(directory, ""), "name": "policies"});
    let options = json!({"diagnostics": "pull"});
    let params = json!({"processId": null, "rootUri": null, "capabilities": {}, "workspaceFolders": [folder],
                        "initializationOptions": options});
    client.ask("initialize", params).await;
    client.notify("initialized", json!({})).await;
    client
}

async fn names(client: &mut Client, query: &str) -> Vec<String> {
    let found = client.ask("workspace/symbol", json!({"query": query})).await;
    found.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn items_are_found_in_files_that_nobody_opened() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, "a/one.aquarium", "aquariumpolicy:\n  pricelists:\n    - {name: nights, x: 1}\n");
    write(root, "b/c/two.aquarium.yaml", "aquariumpolicy:\n  pricelists:\n    - {name: nightly, x: 1}\n");
    write(root, "node_modules/x.aquarium", "aquariumpolicy:\n  pricelists:\n    - {name: nighttime, x: 1}\n");
    let mut client = in_folder(root).await;
    assert_eq!(names(&mut client, "NGT").await, ["nights", "nightly"]);
    // The editor's text counts before that on disk, and a changed file is read again.
    client
        .open(
            &file_uri(root, "a/one.aquarium"),
            "aquariumpolicy:\n  pricelists:\n    - {name: nightmare, x: 1}\n",
        )
        .await;
    write(root, "b/c/two.aquarium.yaml", "aquariumpolicy:\n  pricelists:\n    - {name: a-night, x: 1}\n");
    assert_eq!(names(&mut client, "night").await, ["nightmare", "a-night"]);
    std::fs::remove_dir_all(root.join("b")).unwrap();
    assert_eq!(names(&mut client, "night").await, ["nightmare"]);
}

#[tokio::test]
async fn findings_of_all_files_are_given_and_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a/one.aquarium", "aquariumpolicy:\n  nonsense: 1\n");
    write(directory.path(), "b/two.aquarium", "aquariumpolicy:\n  timezone: Nowhere/Land\n");
    let mut client = in_folder(directory.path()).await;
    let report = client.ask("workspace/diagnostic", json!({"previousResultIds": []})).await;
    let kinds = |report: &Value| -> Vec<String> {
        report["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&report), ["full", "full"], "{report}");
    let known: Vec<_> = report["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!({"uri": item["uri"], "value": item["resultId"]}))
        .collect();
    assert!(report["items"].as_array().unwrap().iter().all(|item| item["items"][0]["source"] == "aquarium"));
    write(directory.path(), "b/two.aquarium", "aquariumpolicy:\n  timezone: Nowhere/Land2\n");
    let again = client.ask("workspace/diagnostic", json!({"previousResultIds": known})).await;
    assert_eq!(kinds(&again), ["unchanged", "full"], "{again}");
}

#[tokio::test]
async fn long_work_is_announced_to_a_client_that_wants_to_know() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a/one.aquarium", "aquariumpolicy:\n  name: a\n");
    let mut client = in_folder(directory.path()).await;
    let id = client.request("workspace/symbol", json!({"query": "", "workDoneToken": "t"})).await;
    let begun = client.wait(|message| message["method"] == "$/progress").await;
    assert_eq!(begun["params"]["value"]["kind"], "begin");
    client.answer(id).await;
    let ended = client.wait(|message| message["method"] == "$/progress").await;
    assert_eq!(ended["params"]["value"]["kind"], "end");
}
