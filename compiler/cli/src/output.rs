//! What standard output is: how wide, whether it takes colours.

/// The width where standard output is no terminal.
const WIDTH: usize = 80;
/// Nothing is written for less than this.
const WIDTH_MIN: usize = 20;

/// How many columns there are: `COLUMNS` decides, else the terminal.
pub fn width() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal =
        || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    named.or_else(terminal).unwrap_or(WIDTH).max(WIDTH_MIN)
}

/// Breaks a text into lines of at most so many columns. The first line keeps its indentation, later ones have
/// `indent`. A word that is longer stands alone.
pub fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let words = text.trim_start();
    let mut line = " ".repeat(text.len() - words.len());
    let mut is_empty = true;
    let mut lines = Vec::new();
    for word in words.split(' ') {
        let fits = line.chars().count() + usize::from(!is_empty) + word.chars().count() <= width;
        if !is_empty && !fits {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_every_word() {
        let text = "price list weekly, holds from here until there; what it extends stands in";
        for width in [10, 20, 40, 200] {
            let lines = wrap(text, width, 4);
            assert!(
                lines.iter().all(|line| line.chars().count() <= width || line.trim().find(' ').is_none())
            );
            let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            assert_eq!(words.join(" "), text);
        }
        assert_eq!(wrap("  a b", 80, 2), ["  a b"]);
        assert_eq!(wrap("  aa bb cc", 7, 4), ["  aa bb", "    cc"]);
    }
}
