//! The handlers: one for each notification and request, all of them short.
//!
//! See [`crate::order`] for what handlers may and may not do.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::*;
use tower_lsp::{Client, LanguageServer};

use crate::analysis::Shared;
use crate::document::Document;
use crate::{capabilities, requests};

/// The language server of one client.
#[derive(Debug)]
pub(crate) struct Backend {
    shared: Arc<Shared>,
}

/// Which code to explain.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ExplainParams {
    code: String,
}

impl Backend {
    pub(crate) fn new(client: Client) -> Self {
        Self { shared: Shared::new(client) }
    }

    /// A document as the server has it, to find out whether an editor and the server agree.
    pub(crate) async fn document_text(&self, document: TextDocumentIdentifier) -> Result<Option<String>> {
        Ok(self.shared.workspace().document(&document.uri).map(|document| document.text().as_ref().clone()))
    }

    /// The long text of a code, in Markdown.
    pub(crate) async fn explain(&self, params: ExplainParams) -> Result<String> {
        let code = aquarium_compiler::Code::find(&params.code);
        let unknown = || Error::invalid_params(format!("no diagnostic has the code `{}`", params.code));
        code.map(|code| code.entry().explanation.to_owned()).ok_or_else(unknown)
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let session = self.shared.agree(capabilities::negotiate(&params));
        let server_info =
            ServerInfo { name: "aquarium-lsp".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
        Ok(InitializeResult {
            capabilities: capabilities::server(session),
            server_info: Some(server_info),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.shared.watch_files();
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        let document = Document::new(item.version, item.language_id, item.text);
        let touched = self.shared.workspace().open(item.uri, document);
        self.shared.analyze(touched);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let VersionedTextDocumentIdentifier { uri, version } = params.text_document;
        let encoding = self.shared.session().encoding;
        let touched = self.shared.workspace().change(&uri, version, params.content_changes, encoding);
        self.shared.analyze(touched);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let touched = self.shared.workspace().close(&params.text_document.uri);
        self.shared.analyze(touched);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let uris = params.changes.iter().map(|change| &change.uri);
        let touched = self.shared.workspace().disk_changed(uris);
        self.shared.analyze(touched);
    }

    async fn did_change_configuration(&self, _: DidChangeConfigurationParams) {}

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        requests::diagnostic(&self.shared, params).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        requests::hover(&self.shared, params).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        requests::definition(&self.shared, params).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        requests::references(&self.shared, params).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        requests::complete(&self.shared, params).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        requests::code_actions(&self.shared, params).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        requests::outline(&self.shared, params).await
    }
}
