//! The nearest known name to one that is not known.

/// The known name that is nearest to `name` and near enough to be meant.
#[must_use]
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().count();
    if length > LENGTH_MAX {
        return None;
    }
    let allowed = (length / 3).max(usize::from(length > 2));
    let near = known.filter(|known| known.chars().count().abs_diff(length) <= allowed);
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
    fn exchanged_letters_are_one_step() {
        assert_eq!(distance("diskpsace", "diskspace"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn only_near_names_are_proposed() {
        let known = ["default", "discount", "night"];
        assert_eq!(nearest("defualt", known.into_iter()), Some("default"));
        assert_eq!(nearest("DEFAULT", known.into_iter()), Some("default"));
        assert_eq!(nearest("weekend", known.into_iter()), None);
    }
}
