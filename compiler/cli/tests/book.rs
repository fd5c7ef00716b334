//! The book: every file that its pages show is written, every command is run, and what they print is compared.
//!
//! A page is read from top to bottom in a directory of its own. A fenced block with `file=NAME` behind its language is
//! a file; a `console` block holds commands behind `$ ` and their output, where a line `...` stands for any lines;
//! `console fails` says that the last of its commands exits with another code than 0.
//! `UPDATE_BOOK=1 cargo test -p aquariumc --test book` writes what the commands print into the pages.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the test runs the program on files, and fails by panicking"
)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The pages below a folder, sorted.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A fenced block: what stands behind its opening fence, and its lines.
struct Block {
    info: String,
    /// The number of the opening fence's line, from 0.
    line: usize,
    lines: Vec<String>,
}

impl Block {
    fn file(&self) -> Option<&str> {
        self.info.split(' ').find_map(|word| word.strip_prefix("file="))
    }

    fn is_console(&self) -> bool {
        self.info.split(' ').next() == Some("console")
    }

    fn fails(&self) -> bool {
        self.info.split(' ').any(|word| word == "fails")
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.trim().to_owned(), line: number, lines: Vec::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// Runs a command in the page's directory; gives what it prints, errors included, and whether it succeeded.
fn run(command: &str, directory: &Path) -> (Vec<String>, bool) {
    let program = Path::new(env!("CARGO_BIN_EXE_aquariumc")).parent().unwrap().to_str().unwrap();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(directory)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(|line| line.trim_end().to_owned()).collect(), output.status.success())
}

/// Whether lines are those expected; `...` stands for any.
fn matches(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..]))
        }
        Some((first, rest)) => {
            actual.split_first().is_some_and(|(line, others)| line == first && matches(rest, others))
        }
    }
}

/// Runs a console block; gives its lines with what the commands printed.
fn play(block: &Block, directory: &Path, page: &str) -> Vec<String> {
    let mut commands: Vec<(&str, Vec<String>)> = Vec::new();
    for line in &block.lines {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command, Vec::new())),
            None => commands.last_mut().expect("a console block begins with a command").1.push(line.clone()),
        }
    }
    let last = commands.len() - 1;
    let mut played = Vec::new();
    for (number, (command, expected)) in commands.into_iter().enumerate() {
        let (actual, succeeded) = run(command, directory);
        let should_fail = block.fails() && number == last;
        let shown = actual.join("\n");
        assert_eq!(succeeded, !should_fail, "{page}:{}: `{command}` printed\n{shown}", block.line + 1);
        let is_right = matches(&expected, &actual);
        assert!(
            is_right || is_updating(),
            "{page}:{}: `{command}` printed\n{shown}\ninstead of\n{}",
            block.line + 1,
            expected.join("\n")
        );
        played.push(format!("$ {command}"));
        played.extend(if is_right { expected } else { actual });
    }
    played
}

fn is_updating() -> bool {
    std::env::var_os("UPDATE_BOOK").is_some()
}

/// Runs a page; gives how many commands it has.
fn check(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let page = path.strip_prefix(root()).unwrap().display().to_string();
    let directory = tempfile::tempdir().unwrap();
    let (mut lines, mut commands): (Vec<String>, usize) = (text.lines().map(str::to_owned).collect(), 0);
    let mut shift = 0_isize;
    for block in blocks(&text) {
        if let Some(name) = block.file() {
            let file = directory.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, block.text()).unwrap();
        } else if block.is_console() {
            let played = play(&block, directory.path(), &page);
            commands += played.iter().filter(|line| line.starts_with("$ ")).count();
            let start = block.line.strict_add_signed(shift) + 1;
            shift += played.len().cast_signed() - block.lines.len().cast_signed();
            lines.splice(start..start + block.lines.len(), played);
        }
    }
    if is_updating() {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    commands
}

#[test]
fn every_command_of_the_book_prints_what_it_says() {
    let commands: usize = pages(&root().join("docs")).iter().map(|page| check(page)).sum();
    assert!(commands > 20, "the book has only {commands} commands");
}

#[test]
fn every_link_of_the_book_leads_somewhere() {
    let mut all = pages(&root().join("docs"));
    all.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "grammar/REFERENCE.md"]
            .map(|page| root().join(page)),
    );
    for page in all {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: `{link}` leads nowhere", page.display());
            if !anchor.is_empty() {
                let headings = std::fs::read_to_string(&target).unwrap();
                let has_anchor =
                    headings.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
                assert!(has_anchor, "{}: `{link}` has no such heading", page.display());
            }
        }
    }
}

/// The anchor that GitHub gives a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_page_is_in_the_index() {
    let docs = root().join("docs");
    let index = std::fs::read_to_string(docs.join("README.md")).unwrap();
    for page in pages(&docs) {
        let name = page.strip_prefix(&docs).unwrap().to_str().unwrap();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "`{name}` is not in docs/README.md"
        );
    }
}
