//! The index of findings as a page of the book.

use std::fmt::Write;

use aquarium_compiler::Code;

use crate::report;

const HEAD: &str = "\
<!-- Made by `cargo xtask generate` from the catalogue of findings: edit compiler/core/catalogue instead. -->

# Findings

Every finding of `aquariumc check` has a code, and `aquariumc explain CODE` prints what stands here. Those that have a name
are lints: a directive such as `# aquarium: allow(coverage-gap)` changes their level where it is meant
([reference](../grammar/REFERENCE.md#6-findings-and-directives)). The others are errors that nothing can allow.

";

/// A table of all codes, then the text of each.
pub fn render() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| code | name | level | about |\n|---|---|---|---|\n");
    for code in Code::ALL {
        let entry = code.entry();
        let name = entry.name.map(|name| format!("`{name}`")).unwrap_or_default();
        let (id, level) = (entry.id, report::word(entry.severity));
        // Writing to a string does not fail.
        let _ = writeln!(page, "| [{id}](#{}) | {name} | {level} | {} |", id.to_lowercase(), entry.title);
    }
    for code in Code::ALL {
        let entry = code.entry();
        // The headings of the text become those of a section.
        let explanation = entry.explanation.trim_end().replace("\n## ", "\n### ");
        let _ = write!(page, "\n## {}\n\n**{}**\n\n{explanation}\n", entry.id, entry.title);
    }
    page
}
