//! `aquariumc fmt`: the canonical layout, in place, as a check or as a difference.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aquarium_compiler::{Analysis, Code, SourceFile, analyze};
use aquarium_grammar::document::Value;
use aquarium_grammar::format::{format, is_faithful};
use aquarium_grammar::{Limits, parse, parse_bytes};
use clap::Args;
use similar::TextDiff;

use crate::arguments::Format;
use crate::failure::{FINDINGS, Failure};
use crate::inputs::Inputs;
use crate::{files, inputs, messages, report};

/// The unchanged lines around a change in a difference, as `diff -u` has them.
const CONTEXT: usize = 3;

/// `aquariumc fmt`
#[derive(Args)]
pub struct Fmt {
    /// Policy files and policy tests, directories (those in them), or `-`: standard input to standard output.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Change nothing; list the files whose layout differs, with exit code 1 if there is one.
    #[arg(long)]
    pub check: bool,
    /// Change nothing; show the differences, with exit code 1 if there is one.
    #[arg(long, conflicts_with = "check")]
    pub diff: bool,
}

/// Formats every file that can be read; the others stay as they are, and their errors are reported.
pub fn run(arguments: &Fmt) -> Result<ExitCode, Failure> {
    let inputs = inputs::read_with_tests(&arguments.paths)?;
    let mut is_fine = true;
    for file in &inputs.files {
        match layout(file)? {
            Layout::Canonical => pass_through(arguments, &inputs, file)?,
            Layout::Other(text) => is_fine &= apply(arguments, &inputs, file, &text)?,
            Layout::Broken => {
                report::write(&syntax(file), &inputs.directory, Format::Human)?;
                is_fine = false;
            }
        }
    }
    Ok(ExitCode::from(if is_fine { 0 } else { FINDINGS }))
}

/// What formatting makes of a file.
enum Layout {
    /// It stands as it should.
    Canonical,
    /// It should stand so.
    Other(String),
    /// It has errors, or is no policy: whatever it is, it is left alone.
    Broken,
}

fn layout(file: &SourceFile) -> Result<Layout, Failure> {
    let before = parse_bytes(&file.bytes, Limits::default());
    if !matches!(before.document().root, Value::Mapping(_)) {
        return Ok(Layout::Broken);
    }
    let Some(text) = format(&before) else { return Ok(Layout::Broken) };
    if text.as_bytes() == file.bytes {
        return Ok(Layout::Canonical);
    }
    if is_faithful(&before, &parse(&text)) {
        return Ok(Layout::Other(text));
    }
    Err(Failure::Defect(format!(
        "another layout of `{}` would say something else; it is unchanged",
        file.path
    )))
}

/// What keeps a file from being formatted.
fn syntax(file: &SourceFile) -> Analysis {
    let mut analysis = analyze(vec![file.clone()]);
    let is_about_text = |code: Code| code.entry().id.starts_with("AQ01") || code == Code::DuplicateKey;
    analysis.diagnostics.retain(|found| is_about_text(found.code));
    analysis
}

/// Standard input goes to standard output, whatever its layout was.
fn pass_through(arguments: &Fmt, inputs: &Inputs, file: &SourceFile) -> Result<(), Failure> {
    let is_wanted = inputs.path_of(file) == Path::new("-") && !arguments.check && !arguments.diff;
    if is_wanted { Ok(std::io::stdout().lock().write_all(&file.bytes)?) } else { Ok(()) }
}

/// Lists, shows or writes the layout of a file; whether all is fine with it then.
fn apply(arguments: &Fmt, inputs: &Inputs, file: &SourceFile, text: &str) -> Result<bool, Failure> {
    let (path, shown) = (inputs.path_of(file), inputs::shown(&inputs.directory, file));
    let mut out = std::io::stdout().lock();
    if arguments.check {
        writeln!(out, "{shown}")?;
        return Ok(false);
    }
    if arguments.diff {
        out.write_all(difference(&shown, &file.bytes, text).as_bytes())?;
        return Ok(false);
    }
    if path == Path::new("-") {
        out.write_all(text.as_bytes())?;
    } else {
        files::write(path, text.as_bytes())?;
        messages::say(format_args!("formatted `{shown}`"));
    }
    Ok(true)
}

/// The difference in the form that `patch` and `git apply` take.
fn difference(path: &str, before: &[u8], after: &str) -> String {
    let before = String::from_utf8_lossy(before);
    let diff = TextDiff::from_lines(before.as_ref(), after);
    let (old, new) = (format!("a/{path}"), format!("b/{path}"));
    diff.unified_diff().context_radius(CONTEXT).header(&old, &new).to_string()
}
