//! The catalogue: every code that the compiler can report, in one place.
//!
//! | range | subject |
//! |---|---|
//! | AQ01xx | text and layout |
//! | AQ02xx | keys, names and values |
//! | AQ03xx | inheritance and overrides |
//! | AQ04xx | coverage and time |
//! | AQ05xx | units, types and prices |
//! | AQ06xx | exactness and flow of expressions |
//! | AQ07xx | directives |

use super::Severity;

/// What the catalogue says about a code.
#[derive(Debug)]
pub struct Entry {
    /// `AQ0401`.
    pub id: &'static str,
    /// The lint's name (`coverage-gap`); `None`: an error that cannot be allowed.
    pub name: Option<&'static str>,
    /// The default severity.
    pub severity: Severity,
    /// One line: what it is about.
    pub title: &'static str,
    /// The long text, in Markdown: what, why, an example that triggers it, the fix.
    pub explanation: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $id:literal $name:expr, $severity:ident, $title:literal;)*) => {
        /// A kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What the catalogue says.
            #[must_use]
            pub fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$variant => {
                        static ENTRY: Entry = Entry {
                            id: $id,
                            name: $name,
                            severity: Severity::$severity,
                            title: $title,
                            explanation: include_str!(concat!("../../catalogue/", $id, ".md")),
                        };
                        &ENTRY
                    })*
                }
            }
        }
    };
}

impl Code {
    /// The code of that id (`AQ0401`) or name (`coverage-gap`), letter case of the id apart.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let is_it = |code: &&Self| {
            let entry = code.entry();
            entry.id.eq_ignore_ascii_case(text) || entry.name == Some(text)
        };
        Self::ALL.iter().find(is_it).copied()
    }
}

catalogue! {
    Syntax "AQ0101" None, Error, "text that is no policy";
}
