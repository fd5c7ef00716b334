//! What client and server agree on when they meet.

use aquarium_ide::Encoding;
use serde::Deserialize;
use tower_lsp::ls_types::*;

/// What was agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// What columns count.
    pub(crate) encoding: Encoding,
    /// Whether the client asks for findings, instead of being told.
    pub(crate) pulls: bool,
    /// Whether the client can be asked to watch files.
    pub(crate) watches: bool,
    /// Whether the client can be told later that there are hierarchies of types.
    pub(crate) registers_hierarchy: bool,
    /// The address of a code's explanation, `{code}` standing for the code.
    pub(crate) explanations: Option<String>,
}

impl Session {
    /// Where the client shows the explanation of a code.
    pub(crate) fn explanation(&self, code: &str) -> Option<Uri> {
        self.explanations.as_ref()?.replace("{code}", code).parse().ok()
    }
}

/// What a client may set up, all of it optional.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    /// `pull`: findings are given when they are asked for, and only then.
    diagnostics: Option<String>,
    /// Where the editor shows the explanation of a code: `aquarium-explain:/{code}.md`.
    explanations: Option<String>,
}

/// The session that a client's abilities allow.
pub(crate) fn negotiate(params: &InitializeParams) -> Session {
    let options = params.initialization_options.clone();
    let options =
        options.and_then(|options| serde_json::from_value::<Options>(options).ok()).unwrap_or_default();
    let watched = params.capabilities.workspace.as_ref().and_then(|it| it.did_change_watched_files.as_ref());
    let hierarchy = params.capabilities.text_document.as_ref().and_then(|it| it.type_hierarchy.as_ref());
    Session {
        encoding: encoding(&params.capabilities),
        pulls: options.diagnostics.as_deref() == Some("pull"),
        registers_hierarchy: hierarchy.and_then(|it| it.dynamic_registration) == Some(true),
        watches: watched.and_then(|it| it.dynamic_registration) == Some(true),
        explanations: options.explanations.filter(|template| template.contains("{code}")),
    }
}

/// The first encoding of the client's list that is known; UTF-16 is what all clients know.
fn encoding(client: &ClientCapabilities) -> Encoding {
    let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_ref());
    let known = |kind: &PositionEncodingKind| match kind.as_str() {
        "utf-8" => Some(Encoding::Utf8),
        "utf-16" => Some(Encoding::Utf16),
        "utf-32" => Some(Encoding::Utf32),
        _ => None,
    };
    offered.into_iter().flatten().find_map(known).unwrap_or(Encoding::Utf16)
}

/// What the server can do in a session.
pub(crate) fn server(session: &Session) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match session.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            ..TextDocumentSyncOptions::default()
        })),
        diagnostic_provider: session.pulls.then(pull),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        declaration_provider: Some(DeclarationCapability::Simple(true)),
        implementation_provider: Some(ImplementationProviderCapability::Simple(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        linked_editing_range_provider: Some(LinkedEditingRangeServerCapabilities::Simple(true)),
        document_link_provider: Some(DocumentLinkOptions {
            resolve_provider: None,
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        document_on_type_formatting_provider: Some(DocumentOnTypeFormattingOptions {
            first_trigger_character: "\n".into(),
            more_trigger_character: None,
        }),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: None }),
        semantic_tokens_provider: Some(
            SemanticTokensOptions {
                legend: crate::requests::legend(),
                range: Some(true),
                full: Some(SemanticTokensFullOptions::Delta { delta: Some(true) }),
                work_done_progress_options: WorkDoneProgressOptions::default(),
            }
            .into(),
        ),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(vec!["(".into(), ",".into()]),
            ..SignatureHelpOptions::default()
        }),
        document_symbol_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![" ".into(), "{".into(), "$".into()]),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QUICKFIX,
                CodeActionKind::REFACTOR_EXTRACT,
                CodeActionKind::REFACTOR_INLINE,
            ]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

fn pull() -> DiagnosticServerCapabilities {
    DiagnosticServerCapabilities::Options(DiagnosticOptions {
        identifier: Some("aquarium".into()),
        inter_file_dependencies: true,
        workspace_diagnostics: true,
        ..DiagnosticOptions::default()
    })
}

/// What is told about later: the files to watch, and what the first answer has no field for.
pub(crate) fn registrations(session: &Session) -> Vec<Registration> {
    let watched = session.watches.then(watchers);
    let hierarchy = session.registers_hierarchy.then(|| Registration {
        id: "aquarium-hierarchy".into(),
        method: "textDocument/prepareTypeHierarchy".into(),
        register_options: serde_json::to_value(TypeHierarchyRegistrationOptions {
            text_document_registration_options: TextDocumentRegistrationOptions {
                document_selector: Some(vec![DocumentFilter {
                    language: Some("aquarium".into()),
                    scheme: None,
                    pattern: None,
                }]),
            },
            type_hierarchy_options: TypeHierarchyOptions {
                work_done_progress_options: WorkDoneProgressOptions::default(),
            },
            static_registration_options: StaticRegistrationOptions::default(),
        })
        .ok(),
    });
    watched.into_iter().chain(hierarchy).collect()
}

/// The files that the client is asked to watch.
fn watchers() -> Registration {
    let watcher =
        |glob: &str| FileSystemWatcher { glob_pattern: GlobPattern::String(glob.into()), kind: None };
    let watchers = vec![watcher("**/*.aquarium"), watcher("**/*.aquarium.{yaml,yml}")];
    Registration {
        id: "aquarium-files".into(),
        method: "workspace/didChangeWatchedFiles".into(),
        register_options: serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers }).ok(),
    }
}
