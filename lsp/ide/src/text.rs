//! Texts as they can stand in a policy.

/// A name as it can stand in a policy: in quotes, unless it is a plain word.
#[must_use]
pub fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let begins = name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    if begins && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "''"))
}
