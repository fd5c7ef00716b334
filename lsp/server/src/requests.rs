//! What requests do: take the policy as it is now, look at it beside the protocol, write the answer.

use std::collections::HashMap;
use std::sync::Arc;

use aquarium_compiler::items::Class;
use aquarium_compiler::{FileId, FileSpan, Fix};
use aquarium_ide::completion::{Kind, Proposal, completion};
use aquarium_ide::definition;
use aquarium_ide::fixes::fixes;
use aquarium_ide::symbols::{Section, symbols};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use crate::analysis::{self, Shared};
use crate::capabilities::Session;
use crate::convert;
use crate::workspace::Analyzed;

/// What a request looks at.
struct View<'a> {
    analyzed: &'a Analyzed,
    file: FileId,
    session: &'a Session,
}

/// Looks at the policy of a document; `None` for a document that belongs to none.
async fn look<T: Send + 'static>(
    shared: &Arc<Shared>,
    uri: Uri,
    at: impl FnOnce(&View<'_>) -> T + Send + 'static,
) -> Result<Option<T>> {
    let Some(policy) = shared.workspace().policy(&uri) else { return Ok(None) };
    let session = shared.session().clone();
    let work = move || {
        let analyzed = policy.analyzed();
        let file = analyzed.file(&uri)?;
        Some(at(&View { analyzed, file, session: &session }))
    };
    shared.compute(work).await
}

impl View<'_> {
    /// The offset of a position of the file.
    fn offset(&self, position: Position) -> u32 {
        let text = self.analyzed.snapshot.text(self.file);
        text.map_or(0, |text| text.offset(convert::position(position), self.session.encoding))
    }

    /// The range of a span.
    fn range(&self, span: FileSpan) -> Range {
        convert::span(self.analyzed, span, self.session.encoding)
    }

    /// The place of a span, in whatever file.
    fn location(&self, span: FileSpan) -> Option<Location> {
        convert::location(self.analyzed, span, self.session.encoding)
    }
}

/// The findings of one file.
pub(crate) async fn diagnostic(
    shared: &Arc<Shared>,
    params: DocumentDiagnosticParams,
) -> Result<DocumentDiagnosticReportResult> {
    let findings = |view: &View<'_>| analysis::findings(view.analyzed, view.file, view.session);
    let items = look(shared, params.text_document.uri, findings).await?.unwrap_or_default();
    let report = FullDocumentDiagnosticReport { result_id: None, items };
    Ok(DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
        full_document_diagnostic_report: report,
        ..RelatedFullDocumentDiagnosticReport::default()
    })
    .into())
}

/// What is said about the word at a place.
pub(crate) async fn hover(shared: &Arc<Shared>, params: HoverParams) -> Result<Option<Hover>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let hover = move |view: &View<'_>| {
        let hover = aquarium_ide::hover::hover(&view.analyzed.snapshot, view.file, view.offset(position))?;
        let contents = MarkupContent { kind: MarkupKind::Markdown, value: hover.markdown };
        Some(Hover { contents: HoverContents::Markup(contents), range: Some(view.range(hover.span)) })
    };
    Ok(look(shared, text_document.uri, hover).await?.flatten())
}

/// Where the name at a place is defined.
pub(crate) async fn definition(
    shared: &Arc<Shared>,
    params: GotoDefinitionParams,
) -> Result<Option<GotoDefinitionResponse>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let locations = move |view: &View<'_>| {
        let spans = definition::definition(&view.analyzed.snapshot, view.file, view.offset(position));
        spans.into_iter().filter_map(|span| view.location(span)).collect::<Vec<_>>()
    };
    Ok(look(shared, text_document.uri, locations).await?.map(GotoDefinitionResponse::Array))
}

/// Every place of the name at a place.
pub(crate) async fn references(
    shared: &Arc<Shared>,
    params: ReferenceParams,
) -> Result<Option<Vec<Location>>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position;
    let with_definition = params.context.include_declaration;
    let locations = move |view: &View<'_>| {
        let uses = definition::uses(&view.analyzed.snapshot, view.file, view.offset(position));
        let is_definition = |usage| usage == aquarium_compiler::references::Usage::Definition;
        let wanted = uses.into_iter().filter(|it| with_definition || !is_definition(it.usage));
        wanted.filter_map(|it| view.location(it.span)).collect()
    };
    look(shared, text_document.uri, locations).await
}

