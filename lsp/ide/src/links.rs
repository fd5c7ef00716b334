//! Links in a file: the codes and names of lints in directives lead to their explanation.

use aquarium_compiler::{Code, FileId, FileSpan};

use crate::Snapshot;

/// A text that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The text.
    pub span: FileSpan,
    /// The finding that it names.
    pub code: Code,
}

/// The links of a file, in the order of the text.
#[must_use]
pub fn links(snapshot: &Snapshot, file: FileId) -> Vec<Link> {
    let Some(parse) = snapshot.parse(file) else { return Vec::new() };
    let mut links = Vec::new();
    for comment in &parse.document().comments {
        let text = comment.span.of(parse.text());
        let Some((start, list)) = directive(text) else { continue };
        let mut at = start;
        for word in list.split(',') {
            let begin = at + (word.len() - word.trim_start().len());
            if let Some(code) = Code::find(word.trim()) {
                let place =
                    |offset: usize| comment.span.start.saturating_add(u32::try_from(offset).unwrap_or(0));
                links.push(Link {
                    span: FileSpan { file, start: place(begin), end: place(begin + word.trim().len()) },
                    code,
                });
            }
            at += word.len() + 1;
        }
    }
    links
}

/// The list of a directive, and where in the comment it begins.
fn directive(text: &str) -> Option<(usize, &str)> {
    let said = text.trim_start_matches('#').trim_start();
    said.strip_prefix("aquarium:")?;
    let open = text.find('(')? + 1;
    let close = text.get(open..)?.find(')')? + open;
    Some((open, text.get(open..close)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    #[test]
    fn lints_in_directives_lead_to_their_explanation() {
        let source = "# aquarium: allow(coverage-gap,  AQ0401, nonsense)\n# see (AQ0401)\n$0aquariumpolicy:\n  name: a\n";
        let (snapshot, file, _) = at_cursor(source);
        let found: Vec<_> = links(&snapshot, file)
            .into_iter()
            .map(|link| (snapshot.slice(link.span), link.code.entry().id))
            .collect();
        assert_eq!(found.iter().map(|(text, _)| *text).collect::<Vec<_>>(), ["coverage-gap", "AQ0401"]);
        assert_eq!(found.last(), Some(&("AQ0401", "AQ0401")));
    }
}
