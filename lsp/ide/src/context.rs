//! Where in a policy a cursor is, read from the lines above it.
//!
//! In the middle of a line that is being written the tree says little; indentation says all that is needed.

use crate::keys::Place;

/// Where a cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The keys that the line stands below, from the root on.
    pub path: Vec<String>,
    /// The key of the line, if the cursor stands behind its colon.
    pub key: Option<String>,
}

/// A line that has a key, as far as it matters.
struct Line<'t> {
    /// The column of its first dash, or of the key.
    outer: usize,
    /// The column of the key.
    inner: usize,
    /// The key; `None`: no `key:` stands here.
    key: Option<&'t str>,
    /// Whether the key has no value and only says what the item is.
    is_wrapper: bool,
}

/// Keys that only say what an item is.
const WRAPPERS: [&str; 6] = ["resource", "algorithm", "pricelist", "creditplan", "agreement", "every"];

/// Where a cursor is; `None` inside a comment.
#[must_use]
pub fn context(text: &str, offset: u32) -> Option<Context> {
    let before = text.get(..usize::try_from(offset).ok()?)?;
    let (above, current) = before.rsplit_once('\n').unwrap_or(("", before));
    if current.starts_with('#') || current.contains(" #") {
        return None;
    }
    let line = read(current);
    let mut walk = Walk::new(&line);
    let parents =
        above.lines().rev().filter(|line| !is_blank(line)).map(read).filter_map(|line| walk.parent(&line));
    let mut path: Vec<String> = parents.map(str::to_owned).collect();
    path.reverse();
    Some(Context { path, key: line.key.map(str::to_owned) })
}

/// The way up from a line to the keys that it stands below.
struct Walk {
    /// Parents stand to the left of this column.
    column: usize,
    /// Whether a dash stands at the column: the key of the list may stand there too.
    is_item: bool,
}

impl Walk {
    fn new(line: &Line<'_>) -> Self {
        let is_item = line.outer < line.inner;
        Self { column: if is_item { line.outer } else { line.inner }, is_item }
    }

    /// The key of the next line above, if it is a parent.
    fn parent<'t>(&mut self, upper: &Line<'t>) -> Option<&'t str> {
        let has_dash = upper.outer < upper.inner;
        let may_be_level = if self.is_item { !has_dash } else { has_dash && upper.is_wrapper };
        let is_parent = upper.inner < self.column || (upper.inner == self.column && may_be_level);
        let key = upper.key.filter(|_| is_parent);
        if has_dash && upper.outer < self.column {
            *self = Self { column: upper.outer, is_item: true };
        } else if key.is_some() {
            *self = Self { column: upper.inner, is_item: false };
        }
        key
    }
}

fn is_blank(line: &str) -> bool {
    let content = line.trim_start();
    content.is_empty() || content.starts_with('#')
}

fn read(line: &str) -> Line<'_> {
    let outer = line.len() - line.trim_start().len();
    let mut rest = line.get(outer..).unwrap_or("");
    while let Some(behind) = rest.strip_prefix("- ") {
        rest = behind.trim_start();
    }
    let inner = line.len() - rest.len();
    let unvalued = rest.trim_end().strip_suffix(':');
    let key = unvalued.or_else(|| rest.split_once(": ").map(|(key, _)| key));
    let is_wrapper = unvalued.is_some_and(|key| WRAPPERS.contains(&key));
    Line { outer, inner, key: key.map(|key| key.trim().trim_matches(['"', '\''])), is_wrapper }
}

impl Context {
    /// The place of the keys that may stand here; `None` where there are only names of one's own.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let Some(last) = self.path.last() else { return Some(Place::Root) };
        match last.as_str() {
            "aquariumpolicy" | "aquariumdsl" | "creditdsl" => Some(Place::Policy),
            "resources" | "resource" => Some(Place::Resource),
            "algorithms" | "algorithm" => Some(Place::Algorithm),
            "pricelists" | "pricelist" => Some(Place::Pricelist),
            "creditplans" | "creditplan" => Some(Place::Creditplan),
            "agreements" | "agreement" => Some(Place::Agreement),
            "effective" | "applicable" => Some(Place::Effective),
            "repeat" | "every" => Some(Place::Range),
            "tiers" => Some(Place::Tier),
            _ => match self.above().as_deref() {
                Some("pricelist" | "pricelists") => Some(Place::Tiered),
                _ => None,
            },
        }
    }

    fn above(&self) -> Option<String> {
        self.path.len().checked_sub(2).and_then(|at| self.path.get(at)).cloned()
    }

    /// Whether some key on the path is one of these.
    #[must_use]
    pub fn is_below(&self, keys: &[&str]) -> bool {
        self.path.iter().any(|key| keys.contains(&key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let offset = source.find("$0").unwrap();
        let text = source.replacen("$0", "", 1);
        let found = context(&text, u32::try_from(offset).unwrap());
        let found =
            found.map(|it| it.path.join("/") + &it.key.map(|key| format!(" {key}:")).unwrap_or_default());
        assert_eq!(found.as_deref(), Some(expected).filter(|it| *it != "none"), "{source}");
    }

    #[test]
    fn the_path_is_that_of_the_indentation() {
        check("aquariumpolicy:\n  $0", "aquariumpolicy");
        check("$0", "");
        check(
            "aquariumpolicy:\n  resources:\n    - name: a\n      unit: MB\n      co$0",
            "aquariumpolicy/resources",
        );
        check(
            "aquariumpolicy:\n  pricelists:\n    - pricelist:\n        name: a\n        $0",
            "aquariumpolicy/pricelists/pricelist",
        );
        check(
            "aquariumpolicy:\n  resources:\n    - name: a\n  agreements:\n    - name: d\n      pricelist: x\n        v$0",
            "aquariumpolicy/agreements/pricelist",
        );
    }

    #[test]
    fn behind_a_colon_the_key_is_known() {
        check(
            "aquariumpolicy:\n  pricelists:\n    - name: a\n      extends: $0",
            "aquariumpolicy/pricelists extends:",
        );
        check("aquariumpolicy:\n  roles:\n    \"*\": $0", "aquariumpolicy/roles *:");
        check("aquariumpolicy:\n  resources:\n  - name: $0", "aquariumpolicy/resources name:");
    }

    #[test]
    fn both_layouts_of_lists_mean_the_same() {
        check(
            "aquariumpolicy:\n  resources:\n    - resource:\n      name: a\n      $0",
            "aquariumpolicy/resources/resource",
        );
        check("aquariumpolicy:\n  resources:\n    - $0", "aquariumpolicy/resources");
    }

    #[test]
    fn a_comment_is_no_place() {
        check("aquariumpolicy:  # a $0", "none");
    }
}
