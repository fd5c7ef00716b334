//! How the function is called whose arguments the cursor is among.

use aquarium_compiler::FileId;
use aquarium_grammar::expression::Function;
use aquarium_grammar::expression::token::{Token, tokenize};

use crate::{Snapshot, expressions, keys};

/// How a function is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `clamp(x, low, high)`.
    pub label: &'static str,
    /// What it does.
    pub documentation: &'static str,
    /// The parameters as they stand in the label.
    pub parameters: Vec<&'static str>,
    /// The argument that the cursor is in, from 0.
    pub active: usize,
}

/// The call that the cursor is in. Reads only the words before the cursor, so it works in the middle of a line.
#[must_use]
pub fn signature(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Signature> {
    let before = snapshot.text(file)?.content().get(..usize::try_from(offset).ok()?)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let expression = expressions::at(snapshot, file, offset).map(|(entry, _)| entry.value_span.start);
    let from = expression.and_then(|start| usize::try_from(start).ok()).map_or(line, |start| start.min(line));
    let (function, active) = innermost_call(before.get(from..)?)?;
    let label = label(function);
    let inside = label.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let parameters: Vec<_> = inside.split(", ").collect();
    let documentation =
        keys::FUNCTIONS.iter().find(|(name, _)| *name == function.name()).map_or("", |(_, text)| text);
    Some(Signature {
        label,
        documentation,
        active: active.min(parameters.len().saturating_sub(1)),
        parameters,
    })
}

fn label(function: Function) -> &'static str {
    match function {
        Function::Round => "round(x, places)",
        other => other.usage(),
    }
}

/// The function whose parentheses are open at the end of a text, and how many commas stand in them.
fn innermost_call(text: &str) -> Option<(Function, usize)> {
    let tokens = tokenize(text, true).tokens;
    let (mut depth, mut commas) = (0_usize, 0_usize);
    for (index, (_, token, _)) in tokens.iter().enumerate().rev() {
        match token {
            Token::CloseParenthesis => depth += 1,
            Token::Comma if depth == 0 => commas += 1,
            Token::OpenParenthesis if depth > 0 => depth -= 1,
            Token::OpenParenthesis => {
                let name =
                    index.checked_sub(1).and_then(|before| tokens.get(before)).map(|(_, token, _)| token);
                if let Some(Token::Word(word) | Token::Math(word)) = name
                    && let Some(function) = Function::find(word.rsplit('.').next().unwrap_or(word).trim())
                {
                    return Some((function, commas));
                }
                // Parentheses of a group: what counts is around them.
                commas = 0;
            }
            // The end of a statement: no call reaches over it.
            Token::Semicolon | Token::CloseBrace => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(expression: &str, expected: &str) {
        let source = format!("aquariumpolicy:\n  algorithms:\n    - name: a\n      x: {expression}\n");
        let (snapshot, file, offset) = at_cursor(&source);
        let found = signature(&snapshot, file, offset);
        let found = found.map(|it| format!("{} {}", it.label, it.parameters[it.active]));
        assert_eq!(found.as_deref().unwrap_or("none"), expected, "{expression}");
    }

    #[test]
    fn the_innermost_call_counts() {
        check("clamp(volume, $0", "clamp(x, low, high) low");
        check("max(price, min($0", "min(a, b, ...) a");
        check("max(price, min(1, 2), $0", "max(a, b, ...) ...");
        check("max(volume > 2 ? price : 0 credit, $0", "max(a, b, ...) b");
        check("Math.round((volume + 1) * 2, $0) * price", "round(x, places) places");
    }

    #[test]
    fn outside_of_calls_there_is_none() {
        check("price * (volume$0", "none");
        check("min(1, 2) $0", "none");
        check("$0", "none");
    }
}
