//! What helps to read and write a file: hover, proposals, hints, lenses, folds.

use std::sync::Arc;

use aquarium_ide::completion::{Kind, Proposal, completion};
use aquarium_ide::lens::{Action, Lens, lenses};
use aquarium_ide::{Snapshot, folding, inlay, selection, signature};
use serde_json::json;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use super::{View, look};
use crate::analysis::Shared;
use crate::convert;

/// What is said about the word at a place.
pub(crate) async fn hover(shared: &Arc<Shared>, params: HoverParams) -> Result<Option<Hover>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let hover = move |view: &View<'_>| {
        let (snapshot, offset) = (&view.analyzed.snapshot, view.offset(position));
        let hover = aquarium_ide::hover::hover(snapshot, view.file, offset, crate::clock::now())?;
        let contents = MarkupContent { kind: MarkupKind::Markdown, value: hover.markdown };
        Some(Hover { contents: HoverContents::Markup(contents), range: Some(view.range(hover.span)) })
    };
    Ok(look(shared, text_document.uri, hover).await?.flatten())
}

/// What may be written at a place: in the text as it is now, by what is known of the policy. Whoever types does not
/// wait for the analysis of the last letter.
pub(crate) async fn complete(
    shared: &Arc<Shared>,
    params: CompletionParams,
) -> Result<Option<CompletionResponse>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position;
    let known = {
        let workspace = shared.workspace();
        workspace.document(&text_document.uri).cloned().zip(workspace.last_analyzed(&text_document.uri))
    };
    let encoding = shared.session().encoding;
    let written = |text: &str, snapshot: &Snapshot, offset| {
        let proposals = completion(text, &snapshot.analysis().items, offset);
        proposals.into_iter().zip(0..).map(completion_item).collect::<Vec<_>>()
    };
    let items = match known {
        Some((document, policy)) => {
            let offset = document.offset(convert::position(position), encoding);
            let work = move || written(document.text(), &policy.analyzed().snapshot, offset);
            Some(shared.compute_at_once(work).await?)
        }
        None => {
            let first = move |view: &View<'_>| {
                let snapshot = &view.analyzed.snapshot;
                let text = snapshot.text(view.file).map_or("", |text| text.content());
                written(text, snapshot, view.offset(position))
            };
            look(shared, text_document.uri, first).await?
        }
    };
    Ok(items.map(CompletionResponse::Array))
}

fn completion_item((proposal, rank): (Proposal, u32)) -> CompletionItem {
    let documentation = Some(proposal.documentation).filter(|text| !text.is_empty());
    CompletionItem {
        label: proposal.label,
        kind: Some(match proposal.kind {
            Kind::Key => CompletionItemKind::PROPERTY,
            Kind::Resource => CompletionItemKind::FIELD,
            Kind::Name => CompletionItemKind::REFERENCE,
            Kind::Word => CompletionItemKind::ENUM_MEMBER,
            Kind::Variable => CompletionItemKind::VARIABLE,
            Kind::Constant => CompletionItemKind::CONSTANT,
            Kind::Function => CompletionItemKind::FUNCTION,
        }),
        documentation: documentation.map(markdown),
        sort_text: Some(format!("{rank:05}")),
        insert_text: Some(proposal.text),
        ..CompletionItem::default()
    }
}

fn markdown(text: &str) -> Documentation {
    Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value: text.to_owned() })
}

/// How the function is called whose arguments a place is among.
pub(crate) async fn signature(
    shared: &Arc<Shared>,
    params: SignatureHelpParams,
) -> Result<Option<SignatureHelp>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let found = move |view: &View<'_>| {
        let call = signature::signature(&view.analyzed.snapshot, view.file, view.offset(position))?;
        let active = u32::try_from(call.active).ok();
        let parameter = |name: &&str| ParameterInformation {
            label: ParameterLabel::Simple((*name).to_owned()),
            documentation: None,
        };
        let signature = SignatureInformation {
            label: call.label.to_owned(),
            documentation: Some(markdown(call.documentation)),
            parameters: Some(call.parameters.iter().map(parameter).collect()),
            active_parameter: active,
        };
        Some(SignatureHelp {
            signatures: vec![signature],
            active_signature: Some(0),
            active_parameter: active,
        })
    };
    Ok(look(shared, text_document.uri, found).await?.flatten())
}

