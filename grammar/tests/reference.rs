//! The examples of the language reference are what it says they are.

use aquarium_grammar::parse;

const REFERENCE: &str = include_str!("../REFERENCE.md");

/// The blocks that are fenced as `kind`.
fn examples(kind: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut lines = REFERENCE.lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("```") == Some(kind) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            examples.push(block.join("\n"));
        } else if line.starts_with("```") {
            // The end of another block, not the beginning of one, is next.
            lines.by_ref().take_while(|line| *line != "```").count();
        }
    }
    examples
}

#[test]
fn examples_have_no_errors() {
    let examples = examples("aquarium");
    assert!(examples.len() > 5);
    for example in examples {
        assert_eq!(parse(&example).errors(), &[], "{example}");
    }
}

#[test]
fn examples_of_errors_have_one() {
    let examples = examples("aquarium-error");
    assert!(!examples.is_empty());
    for example in examples {
        assert_eq!(parse(&example).errors().len(), 1, "{example}");
    }
}
