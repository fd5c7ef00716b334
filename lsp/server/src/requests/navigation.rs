//! From one place of a policy to others.

use std::sync::Arc;

use aquarium_compiler::FileSpan;
use aquarium_compiler::references::Usage;
use aquarium_ide::{definition, hierarchy, highlight, linked, links};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::request::{
    GotoDeclarationParams, GotoDeclarationResponse, GotoImplementationParams, GotoImplementationResponse,
};
use tower_lsp::ls_types::*;

use super::{View, look};
use crate::analysis::Shared;

/// Where the name at a place is defined.
pub(crate) async fn definition(
    shared: &Arc<Shared>,
    params: GotoDefinitionParams,
) -> Result<Option<GotoDefinitionResponse>> {
    let places = |view: &View<'_>, offset| definition::definition(&view.analyzed.snapshot, view.file, offset);
    Ok(locations(shared, params.text_document_position_params, places)
        .await?
        .map(GotoDefinitionResponse::Array))
}

/// What the entry at a place overrides; else where its name is defined.
pub(crate) async fn declaration(
    shared: &Arc<Shared>,
    params: GotoDeclarationParams,
) -> Result<Option<GotoDeclarationResponse>> {
    let places = |view: &View<'_>, offset| {
        let overridden = hierarchy::overridden(&view.analyzed.snapshot, view.file, offset);
        overridden.map_or_else(
            || definition::definition(&view.analyzed.snapshot, view.file, offset),
            |span| vec![span],
        )
    };
    Ok(locations(shared, params.text_document_position_params, places)
        .await?
        .map(GotoDeclarationResponse::Array))
}

/// Everything that overrides the item at a place.
pub(crate) async fn implementation(
    shared: &Arc<Shared>,
    params: GotoImplementationParams,
) -> Result<Option<GotoImplementationResponse>> {
    let places = |view: &View<'_>, offset| hierarchy::overriders(&view.analyzed.snapshot, view.file, offset);
    Ok(locations(shared, params.text_document_position_params, places)
        .await?
        .map(GotoImplementationResponse::Array))
}

/// Every place of the name at a place.
pub(crate) async fn references(
    shared: &Arc<Shared>,
    params: ReferenceParams,
) -> Result<Option<Vec<Location>>> {
    let with_definition = params.context.include_declaration;
    let places = move |view: &View<'_>, offset| {
        let uses = definition::uses(&view.analyzed.snapshot, view.file, offset).into_iter();
        uses.filter(|it| with_definition || it.usage != Usage::Definition).map(|it| it.span).collect()
    };
    locations(shared, params.text_document_position, places).await
}

async fn locations(
    shared: &Arc<Shared>,
    at: TextDocumentPositionParams,
    places: impl FnOnce(&View<'_>, u32) -> Vec<FileSpan> + Send + 'static,
) -> Result<Option<Vec<Location>>> {
    let TextDocumentPositionParams { text_document, position } = at;
    let locations = move |view: &View<'_>| {
        let spans = places(view, view.offset(position));
        spans.into_iter().filter_map(|span| view.location(span)).collect()
    };
    look(shared, text_document.uri, locations).await
}

/// The places of the name at a place in the same file.
pub(crate) async fn highlights(
    shared: &Arc<Shared>,
    params: DocumentHighlightParams,
) -> Result<Option<Vec<DocumentHighlight>>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let found = move |view: &View<'_>| {
        let places = highlight::highlight(&view.analyzed.snapshot, view.file, view.offset(position));
        let kind = |defines| if defines { DocumentHighlightKind::WRITE } else { DocumentHighlightKind::READ };
        places
            .into_iter()
            .map(|it| DocumentHighlight { range: view.range(it.span), kind: Some(kind(it.defines)) })
            .collect()
    };
    look(shared, text_document.uri, found).await
}

/// The places that change together with the word at a place.
pub(crate) async fn linked(
    shared: &Arc<Shared>,
    params: LinkedEditingRangeParams,
) -> Result<Option<LinkedEditingRanges>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let found = move |view: &View<'_>| {
        let places = linked::bindings(&view.analyzed.snapshot, view.file, view.offset(position));
        let ranges: Vec<_> = places.into_iter().map(|span| view.range(span)).collect();
        (!ranges.is_empty()).then_some(LinkedEditingRanges { ranges, word_pattern: None })
    };
    Ok(look(shared, text_document.uri, found).await?.flatten())
}

/// The codes in directives, leading to their explanation where the client has a place for it.
pub(crate) async fn links(
    shared: &Arc<Shared>,
    params: DocumentLinkParams,
) -> Result<Option<Vec<DocumentLink>>> {
    let found = |view: &View<'_>| {
        let links = links::links(&view.analyzed.snapshot, view.file).into_iter();
        let link = |link: links::Link| DocumentLink {
            range: view.range(link.span),
            target: view.session.explanation(link.code.entry().id),
            tooltip: Some(format!("{}: {}", link.code.entry().id, link.code.entry().title)),
            data: None,
        };
        links.map(link).filter(|link| link.target.is_some()).collect()
    };
    look(shared, params.text_document.uri, found).await
}
