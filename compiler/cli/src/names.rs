//! Names on the command line: those that the policy has, and the nearest one where it has not.

use aquarium_grammar::expression::names::nearest;

use crate::failure::Failure;

/// More names than this are not listed.
const LISTED_MAX: usize = 8;

/// Refuses a name that is not among the known ones; proposes the nearest.
pub fn known<'n>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) -> Result<(), Failure> {
    if known.clone().any(|it| it == name) {
        return Ok(());
    }
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => listed(known),
    };
    Err(Failure::Use(format!("the policy has no {what} `{name}`: {help}")))
}

fn listed<'n>(known: impl Iterator<Item = &'n str> + Clone) -> String {
    let count = known.clone().count();
    let names: Vec<String> = known.take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    match count {
        0 => "it has none at all".to_owned(),
        1..=LISTED_MAX => format!("it has {}", names.join(", ")),
        _ => format!("it has {}, and {} more", names.join(", "), count - LISTED_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, names: &[&str]) -> String {
        known("agreement", name, names.iter().copied()).unwrap_err().to_string()
    }

    #[test]
    fn the_nearest_name_is_proposed_else_all_are_listed() {
        assert!(known("agreement", "a", ["a", "b"].into_iter()).is_ok());
        assert_eq!(
            refusal("reserach", &["default", "research"]),
            "the policy has no agreement `reserach`: did you mean `research`?"
        );
        assert_eq!(
            refusal("zzz", &["default", "research"]),
            "the policy has no agreement `zzz`: it has `default`, `research`"
        );
        assert_eq!(refusal("zzz", &[]), "the policy has no agreement `zzz`: it has none at all");
        let many: Vec<String> = (0..12).map(|number| format!("agreement-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(refusal("zzz", &many).ends_with("and 4 more"));
    }
}
