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
    /// The address of a code's explanation, `{code}` standing for the code.
    pub(crate) explanations: Option<String>,
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
    Session {
        encoding: encoding(&params.capabilities),
        pulls: options.diagnostics.as_deref() == Some("pull"),
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
        references_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![" ".into(), "{".into(), "$".into()]),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

fn pull() -> DiagnosticServerCapabilities {
    DiagnosticServerCapabilities::Options(DiagnosticOptions {
        identifier: Some("aquarium".into()),
        inter_file_dependencies: true,
        workspace_diagnostics: false,
        ..DiagnosticOptions::default()
    })
}

/// The files that the client is asked to watch.
pub(crate) fn watchers() -> Registration {
    let watcher =
        |glob: &str| FileSystemWatcher { glob_pattern: GlobPattern::String(glob.into()), kind: None };
    let watchers = vec![watcher("**/*.aquarium"), watcher("**/*.aquarium.{yaml,yml}")];
    Registration {
        id: "aquarium-files".into(),
        method: "workspace/didChangeWatchedFiles".into(),
        register_options: serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers }).ok(),
    }
}
