//! Results in JUnit's XML: a suite a file, a case a test. It names no times: the same input gives the same bytes.

use std::fmt::Write;

use aquarium_compiler::Severity;

use super::suite::{Suite, TestFile, Verdict};

/// The whole document.
pub fn render(suite: &Suite) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for file in &suite.files {
        // Writing to a string does not fail.
        let _ = write_file(&mut text, file);
    }
    text.push_str("</testsuites>\n");
    text
}

fn write_file(text: &mut String, file: &TestFile) -> std::fmt::Result {
    let errors: Vec<_> = file.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let count = |is_it: fn(&Verdict) -> bool| file.outcomes.iter().filter(|it| is_it(&it.verdict)).count();
    writeln!(
        text,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        escaped(&file.path),
        file.outcomes.len() + errors.len(),
        count(|verdict| matches!(verdict, Verdict::Failed(_))),
        count(|verdict| matches!(verdict, Verdict::Broken(_))) + errors.len(),
    )?;
    for error in errors {
        let line = file.line_column(error.primary.span.start).0;
        case(text, file, "the file itself", line)?;
        writeln!(text, ">\n      <error message=\"{}\"/>\n    </testcase>", escaped(&error.message))?;
    }
    for outcome in &file.outcomes {
        case(text, file, &outcome.name.value, file.line_column(outcome.name.span.start).0)?;
        match &outcome.verdict {
            Verdict::Passed => text.push_str("/>\n"),
            Verdict::Broken(problem) => {
                writeln!(
                    text,
                    ">\n      <error message=\"{}\"/>\n    </testcase>",
                    escaped(&problem.reason)
                )?;
            }
            Verdict::Failed(mismatches) => {
                writeln!(text, ">\n      <failure message=\"{} not as expected\">", mismatches.len())?;
                for mismatch in mismatches {
                    let (line, column) = file.line_column(mismatch.span.start);
                    let told = format!("{}:{line}:{column}: {}", file.path, mismatch.told());
                    writeln!(text, "{}", escaped(&told))?;
                }
                text.push_str("      </failure>\n    </testcase>\n");
            }
        }
    }
    text.push_str("  </testsuite>\n");
    Ok(())
}

fn case(text: &mut String, file: &TestFile, name: &str, line: usize) -> std::fmt::Result {
    let (name, path) = (escaped(name), escaped(&file.path));
    write!(text, "    <testcase name=\"{name}\" classname=\"{path}\" file=\"{path}\" line=\"{line}\"")
}

/// A text as XML text or attribute; characters that XML cannot hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}')
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_xml() {
        assert_eq!(escaped("a < \"b\" & 'c'\n\u{1}"), "a &lt; &quot;b&quot; &amp; 'c' \u{fffd}");
    }
}
