//! The tests of a file of policy tests, for editors that list and run them.

use aquarium_compiler::policy_test::{TEST_FILE, read};
use aquarium_compiler::{FileSpan, SourceFile};

use crate::Snapshot;

/// A test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What it proves.
    pub name: String,
    /// All of it.
    pub span: FileSpan,
}

/// The tests of a text, in its order, and the text's lines to place them in.
#[must_use]
pub fn tests(text: &str) -> (Vec<Test>, Snapshot) {
    let bytes = text.as_bytes().to_vec();
    let (found, _) = read(&bytes);
    let test = |test: aquarium_compiler::policy_test::PolicyTest| Test {
        span: FileSpan { file: TEST_FILE, start: test.name.span.start.min(test.span.start), ..test.span },
        name: test.name.value,
    };
    let tests = found.tests.into_iter().map(test).collect();
    (tests, Snapshot::of_tests(SourceFile { path: String::new(), bytes }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_test_has_its_name_and_place() {
        let text = "policytests:\n  tests:\n    - test:\n        name: α costs\n        expect: {findings: []}\n    - name: b\n      \
                    expect: {findings: []}\n";
        let (found, snapshot) = super::tests(text);
        let shown: Vec<_> = found
            .iter()
            .map(|test| (test.name.as_str(), snapshot.slice(test.span).lines().next().unwrap_or("")))
            .collect();
        assert_eq!(shown, [("α costs", "test:"), ("b", "name: b")]);
    }
}
