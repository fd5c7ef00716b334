//! The names that the language reserves, and the nearest one to a slip.

use super::ast::Function;

/// The variables of expressions; which of them a resource has depends on its cost policy.
pub const VARIABLES: &[&str] = &["price", "volume", "total", "value", "amount", "duration"];

/// The keywords of the three dialects.
pub const KEYWORDS: &[&str] = &[
    "plus", "minus", "times", "divided", "by", "mod", "gt", "ge", "lt", "le", "eq", "ne", "and", "or", "not",
    "if", "then", "elsif", "else", "end", "function", "const", "let", "return",
];

/// What a reserved name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// A keyword.
    Keyword,
    /// A variable.
    Variable,
    /// A built-in function.
    Function,
}

/// What `name` is, `None` where an author may give it to a constant.
#[must_use]
pub fn reserved(name: &str) -> Option<Reserved> {
    if KEYWORDS.contains(&name) {
        return Some(Reserved::Keyword);
    }
    if is_variable(name) {
        return Some(Reserved::Variable);
    }
    (name == "Math" || Function::find(name).is_some()).then_some(Reserved::Function)
}

/// Whether `name` is a variable.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// The candidate that differs least from `name`, letter case apart: by at most a third of its signs.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let name = name.to_lowercase();
    let limit = name.chars().count().div_ceil(3);
    let distances =
        candidates.iter().map(|candidate| (distance(&name, &candidate.to_lowercase()), *candidate));
    distances
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// The least number of signs to insert, remove or replace to make `right` of `left`. Names longer than
/// any of ours are not worth the time.
fn distance(left: &str, right: &str) -> usize {
    const LONGEST: usize = 64;
    if left.len() > LONGEST || right.len() > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, sign) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (other, cell) in right.chars().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(sign != other);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_a_letter_finds_its_name() {
        for (slip, meant) in [
            ("volum", Some("volume")),
            ("Price", Some("price")),
            ("tottal", Some("total")),
            ("instance", None),
        ] {
            assert_eq!(nearest(slip, VARIABLES), meant, "{slip}");
        }
    }

    #[test]
    fn every_word_of_the_language_is_reserved() {
        assert_eq!(reserved("times"), Some(Reserved::Keyword));
        assert_eq!(reserved("volume"), Some(Reserved::Variable));
        assert_eq!(reserved("clamp"), Some(Reserved::Function));
        assert_eq!(reserved("free_volume"), None);
    }
}
