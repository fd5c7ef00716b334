//! Changes of a policy's text: fixes, names, layout.

use std::collections::HashMap;
use std::sync::Arc;

use aquarium_compiler::{Edit, FileSpan, Fix};
use aquarium_ide::assists::{Assist, Kind, assists};
use aquarium_ide::fixes::fixes;
use aquarium_ide::{formatting, rename};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::*;

use super::{View, look};
use crate::analysis::Shared;
use crate::convert;

/// The fixes of what was found at a place, and what else may be wanted there.
pub(crate) async fn code_actions(
    shared: &Arc<Shared>,
    params: CodeActionParams,
) -> Result<Option<CodeActionResponse>> {
    let range = params.range;
    let wanted = params.context.only;
    let actions = move |view: &View<'_>| {
        let (snapshot, span) = (&view.analyzed.snapshot, view.file_span(range));
        let fixes = fixes(snapshot, span).into_iter().map(|(finding, it)| fix(view, finding, it));
        let assists = assists(snapshot, span).into_iter().map(|it| assist(view, it));
        let is_wanted = |action: &CodeAction| wanted.as_ref().is_none_or(|wanted| is_of(action, wanted));
        fixes.chain(assists).filter(is_wanted).map(CodeActionOrCommand::CodeAction).collect()
    };
    look(shared, params.text_document.uri, actions).await
}

/// Whether an action is of one of some kinds; `refactor` holds `refactor.extract`.
fn is_of(action: &CodeAction, kinds: &[CodeActionKind]) -> bool {
    let own = action.kind.as_ref().map_or("", CodeActionKind::as_str);
    let holds = |kind: &CodeActionKind| {
        own.strip_prefix(kind.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    kinds.iter().any(holds)
}

fn fix(view: &View<'_>, finding: &aquarium_compiler::Diagnostic, fix: &Fix) -> CodeAction {
    let is_preferred = Some(finding.choices.is_empty());
    let finding = aquarium_ide::diagnostics::finding(finding);
    CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![convert::diagnostic(&finding, view.analyzed, view.session)]),
        edit: Some(workspace_edit(view, &fix.edits)),
        is_preferred,
        ..CodeAction::default()
    }
}

fn assist(view: &View<'_>, assist: Assist) -> CodeAction {
    let kind = match assist.kind {
        Kind::Create => CodeActionKind::QUICKFIX,
        Kind::Extract => CodeActionKind::REFACTOR_EXTRACT,
        Kind::Inline => CodeActionKind::REFACTOR_INLINE,
    };
    let edit = Some(workspace_edit(view, &assist.edits));
    CodeAction { title: assist.title, kind: Some(kind), edit, ..CodeAction::default() }
}

/// The name at a place, if it can be changed.
pub(crate) async fn prepare_rename(
    shared: &Arc<Shared>,
    params: TextDocumentPositionParams,
) -> Result<Option<PrepareRenameResponse>> {
    let position = params.position;
    let name = move |view: &View<'_>| {
        let (span, placeholder) = rename::prepare(&view.analyzed.snapshot, view.file, view.offset(position))?;
        Some(PrepareRenameResponse::RangeWithPlaceholder { range: view.range(span), placeholder })
    };
    Ok(look(shared, params.text_document.uri, name).await?.flatten())
}

/// Gives the name at a place another text, in all files.
pub(crate) async fn rename(shared: &Arc<Shared>, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position;
    let new = params.new_name;
    let edit = move |view: &View<'_>| {
        let edits = rename::rename(&view.analyzed.snapshot, view.file, view.offset(position), &new);
        edits.map(|edits| workspace_edit(view, &edits)).map_err(|refused| refused.to_string())
    };
    look(shared, text_document.uri, edit).await?.transpose().map_err(Error::invalid_params)
}

/// The canonical layout of a document.
pub(crate) async fn formatting(
    shared: &Arc<Shared>,
    params: DocumentFormattingParams,
) -> Result<Option<Vec<TextEdit>>> {
    let edits = |view: &View<'_>| {
        formatting::formatting(&view.analyzed.snapshot, view.file).map(|edits| text_edits(view, &edits))
    };
    Ok(look(shared, params.text_document.uri, edits).await?.flatten())
}

/// The canonical layout of a range.
pub(crate) async fn range_formatting(
    shared: &Arc<Shared>,
    params: DocumentRangeFormattingParams,
) -> Result<Option<Vec<TextEdit>>> {
    let range = params.range;
    let edits = move |view: &View<'_>| {
        let edits = formatting::range_formatting(&view.analyzed.snapshot, view.file_span(range));
        edits.map(|edits| text_edits(view, &edits))
    };
    Ok(look(shared, params.text_document.uri, edits).await?.flatten())
}

/// The indentation of a line that was just begun.
pub(crate) async fn on_type_formatting(
    shared: &Arc<Shared>,
    params: DocumentOnTypeFormattingParams,
) -> Result<Option<Vec<TextEdit>>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position;
    let edits = move |view: &View<'_>| {
        let edit = formatting::indentation(&view.analyzed.snapshot, view.file, position.line);
        text_edits(view, &edit.into_iter().collect::<Vec<_>>())
    };
    look(shared, text_document.uri, edits).await
}

fn text_edits(view: &View<'_>, edits: &[Edit]) -> Vec<TextEdit> {
    edits.iter().map(|edit| TextEdit { range: view.range(edit.span), new_text: edit.text.clone() }).collect()
}

fn workspace_edit(view: &View<'_>, edits: &[Edit]) -> WorkspaceEdit {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for edit in edits {
        if let Some(Location { uri, range }) = view.location(edit.span) {
            changes.entry(uri).or_default().push(TextEdit { range, new_text: edit.text.clone() });
        }
    }
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

impl View<'_> {
    /// A range of the file from the client.
    pub(super) fn file_span(&self, range: Range) -> FileSpan {
        FileSpan { file: self.file, start: self.offset(range.start), end: self.offset(range.end) }
    }
}
