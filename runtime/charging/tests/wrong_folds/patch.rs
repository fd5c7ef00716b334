//! Unified diffs, as far as they are needed: each hunk replaces the one place where its text stands.
//!
//! Line numbers are not looked at, so that a patch applies as long as what it changes is there.

/// A patch of one file.
pub struct Patch {
    /// The file, from the root of the repository.
    pub path: String,
    hunks: Vec<(String, String)>,
}

impl Patch {
    /// Reads a unified diff of one file.
    pub fn read(text: &str) -> Result<Self, String> {
        let path = text.lines().find_map(|line| line.strip_prefix("+++ b/"));
        let path = path.ok_or("it names no file `+++ b/...`")?.trim().to_owned();
        let mut hunks: Vec<(String, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            if line.starts_with("@@") {
                hunks.push((String::new(), String::new()));
                continue;
            }
            let Some((old, new)) = hunks.last_mut() else { continue };
            let mut rest = line.chars();
            match rest.next() {
                Some('-') => old.push_str(rest.as_str()),
                Some('+') => new.push_str(rest.as_str()),
                Some(' ') => {
                    old.push_str(rest.as_str());
                    new.push_str(rest.as_str());
                }
                _ => return Err(format!("a line of it begins neither with ` ` nor `-` nor `+`: `{line}`")),
            }
        }
        if hunks.is_empty() { Err("it has no hunk".to_owned()) } else { Ok(Self { path, hunks }) }
    }

    /// The file with the patch applied.
    pub fn apply(&self, file: &str) -> Result<String, String> {
        let mut changed = file.to_owned();
        for (old, new) in &self.hunks {
            let places = changed.matches(old.as_str()).count();
            if old == new || places != 1 {
                return Err(format!("what it changes stands in {places} places of `{}`:\n{old}", self.path));
            }
            changed = changed.replacen(old.as_str(), new, 1);
        }
        Ok(changed)
    }
}
