//! Messages take effect in the order in which they arrive, and a failing handler fails alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use aquarium_lsp::order::InOrder;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;
use tower_lsp::{LanguageServer, LspService, Server};

use crate::client::Client;

const URI: &str = "untitled:a.aquarium";

#[tokio::test]
async fn a_thousand_edits_with_requests_between_them_are_applied_in_order() {
    let mut client = Client::introduced(json!({}), json!({"diagnostics": "pull"})).await;
    client.open(URI, "").await;
    let mut asked = Vec::new();
    for number in 0..1000 {
        // Each edit replaces what the one before wrote, but for its first character.
        client
            .edit(
                URI,
                number + 2,
                [0, u32::try_from(number).unwrap(), 0, 9999],
                &format!("{}rest", number % 10),
            )
            .await;
        asked.push(client.request("aquarium/documentText", json!({"uri": URI})).await);
        if number % 4 == 0 {
            client.request("textDocument/diagnostic", json!({"textDocument": {"uri": URI}})).await;
        }
    }
    let mut expected = String::new();
    for (number, id) in asked.into_iter().enumerate() {
        expected.truncate(number);
        expected.push_str(&format!("{}rest", number % 10));
        assert_eq!(client.answer(id).await["result"], expected, "after edit {number}");
    }
    assert!(client.leave().await);
}

#[tokio::test]
async fn cancellations_do_not_wait_behind_what_they_cancel() {
    let mut client = mock_client().await;
    let mut asked = Vec::new();
    for _ in 0..500 {
        asked.push(client.request("textDocument/hover", place()).await);
    }
    for id in asked.iter().rev() {
        client.notify("$/cancelRequest", json!({"id": id})).await;
    }
    for id in asked {
        assert_eq!(client.answer(id).await["error"]["code"], -32800);
    }
}

#[tokio::test]
async fn a_handler_that_panics_answers_with_an_error_and_the_server_lives_on() {
    let mut client = mock_client().await;
    let id = client.request("textDocument/references", references()).await;
    let answer = client.answer(id).await;
    assert_eq!(answer["error"]["code"], -32603);
    assert_eq!(answer["error"]["message"], "the server failed at this request: a defect");
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": URI}})).await;
    assert_eq!(client.ask("textDocument/definition", place()).await, Value::Null);
}

#[tokio::test]
async fn notifications_take_effect_before_the_next_message_is_read() {
    let mut client = mock_client().await;
    for number in 0..1000 {
        client.edit(URI, number, [0, 0, 0, 0], "x").await;
        client.request("textDocument/definition", place()).await;
    }
    let id = client
        .request(
            "textDocument/rename",
            json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}, "newName": "x"}),
        )
        .await;
    assert_eq!(client.answer(id).await["error"]["message"], "1000 edits in order");
}

fn place() -> Value {
    json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}})
}

fn references() -> Value {
    json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}, "context": {"includeDeclaration": true}})
}

async fn mock_client() -> Client {
    let mut client = Client::start_with(|theirs| {
        let (service, socket) = LspService::new(|_| Mock::default());
        let (input, output) = tokio::io::split(theirs);
        tokio::spawn(async move {
            Server::new(input, output, socket).concurrency_level(4096).serve(InOrder::new(service)).await;
            true
        })
    });
    client.introduce(json!({}), Value::Null).await;
    client
}

/// A server whose handlers misbehave in all ways but one: edits do not wait.
#[derive(Default)]
struct Mock {
    edits_in_order: AtomicUsize,
}

impl LanguageServer for Mock {
    async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
        Ok(InitializeResult::default())
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let expected = usize::try_from(params.text_document.version).unwrap();
        let _ =
            self.edits_in_order.compare_exchange(expected, expected + 1, Ordering::SeqCst, Ordering::SeqCst);
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        panic!("a defect");
    }

    async fn hover(&self, _: HoverParams) -> Result<Option<Hover>> {
        std::future::pending().await
    }

    async fn references(&self, _: ReferenceParams) -> Result<Option<Vec<Location>>> {
        tokio::task::yield_now().await;
        panic!("a defect");
    }

    async fn goto_definition(&self, _: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        tokio::task::yield_now().await;
        Ok(None)
    }

    async fn rename(&self, _: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let text = format!("{} edits in order", self.edits_in_order.load(Ordering::SeqCst));
        Err(tower_lsp::jsonrpc::Error { message: text.into(), ..tower_lsp::jsonrpc::Error::internal_error() })
    }
}
