//! What each word is, for editors that colour by meaning: whole, a range, or what changed.

use std::sync::Arc;

use aquarium_ide::tokens::{Kind, Token, relative, tokens};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use super::{View, look};
use crate::analysis::Shared;

/// The names of the kinds of words, in the order of their numbers.
pub(crate) fn legend() -> SemanticTokensLegend {
    let name = |kind: Kind| match kind {
        Kind::Comment => SemanticTokenType::COMMENT,
        Kind::Property => SemanticTokenType::PROPERTY,
        Kind::Resource => SemanticTokenType::ENUM_MEMBER,
        Kind::List => SemanticTokenType::STRUCT,
        Kind::Agreement => SemanticTokenType::CLASS,
        Kind::Variable => SemanticTokenType::VARIABLE,
        Kind::Function => SemanticTokenType::FUNCTION,
        Kind::Keyword => SemanticTokenType::KEYWORD,
        Kind::Operator => SemanticTokenType::OPERATOR,
        Kind::Number => SemanticTokenType::NUMBER,
        Kind::Word => SemanticTokenType::ENUM,
        Kind::Text => SemanticTokenType::STRING,
    };
    SemanticTokensLegend {
        token_types: Kind::ALL.into_iter().map(name).collect(),
        token_modifiers: vec![SemanticTokenModifier::DEFINITION],
    }
}

/// All words of a file.
pub(crate) async fn full(
    shared: &Arc<Shared>,
    params: SemanticTokensParams,
) -> Result<Option<SemanticTokensResult>> {
    let uri = params.text_document.uri;
    let Some(data) = look(shared, uri.clone(), |view| written(view, |_| true)).await? else {
        return Ok(None);
    };
    let result_id = Some(shared.workspace().remember_tokens(&uri, data.clone()));
    Ok(Some(SemanticTokensResult::Tokens(SemanticTokens { result_id, data })))
}

/// What changed since an earlier answer; all words where that is forgotten.
pub(crate) async fn delta(
    shared: &Arc<Shared>,
    params: SemanticTokensDeltaParams,
) -> Result<Option<SemanticTokensFullDeltaResult>> {
    let uri = params.text_document.uri;
    let before = shared.workspace().tokens(&uri, &params.previous_result_id);
    let Some(data) = look(shared, uri.clone(), |view| written(view, |_| true)).await? else {
        return Ok(None);
    };
    let result_id = Some(shared.workspace().remember_tokens(&uri, data.clone()));
    let Some(before) = before else {
        return Ok(Some(SemanticTokensFullDeltaResult::Tokens(SemanticTokens { result_id, data })));
    };
    let edits = edit(&before, &data).into_iter().collect();
    Ok(Some(SemanticTokensFullDeltaResult::TokensDelta(SemanticTokensDelta { result_id, edits })))
}

/// The words of a range.
pub(crate) async fn range(
    shared: &Arc<Shared>,
    params: SemanticTokensRangeParams,
) -> Result<Option<SemanticTokensRangeResult>> {
    let range = params.range;
    let data = move |view: &View<'_>| {
        let wanted = view.file_span(range);
        written(view, |token| token.span.start < wanted.end && wanted.start < token.span.end)
    };
    let data = look(shared, params.text_document.uri, data).await?;
    Ok(data.map(|data| SemanticTokensRangeResult::Tokens(SemanticTokens { result_id: None, data })))
}

fn written(view: &View<'_>, wanted: impl Fn(&Token) -> bool) -> Vec<SemanticToken> {
    let snapshot = &view.analyzed.snapshot;
    let mut found = tokens(snapshot, view.file);
    found.retain(wanted);
    let token = |[delta_line, delta_start, length, token_type, token_modifiers_bitset]: [u32; 5]| {
        SemanticToken { delta_line, delta_start, length, token_type, token_modifiers_bitset }
    };
    relative(snapshot, &found, view.session.encoding).into_iter().map(token).collect()
}

/// The one edit that makes `after` of `before`, counted in numbers, of which a word has five.
fn edit(before: &[SemanticToken], after: &[SemanticToken]) -> Option<SemanticTokensEdit> {
    let start = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let rest = (before.len().min(after.len())) - start;
    let ends = before.iter().rev().zip(after.iter().rev());
    let end = ends.take(rest).take_while(|(one, other)| one == other).count();
    let (deleted, inserted) = (before.len() - start - end, after.get(start..after.len() - end)?);
    if deleted == 0 && inserted.is_empty() {
        return None;
    }
    let numbers = |words: usize| u32::try_from(words * 5).unwrap_or(u32::MAX);
    Some(SemanticTokensEdit {
        start: numbers(start),
        delete_count: numbers(deleted),
        data: Some(inserted.to_vec()),
    })
}
