//! Chains of `extends`, as editors show the hierarchy of types.

use std::sync::Arc;

use aquarium_compiler::items::Class;
use aquarium_ide::hierarchy::{self, Member};
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use super::{View, look, symbol_kind};
use crate::analysis::Shared;

/// What an item of a hierarchy remembers between requests.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// A document of its policy that was open.
    document: Uri,
    section: String,
    name: String,
}

/// The item under the cursor.
pub(crate) async fn prepare(
    shared: &Arc<Shared>,
    params: TypeHierarchyPrepareParams,
) -> Result<Option<Vec<TypeHierarchyItem>>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let document = text_document.uri.clone();
    let found = move |view: &View<'_>| {
        let member = hierarchy::member(&view.analyzed.snapshot, view.file, view.offset(position))?;
        item(view, &document, member).map(|item| vec![item])
    };
    Ok(look(shared, text_document.uri, found).await?.flatten())
}

/// What an item extends.
pub(crate) async fn parents(
    shared: &Arc<Shared>,
    item: TypeHierarchyItem,
) -> Result<Option<Vec<TypeHierarchyItem>>> {
    follow(shared, item, |view, class, name| {
        hierarchy::parent(&view.analyzed.snapshot, class, name).into_iter().collect()
    })
    .await
}

/// What extends an item.
pub(crate) async fn children(
    shared: &Arc<Shared>,
    item: TypeHierarchyItem,
) -> Result<Option<Vec<TypeHierarchyItem>>> {
    follow(shared, item, |view, class, name| hierarchy::children(&view.analyzed.snapshot, class, name)).await
}

async fn follow(
    shared: &Arc<Shared>,
    from: TypeHierarchyItem,
    step: impl FnOnce(&View<'_>, Class, &str) -> Vec<Member> + Send + 'static,
) -> Result<Option<Vec<TypeHierarchyItem>>> {
    let remembered = from.data.and_then(|data| serde_json::from_value::<Remembered>(data).ok());
    let Some(Remembered { document, section, name }) = remembered else { return Ok(None) };
    let uri = document.clone();
    let found = move |view: &View<'_>| {
        let class = Class::ALL.into_iter().find(|class| class.section() == section)?;
        let members = step(view, class, &name).into_iter();
        Some(members.filter_map(|member| item(view, &document, member)).collect())
    };
    Ok(look(shared, uri, found).await?.flatten())
}

fn item(view: &View<'_>, document: &Uri, member: Member) -> Option<TypeHierarchyItem> {
    let remembered = Remembered {
        document: document.clone(),
        section: member.class.section().to_owned(),
        name: member.name.clone(),
    };
    Some(TypeHierarchyItem {
        kind: symbol_kind(member.class),
        tags: None,
        detail: Some(member.class.noun().to_owned()),
        uri: view.location(member.span)?.uri,
        range: view.range(member.span),
        selection_range: view.range(member.name_span),
        data: serde_json::to_value(remembered).ok(),
        name: member.name,
    })
}
