//! What requests do: take the policy as it is now, look at it beside the protocol, write the answer.

use std::sync::Arc;

use aquarium_compiler::FileId;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use crate::analysis::{self, Shared};
use crate::capabilities::Session;
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
