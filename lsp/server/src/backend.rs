//! The handlers: one for each notification and request, all of them short.
//!
//! See [`crate::order`] for what handlers may and may not do.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
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

    /// What an agreement asks in a week, hour by hour.
    pub(crate) async fn week(&self, params: requests::WeekParams) -> Result<Value> {
        requests::week(&self.shared, params).await
    }

    /// What recorded events come to by a policy as it stands in the editor.
    pub(crate) async fn simulate(&self, params: requests::SimulateParams) -> Result<Value> {
        requests::simulate(&self.shared, params).await
    }

    /// The tests of a file of policy tests.
    pub(crate) async fn tests(&self, params: requests::TestsParams) -> Result<Value> {
        requests::tests(&self.shared, params).await
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let session = self.shared.agree(capabilities::negotiate(&params));
        let folders = params.workspace_folders.iter().flatten().map(|folder| &folder.uri);
        #[expect(deprecated, reason = "older clients name only their root")]
        let root = params.root_uri.iter().filter(|_| params.workspace_folders.is_none());
        self.shared.workspace().change_folders(folders.chain(root), []);
        let server_info =
            ServerInfo { name: "aquarium-lsp".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
        Ok(InitializeResult {
            capabilities: capabilities::server(session),
            server_info: Some(server_info),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.shared.register();
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

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let uri = |folder: &'_ WorkspaceFolder| folder.uri.clone();
        let added: Vec<_> = params.event.added.iter().map(uri).collect();
        let removed: Vec<_> = params.event.removed.iter().map(uri).collect();
        self.shared.workspace().change_folders(&added, &removed);
    }

    async fn did_change_configuration(&self, _: DidChangeConfigurationParams) {}

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        requests::diagnostic(&self.shared, params).await
    }

    async fn workspace_diagnostic(
        &self,
        params: WorkspaceDiagnosticParams,
    ) -> Result<WorkspaceDiagnosticReportResult> {
        requests::workspace_diagnostic(&self.shared, params).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        requests::symbol(&self.shared, params).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        requests::hover(&self.shared, params).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        requests::definition(&self.shared, params).await
    }

    async fn goto_declaration(
        &self,
        params: request::GotoDeclarationParams,
    ) -> Result<Option<request::GotoDeclarationResponse>> {
        requests::declaration(&self.shared, params).await
    }

    async fn goto_implementation(
        &self,
        params: request::GotoImplementationParams,
    ) -> Result<Option<request::GotoImplementationResponse>> {
        requests::implementation(&self.shared, params).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        requests::references(&self.shared, params).await
    }

    async fn document_highlight(
        &self,
        params: DocumentHighlightParams,
    ) -> Result<Option<Vec<DocumentHighlight>>> {
        requests::highlights(&self.shared, params).await
    }

    async fn linked_editing_range(
        &self,
        params: LinkedEditingRangeParams,
    ) -> Result<Option<LinkedEditingRanges>> {
        requests::linked(&self.shared, params).await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        requests::links(&self.shared, params).await
    }

    async fn prepare_type_hierarchy(
        &self,
        params: TypeHierarchyPrepareParams,
    ) -> Result<Option<Vec<TypeHierarchyItem>>> {
        requests::prepare_hierarchy(&self.shared, params).await
    }

    async fn supertypes(
        &self,
        params: TypeHierarchySupertypesParams,
    ) -> Result<Option<Vec<TypeHierarchyItem>>> {
        requests::parents(&self.shared, params.item).await
    }

    async fn subtypes(&self, params: TypeHierarchySubtypesParams) -> Result<Option<Vec<TypeHierarchyItem>>> {
        requests::children(&self.shared, params.item).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        requests::complete(&self.shared, params).await
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        requests::signature(&self.shared, params).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        requests::hints(&self.shared, params).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        requests::lens(&self.shared, params).await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        requests::folds(&self.shared, params).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        requests::selections(&self.shared, params).await
    }

    async fn semantic_tokens_full(
        &self,
        params: SemanticTokensParams,
    ) -> Result<Option<SemanticTokensResult>> {
        requests::tokens_full(&self.shared, params).await
    }

    async fn semantic_tokens_full_delta(
        &self,
        params: SemanticTokensDeltaParams,
    ) -> Result<Option<SemanticTokensFullDeltaResult>> {
        requests::tokens_delta(&self.shared, params).await
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> Result<Option<SemanticTokensRangeResult>> {
        requests::tokens_range(&self.shared, params).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        requests::code_actions(&self.shared, params).await
    }

    async fn prepare_rename(
        &self,
        params: TextDocumentPositionParams,
    ) -> Result<Option<PrepareRenameResponse>> {
        requests::prepare_rename(&self.shared, params).await
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        requests::rename(&self.shared, params).await
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        requests::formatting(&self.shared, params).await
    }

    async fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        requests::range_formatting(&self.shared, params).await
    }

    async fn on_type_formatting(
        &self,
        params: DocumentOnTypeFormattingParams,
    ) -> Result<Option<Vec<TextEdit>>> {
        requests::on_type_formatting(&self.shared, params).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        requests::outline(&self.shared, params).await
    }
}
