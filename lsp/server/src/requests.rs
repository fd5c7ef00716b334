//! What requests do: take the policy as it is now, look at it beside the protocol, write the answer.

mod edits;
mod hierarchy;
mod navigation;
mod outline;
mod policy_tests;
mod reading;
mod tokens;
mod trial;
mod workspace;

use std::sync::Arc;

use aquarium_compiler::items::Class;
use aquarium_compiler::{FileId, FileSpan};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::*;

use crate::analysis::{self, Shared};
use crate::capabilities::Session;
use crate::convert;
use crate::workspace::Analyzed;

pub(crate) use edits::{
    code_actions, formatting, on_type_formatting, prepare_rename, range_formatting, rename,
};
pub(crate) use hierarchy::{children, parents, prepare as prepare_hierarchy};
pub(crate) use navigation::{declaration, definition, highlights, implementation, linked, links, references};
pub(crate) use outline::outline;
pub(crate) use policy_tests::{TestsParams, tests};
pub(crate) use reading::{complete, folds, hints, hover, lens, selections, signature};
pub(crate) use tokens::{delta as tokens_delta, full as tokens_full, legend, range as tokens_range};
pub(crate) use trial::{SimulateParams, WeekParams, simulate, week};
pub(crate) use workspace::{diagnostic as workspace_diagnostic, symbol};

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

/// How editors show an item of a class.
fn symbol_kind(class: Class) -> SymbolKind {
    match class {
        Class::Resource => SymbolKind::FIELD,
        Class::Algorithm => SymbolKind::FUNCTION,
        Class::Pricelist => SymbolKind::ARRAY,
        Class::Creditplan => SymbolKind::EVENT,
        Class::Agreement => SymbolKind::CLASS,
    }
}
