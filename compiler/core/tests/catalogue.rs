//! The catalogue: every code is explained, and no two are alike.

use std::collections::BTreeSet;

use aquarium_compiler::Code;

#[test]
fn every_code_has_an_explanation_of_its_own() {
    for code in Code::ALL {
        let entry = code.entry();
        assert!(entry.explanation.len() > 40, "{} is not explained", entry.id);
        assert!(!entry.title.ends_with('.'), "{}: {}", entry.id, entry.title);
        assert_eq!(Code::find(entry.id), Some(*code));
        assert_eq!(entry.name.map_or(Some(*code), Code::find), Some(*code));
    }
    let ids: BTreeSet<&str> = Code::ALL.iter().map(|code| code.entry().id).collect();
    let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.entry().explanation).collect();
    assert_eq!((ids.len(), texts.len()), (Code::ALL.len(), Code::ALL.len()));
}