/// The hints inside a range.
pub(crate) async fn hints(shared: &Arc<Shared>, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
    let range = params.range;
    let found = move |view: &View<'_>| {
        let hints = inlay::hints(&view.analyzed.snapshot, view.file_span(range)).into_iter();
        let hint = |hint: inlay::Hint| InlayHint {
            position: view.position(hint.offset),
            label: InlayHintLabel::String(hint.label),
            kind: None,
            text_edits: None,
            tooltip: None,
            padding_left: Some(true),
            padding_right: None,
            data: None,
        };
        hints.map(hint).collect()
    };
    look(shared, params.text_document.uri, found).await
}

/// The lenses of a file. What they do is a command of the editor's side, which each editor may have or not.
pub(crate) async fn lens(shared: &Arc<Shared>, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
    let uri = params.text_document.uri.clone();
    let found = move |view: &View<'_>| {
        lenses(&view.analyzed.snapshot, view.file)
            .into_iter()
            .map(|lens| code_lens(view, &uri, lens))
            .collect()
    };
    look(shared, params.text_document.uri, found).await
}

fn code_lens(view: &View<'_>, uri: &Uri, lens: Lens) -> CodeLens {
    let range = view.range(lens.span);
    let (command, arguments) = match lens.action {
        Action::ShowUses(places) => {
            let places: Vec<Location> = places.into_iter().filter_map(|span| view.location(span)).collect();
            ("aquarium.showUses", vec![json!(uri), json!(range.start), json!(places)])
        }
        Action::ShowWeek(agreement) => ("aquarium.showWeek", vec![json!(uri), json!(agreement)]),
    };
    let command = Command { title: lens.title, command: command.to_owned(), arguments: Some(arguments) };
    CodeLens { range, command: Some(command), data: None }
}

/// What can be folded away.
pub(crate) async fn folds(
    shared: &Arc<Shared>,
    params: FoldingRangeParams,
) -> Result<Option<Vec<FoldingRange>>> {
    let found = |view: &View<'_>| {
        let fold = |fold: folding::Fold| {
            let range = view.range(fold.span);
            FoldingRange {
                start_line: range.start.line,
                start_character: None,
                end_line: range.end.line,
                end_character: None,
                kind: Some(match fold.kind {
                    folding::Kind::Region => FoldingRangeKind::Region,
                    folding::Kind::Comment => FoldingRangeKind::Comment,
                }),
                collapsed_text: None,
            }
        };
        folding::folding(&view.analyzed.snapshot, view.file).into_iter().map(fold).collect()
    };
    look(shared, params.text_document.uri, found).await
}

/// Wider and wider selections around each of some places.
pub(crate) async fn selections(
    shared: &Arc<Shared>,
    params: SelectionRangeParams,
) -> Result<Option<Vec<SelectionRange>>> {
    let positions = params.positions;
    let found =
        move |view: &View<'_>| positions.iter().map(|position| selection_range(view, *position)).collect();
    look(shared, params.text_document.uri, found).await
}

fn selection_range(view: &View<'_>, position: Position) -> SelectionRange {
    let spans = selection::selection(&view.analyzed.snapshot, view.file, view.offset(position));
    let wrap = |parent: Option<Box<SelectionRange>>, span| {
        Some(Box::new(SelectionRange { range: view.range(span), parent }))
    };
    let nothing = SelectionRange { range: Range { start: position, end: position }, parent: None };
    spans.into_iter().rev().fold(None, wrap).map_or(nothing, |range| *range)
}

impl View<'_> {
    /// The position of an offset of the file.
    fn position(&self, offset: u32) -> Position {
        let span = aquarium_compiler::FileSpan { file: self.file, start: offset, end: offset };
        convert::span(self.analyzed, span, self.session.encoding).start
    }
}
