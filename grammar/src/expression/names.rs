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

/// The known name that is nearest to `name` and near enough to be meant.
#[must_use]
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().count();
    if length > LENGTH_MAX {
        return None;
    }
    let allowed = (length / 3).max(usize::from(length > 2));
    let near = known.into_iter().filter(|known| known.chars().count().abs_diff(length) <= allowed);
    let distances = near.map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), known));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

/// Longer names get no proposal: the work grows with the square of the length.
const LENGTH_MAX: usize = 64;

/// The number of letters to insert, remove, replace or exchange with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, letter) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let at = |cells: &[usize], column: usize| cells.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(letter != *other);
            let mut least = replaced.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let neighbour = column.checked_sub(1).and_then(|column| right.get(column));
            if previous == Some(*other) && neighbour == Some(&letter) {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(0)
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
            assert_eq!(nearest(slip, VARIABLES.iter().copied()), meant, "{slip}");
        }
    }

    #[test]
    fn every_word_of_the_language_is_reserved() {
        assert_eq!(reserved("times"), Some(Reserved::Keyword));
        assert_eq!(reserved("volume"), Some(Reserved::Variable));
        assert_eq!(reserved("clamp"), Some(Reserved::Function));
        assert_eq!(reserved("free_volume"), None);
    }

    #[test]
    fn exchanged_letters_are_one_step() {
        assert_eq!(distance("diskpsace", "diskspace"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn only_near_names_are_proposed() {
        let known = ["default", "discount", "night"];
        assert_eq!(nearest("defualt", known), Some("default"));
        assert_eq!(nearest("DEFAULT", known), Some("default"));
        assert_eq!(nearest("weekend", known), None);
    }
}
