//! Questions about all policies of the workspace at once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use aquarium_ide::symbols::{matches, symbols};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use super::symbol_kind;
use crate::analysis::{self, Shared};
use crate::capabilities::Session;
use crate::convert;
use crate::index::Summary;
use crate::workspace::{Analyzed, Policy};

/// How many items one answer names; whoever looks for more writes another letter.
const SYMBOLS_MAX: usize = 2_000;

/// The items of all policies whose name has the letters of the query.
pub(crate) async fn symbol(
    shared: &Arc<Shared>,
    params: WorkspaceSymbolParams,
) -> Result<Option<WorkspaceSymbolResponse>> {
    let query = params.query;
    let token = params.work_done_progress_params.work_done_token;
    let found = across(shared, token, move |summaries| {
        let all = summaries.iter().flat_map(|summary| &summary.symbols);
        all.filter(|symbol| matches(&symbol.name, &query)).take(SYMBOLS_MAX).cloned().collect()
    });
    Ok(Some(WorkspaceSymbolResponse::Nested(found.await?)))
}

/// The findings of all files; those that the client has already are not told again.
pub(crate) async fn diagnostic(
    shared: &Arc<Shared>,
    params: WorkspaceDiagnosticParams,
) -> Result<WorkspaceDiagnosticReportResult> {
    let known = params.previous_result_ids;
    let token = params.work_done_progress_params.work_done_token;
    let items = across(shared, token, move |summaries| {
        let files = summaries.iter().flat_map(|summary| &summary.findings);
        files.map(|(uri, findings)| report(&known, uri, findings)).collect()
    });
    Ok(WorkspaceDiagnosticReportResult::Report(WorkspaceDiagnosticReport { items: items.await? }))
}

fn report(
    known: &[PreviousResultId],
    uri: &Uri,
    findings: &[Diagnostic],
) -> WorkspaceDocumentDiagnosticReport {
    let result_id = fingerprint(findings);
    let (uri, version) = (uri.clone(), None);
    if known.iter().any(|known| known.uri == uri && known.value == result_id) {
        let unchanged_document_diagnostic_report = UnchangedDocumentDiagnosticReport { result_id };
        return WorkspaceDocumentDiagnosticReport::Unchanged(WorkspaceUnchangedDocumentDiagnosticReport {
            uri,
            version,
            unchanged_document_diagnostic_report,
        });
    }
    let full_document_diagnostic_report =
        FullDocumentDiagnosticReport { result_id: Some(result_id), items: findings.to_vec() };
    WorkspaceDocumentDiagnosticReport::Full(WorkspaceFullDocumentDiagnosticReport {
        uri,
        version,
        full_document_diagnostic_report,
    })
}

/// What findings are known by between two questions of one client.
fn fingerprint(findings: &[Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(findings).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Asks about all policies: the open ones as the editor has them, the others as they are on disk.
async fn across<T: Send + 'static>(
    shared: &Arc<Shared>,
    token: Option<ProgressToken>,
    ask: impl FnOnce(&[&Summary]) -> T + Send + 'static,
) -> Result<T> {
    let (open, folders) = {
        let mut workspace = shared.workspace();
        (workspace.open_policies(), workspace.folders().to_vec())
    };
    let session = shared.session().clone();
    let mut index = shared.index().lock_owned().await;
    let progress = shared.progress(token, "reading the workspace's policies").await;
    let work = move || {
        let directories: Vec<_> = open.iter().filter_map(|policy| policy.path()).collect();
        let own: Vec<Summary> = open.iter().map(|policy| summarize(policy, &session)).collect();
        let mut all: Vec<&Summary> = own.iter().collect();
        all.extend(index.refresh(&folders, &directories, |policy| summarize(policy, &session)));
        ask(&all)
    };
    let answer = shared.compute(work).await;
    shared.end_progress(progress).await;
    answer
}

fn summarize(policy: &Policy, session: &Session) -> Summary {
    let analyzed = policy.analyzed();
    let files = analyzed.snapshot.files().filter_map(|(file, _)| {
        let uri = analyzed.origin(file)?.uri.clone();
        Some((uri, analysis::findings(analyzed, file, session)))
    });
    Summary { symbols: items(analyzed, session), findings: files.collect() }
}

fn items(analyzed: &Analyzed, session: &Session) -> Vec<WorkspaceSymbol> {
    let sections = analyzed.snapshot.files().flat_map(|(file, _)| symbols(&analyzed.snapshot, file));
    let mut items = Vec::new();
    for section in sections {
        for item in section.items {
            let Some(location) = convert::location(analyzed, item.name_span, session.encoding) else {
                continue;
            };
            items.push(WorkspaceSymbol {
                name: item.name,
                kind: symbol_kind(section.class),
                tags: None,
                container_name: Some(section.class.section().to_owned()),
                location: OneOf::Left(location),
                data: None,
            });
        }
    }
    items
}