/// What may be written at a place.
pub(crate) async fn complete(
    shared: &Arc<Shared>,
    params: CompletionParams,
) -> Result<Option<CompletionResponse>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position;
    let items = move |view: &View<'_>| {
        let proposals = completion(&view.analyzed.snapshot, view.file, view.offset(position));
        proposals.into_iter().zip(0..).map(completion_item).collect::<Vec<_>>()
    };
    Ok(look(shared, text_document.uri, items).await?.map(CompletionResponse::Array))
}

fn completion_item((proposal, rank): (Proposal, u32)) -> CompletionItem {
    let documentation = Some(proposal.documentation).filter(|text| !text.is_empty());
    let markdown = |text: &str| MarkupContent { kind: MarkupKind::Markdown, value: text.to_owned() };
    CompletionItem {
        label: proposal.label,
        kind: Some(match proposal.kind {
            Kind::Key => CompletionItemKind::PROPERTY,
            Kind::Resource => CompletionItemKind::FIELD,
            Kind::Name => CompletionItemKind::REFERENCE,
            Kind::Word => CompletionItemKind::ENUM_MEMBER,
            Kind::Variable => CompletionItemKind::VARIABLE,
            Kind::Function => CompletionItemKind::FUNCTION,
        }),
        documentation: documentation.map(|text| Documentation::MarkupContent(markdown(text))),
        sort_text: Some(format!("{rank:05}")),
        insert_text: Some(proposal.text),
        ..CompletionItem::default()
    }
}

/// The fixes of what was found at a place.
pub(crate) async fn code_actions(
    shared: &Arc<Shared>,
    params: CodeActionParams,
) -> Result<Option<CodeActionResponse>> {
    let range = params.range;
    let wanted = params.context.only.unwrap_or_default();
    if !wanted.is_empty() && !wanted.contains(&CodeActionKind::QUICKFIX) {
        return Ok(None);
    }
    let actions = move |view: &View<'_>| {
        let span = FileSpan { file: view.file, start: view.offset(range.start), end: view.offset(range.end) };
        let found = fixes(&view.analyzed.snapshot, span);
        let action = |(finding, fix): (&aquarium_compiler::Diagnostic, &Fix)| {
            let finding = aquarium_ide::diagnostics::finding(finding);
            CodeActionOrCommand::CodeAction(CodeAction {
                title: fix.title.clone(),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![convert::diagnostic(&finding, view.analyzed, view.session)]),
                edit: Some(workspace_edit(view, fix)),
                is_preferred: Some(true),
                ..CodeAction::default()
            })
        };
        found.into_iter().map(action).collect()
    };
    look(shared, params.text_document.uri, actions).await
}

fn workspace_edit(view: &View<'_>, fix: &Fix) -> WorkspaceEdit {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for edit in &fix.edits {
        if let Some(Location { uri, range }) = view.location(edit.span) {
            changes.entry(uri).or_default().push(TextEdit { range, new_text: edit.text.clone() });
        }
    }
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

/// The outline of a file.
pub(crate) async fn outline(
    shared: &Arc<Shared>,
    params: DocumentSymbolParams,
) -> Result<Option<DocumentSymbolResponse>> {
    let outline = |view: &View<'_>| {
        let sections = symbols(&view.analyzed.snapshot, view.file);
        sections.into_iter().map(|section| section_symbol(view, section)).collect::<Vec<_>>()
    };
    Ok(look(shared, params.text_document.uri, outline).await?.map(DocumentSymbolResponse::Nested))
}

fn section_symbol(view: &View<'_>, section: Section) -> DocumentSymbol {
    let kind = match section.class {
        Class::Resource => SymbolKind::FIELD,
        Class::Algorithm => SymbolKind::FUNCTION,
        Class::Pricelist => SymbolKind::ARRAY,
        Class::Creditplan => SymbolKind::EVENT,
        Class::Agreement => SymbolKind::CLASS,
    };
    let items = section.items.into_iter();
    let children =
        items.map(|it| symbol(it.name, kind, view.range(it.span), view.range(it.name_span))).collect();
    let range = view.range(section.span);
    DocumentSymbol {
        children: Some(children),
        ..symbol(section.class.section().to_owned(), SymbolKind::NAMESPACE, range, range)
    }
}

#[expect(deprecated, reason = "the type has a field that is, and no other way to be made")]
fn symbol(name: String, kind: SymbolKind, range: Range, selection_range: Range) -> DocumentSymbol {
    DocumentSymbol {
        name,
        kind,
        range,
        selection_range,
        detail: None,
        tags: None,
        deprecated: None,
        children: None,
    }
}
