//! Which files belong to a policy.

/// The endings of policy files.
const POLICY_ENDINGS: [&str; 3] = [".aquarium", ".aquarium.yaml", ".aquarium.yml"];

/// The endings of tests of policies, which are no policy files.
const TEST_ENDINGS: [&str; 2] = [".test.aquarium.yaml", ".test.aquarium.yml"];

/// The keys that a policy may begin with: today's and the legacy ones.
pub const ROOT_KEYS: [&str; 3] = ["aquariumpolicy", "aquariumdsl", "creditdsl"];

/// Whether a directory that holds a file of this name counts it among the files of its policy.
#[must_use]
pub fn is_policy_name(name: &str) -> bool {
    let ends = |ending: &&str| name.len() > ending.len() && name.ends_with(*ending);
    POLICY_ENDINGS.iter().any(ends) && !is_test_name(name)
}

/// Whether a file of this name holds tests of a policy.
#[must_use]
pub fn is_test_name(name: &str) -> bool {
    TEST_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether the first key of this text is the root key of a policy, comments and `---` before it apart.
#[must_use]
pub fn begins_as_policy(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_end);
    let is_content = |line: &&str| !line.is_empty() && !line.trim_start().starts_with('#') && *line != "---";
    let Some(first) = lines.find(is_content) else { return false };
    ROOT_KEYS.iter().any(|key| first.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_policies_and_tests_are_told_apart() {
        let policies = ["a.aquarium", "a.aquarium.yaml", "a.aquarium.yml", "test.aquarium"];
        let others = [".aquarium", "a.yaml", "a.test.aquarium.yaml", "a.test.aquarium.yml", "aquarium", ""];
        assert!(policies.iter().all(|name| is_policy_name(name)), "{policies:?}");
        assert!(!others.iter().any(|name| is_policy_name(name)), "{others:?}");
    }

    #[test]
    fn plain_text_is_known_by_its_first_key() {
        for text in
            ["aquariumpolicy:\n", "# a\n\n---\naquariumpolicy: {}", "\u{feff}creditdsl:\r\n", "aquariumdsl :"]
        {
            assert!(begins_as_policy(text), "{text:?}");
        }
        for text in
            ["", "# aquariumpolicy:", "  aquariumpolicy:", "aquariumpolicyx:", "version: 2\naquariumpolicy:"]
        {
            assert!(!begins_as_policy(text), "{text:?}");
        }
    }
}
