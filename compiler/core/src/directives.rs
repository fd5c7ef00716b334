//! `# aquarium: allow(coverage-gap)`: comments that change the level of lints.
//!
//! A directive behind something is for its line; alone on a line it is for the next key or item; before
//! the first key of a file it is for the whole policy.

mod scopes;

use aquarium_grammar::Reading;
use aquarium_grammar::document::{Comment, Placement};

use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan};
use crate::findings::Findings;
use scopes::Scopes;

/// What a directive makes of a lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Allow,
    Warn,
    Deny,
}

const LEVELS: [(&str, Level); 3] = [("allow", Level::Allow), ("warn", Level::Warn), ("deny", Level::Deny)];

/// How many lints one directive may name: more than there are.
const NAMES_MAX: usize = 100;

/// One lint of one directive.
#[derive(Debug)]
struct Directive {
    level: Level,
    code: Code,
    /// The name of the lint.
    span: FileSpan,
    /// Where it counts; `None`: everywhere.
    scope: Option<FileSpan>,
}

/// What the comments of all files say about lints.
#[derive(Debug, Default)]
pub struct Directives {
    all: Vec<Directive>,
}

impl Directives {
    /// Reads the comments of files; says what is wrong with them.
    pub fn of(files: &[&Reading], findings: &mut Findings) -> Self {
        let mut directives = Self::default();
        for (reading, file) in files.iter().zip((0..).map(FileId)) {
            for comment in &reading.document().comments {
                let read = read(comment, reading.text(), file, findings);
                directives.all.extend(read);
            }
        }
        directives
    }

    /// Gives lints the levels that the directives say. `is_complete`: nothing kept a check from being made, so that
    /// a directive without finding is one too many.
    pub fn apply(self, findings: Vec<Diagnostic>, is_complete: bool) -> Vec<Diagnostic> {
        let directives = self.all;
        if directives.is_empty() {
            return findings;
        }
        let mut scopes = Scopes::of(&directives);
        let kept = findings.into_iter().filter_map(|finding| scopes.level(finding));
        let mut kept: Vec<Diagnostic> = kept.collect();
        if is_complete {
            let unused = directives.iter().filter(|directive| !scopes.has_used(directive));
            let unused: Vec<Diagnostic> = unused.map(self::unused).collect();
            kept.extend(unused.into_iter().filter_map(|finding| scopes.level(finding)));
        }
        kept
    }
}

fn unused(directive: &Directive) -> Diagnostic {
    let name = directive.code.entry().name.unwrap_or_default();
    let message = format!("nothing here is `{name}`");
    Diagnostic::new(Code::UnusedDirective, directive.span, message).help("remove the directive")
}

/// The directives of a comment.
fn read(comment: &Comment, text: &str, file: FileId, findings: &mut Findings) -> Vec<Directive> {
    let written = comment.span.of(text);
    let Some((before, rest)) = written.split_once("aquarium:") else { return Vec::new() };
    if !before.chars().all(|letter| letter == '#' || letter == ' ') {
        return Vec::new();
    }
    // Where a part of the comment begins in it.
    let place = |part: &str| {
        let start = comment.span.start + offset(part.as_ptr() as usize - written.as_ptr() as usize);
        FileSpan { file, start, end: start + offset(part.len()) }
    };
    let scope = match comment.placement {
        Placement::Trailing(line) => Some(line),
        Placement::Above(target) => Some(target),
        Placement::Head => None,
        Placement::Last => Some(comment.span),
    };
    let scope = scope.map(|span| FileSpan { file, start: span.start, end: span.end });
    let Some((level, names)) = parts(rest) else {
        let message =
            "this is no directive: write `# aquarium: allow(name, ...)`, `warn(...)` or `deny(...)`";
        findings.push(Diagnostic::new(Code::UnknownDirective, place(rest.trim()), message));
        return Vec::new();
    };
    let mut directives = Vec::new();
    if let Some(name) = names.split(',').map(str::trim).nth(NAMES_MAX) {
        let message = format!("a directive names at most {NAMES_MAX} lints");
        findings.push(Diagnostic::new(Code::UnknownDirective, place(name), message));
    }
    for name in names.split(',').map(str::trim).take(NAMES_MAX) {
        match lint(name, place(name), findings) {
            Ok(code) => directives.push(Directive { level, code, span: place(name), scope }),
            Err(finding) => findings.push(*finding),
        }
    }
    directives
}

/// `allow(a, b)`, and perhaps a reason behind it.
fn parts(text: &str) -> Option<(Level, &str)> {
    let (word, rest) = text.trim().split_once('(')?;
    let (names, _reason) = rest.split_once(')')?;
    let (_, level) = LEVELS.iter().find(|(name, _)| *name == word.trim())?;
    Some((*level, names))
}

fn lint(name: &str, span: FileSpan, findings: &mut Findings) -> Result<Code, Box<Diagnostic>> {
    let finding = |message: String| Box::new(Diagnostic::new(Code::UnknownDirective, span, message));
    match Code::find(name) {
        Some(code) if code.entry().name.is_some() => Ok(code),
        Some(code) => {
            Err(finding(format!("`{}` is an error: it cannot be allowed or changed", code.entry().id)))
        }
        None => {
            let finding = *finding(format!("there is no lint `{name}`"));
            let names = Code::ALL.iter().filter_map(|code| code.entry().name);
            Err(Box::new(match findings.nearest(name, names) {
                Some(near) => {
                    finding.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), span, near)
                }
                None => finding.help("`aquariumc explain` lists all lints"),
            }))
        }
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
