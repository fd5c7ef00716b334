//! The items of a file and of the whole workspace.

use std::sync::Arc;

use aquarium_ide::symbols::{Section, symbols};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use super::{View, look, symbol_kind};
use crate::analysis::Shared;

/// The outline of a file.
pub(crate) async fn outline(
    shared: &Arc<Shared>,
    params: DocumentSymbolParams,
) -> Result<Option<DocumentSymbolResponse>> {
    let outline = |view: &View<'_>| {
        let sections = symbols(&view.analyzed.snapshot, view.file).into_iter();
        sections.map(|section| section_symbol(view, section)).collect::<Vec<_>>()
    };
    Ok(look(shared, params.text_document.uri, outline).await?.map(DocumentSymbolResponse::Nested))
}

fn section_symbol(view: &View<'_>, section: Section) -> DocumentSymbol {
    let kind = symbol_kind(section.class);
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
