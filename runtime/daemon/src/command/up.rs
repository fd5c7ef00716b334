//! `aquariumd up`: a policy and events in a directory become balances, at once.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_compiler::emit::{EmitOptions, emit};
use aquarium_compiler::{Analysis, Diagnostic, LineIndex, Severity, SourceFile, analyze};
use aquarium_ir::Millis;
use clap::Args;

use super::import::{EventFile, import, open_all};
use super::{Data, Failure, Serving, serve};
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::deployment::{DeployError, FIRST_INSTANT, NewDeployment};
use crate::shard::Row;

/// Lines of the table, at most; further users are counted.
const ROWS_MAX: usize = 50;

/// Compile the policy of a directory, take in its events, show the balances, and serve.
#[derive(Debug, Args)]
pub struct Up {
    /// The directory: `*.aquarium.yaml` is the policy, `*.ndjson` are events.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    serving: Serving,
    /// End after the table instead of serving.
    #[arg(long)]
    once: bool,
}

impl Up {
    /// Runs what the directory holds. Log and policies are kept in its `.aquarium` unless flag, file or environment say
    /// otherwise.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let policies = find(&self.directory, |name| name.ends_with(POLICY) && !name.ends_with(TESTS))?;
        if policies.is_empty() {
            return Err(format!("there is no policy (`*{POLICY}`) in `{}`", self.directory.display()).into());
        }
        let module = compile(&self.directory, &policies)?;
        let files = open_all(&find(&self.directory, |name| name.ends_with(EVENTS))?)?;
        let mut configuration = configuration;
        if configuration.data == Configuration::default().data {
            configuration.data = self.directory.join(DATA);
        }
        let configuration = self.serving.over(self.data.over(configuration));
        let listener = if self.once { None } else { Some(serve::listen(configuration.http.listen).await?) };
        let daemon = Daemon::start(configuration, self.serving.clock()).await?;
        let shown = show(&daemon, &module, files).await;
        match (shown, listener) {
            (Ok(first), Some(listener)) => {
                if let Some((user, at)) = first {
                    let address = listener.local_addr()?;
                    let line = format!("curl 'http://{address}/user/{}/balance?at={at}'", escaped(&user));
                    writeln!(std::io::stdout(), "ask for one (without `at`: as it is now):\n\n  {line}\n")?;
                }
                serve::serve(daemon, listener).await
            }
            (shown, _) => {
                daemon.stop().await;
                shown.map(|_| ())
            }
        }
    }
}

/// Deploys, takes in, prints the table; gives the first user and the instant of the table.
async fn show(
    daemon: &Arc<Daemon>,
    module: &[u8],
    files: Vec<EventFile>,
) -> Result<Option<(String, Millis)>, Failure> {
    // The policy of the directory holds over all of time: whoever edits it sees what it would have meant.
    let order = NewDeployment { module: module.to_owned(), from: Some(FIRST_INSTANT), ..Default::default() };
    let deployed = daemon.deploy_unless_last(&order).await;
    deployed.map_err(|error| match error {
        DeployError::Refused(_) => {
            let data = daemon.configuration.data.display();
            format!("{error}; to start anew, remove `{data}`").into()
        }
        error => Failure::from(error),
    })?;
    let imported = import(daemon, files, None).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", imported.summary())?;
    let at = imported.latest.unwrap_or_else(|| daemon.clock.now());
    let rows = daemon.shards.everybody(at).await?;
    writeln!(out, "\n{}", table(&rows, at))?;
    Ok(rows.into_iter().next().map(|row| (row.user, at)))
}

/// How the file of a policy is named.
const POLICY: &str = ".aquarium.yaml";
/// How the file of a policy's tests is named.
const TESTS: &str = ".test.aquarium.yaml";
/// How a file of events is named.
const EVENTS: &str = ".ndjson";
/// Where log and policies are kept, within the directory.
const DATA: &str = ".aquarium";

fn find(directory: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| format!("the directory `{}` cannot be read: {error}", directory.display());
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            paths.insert(entry.path());
        }
    }
    Ok(paths.into_iter().collect())
}

fn compile(directory: &Path, paths: &[PathBuf]) -> Result<Vec<u8>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let bytes = fs::read(path)
            .map_err(|error| format!("the policy `{}` cannot be read: {error}", path.display()))?;
        let shown = path.strip_prefix(directory).unwrap_or(path);
        files.push(SourceFile { path: shown.display().to_string(), bytes });
    }
    let analysis = analyze(files);
    for diagnostic in &analysis.diagnostics {
        writeln!(std::io::stderr(), "{}", line_of(&analysis, diagnostic))?;
    }
    let Some(policy) = analysis.policy() else {
        let errors =
            analysis.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        return Err(format!("the policy does not compile: {errors} errors").into());
    };
    Ok(emit(policy, EmitOptions { sources: &analysis.files, ..EmitOptions::default() })?)
}

fn line_of(analysis: &Analysis, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    };
    let span = diagnostic.primary.span;
    let place = analysis.files.get(span.file.0 as usize).map(|file| {
        let (line, column) = LineIndex::new(&file.bytes).line_column(&file.bytes, span.start);
        format!("{}:{line}:{column}: ", file.path)
    });
    let help = diagnostic.help.as_ref().map(|help| format!("\n  help: {help}"));
    let code = diagnostic.code.entry().id;
    format!(
        "{}{severity}[{code}]: {}{}",
        place.unwrap_or_default(),
        diagnostic.message,
        help.unwrap_or_default()
    )
}

/// The user id as a segment of a path.
fn escaped(user: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    user.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn table(rows: &[Row], at: Millis) -> String {
    let heads = ["user", "balance", "accrued", "charged", "refilled"].map(str::to_owned);
    let mut lines = vec![heads];
    let cells = |row: &Row| {
        let [balance, accrued, charged, refilled] =
            [row.balance, row.accrued, row.charged, row.refilled].map(|credits| credits.to_string());
        [row.user.clone(), balance, accrued, charged, refilled]
    };
    lines.extend(rows.iter().take(ROWS_MAX).map(cells));
    let mut text = format!("balances at {at}\n\n");
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let width =
                lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
            let width = width.unwrap_or_default();
            let cell = if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            text.push_str(&cell);
        }
        text.push('\n');
    }
    match rows.len().saturating_sub(ROWS_MAX) {
        0 => text,
        more => format!("{text}... and {more} more users\n"),
    }
}
