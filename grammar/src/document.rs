//! The document model: what was understood of a file, without trivia.
//!
//! A [`Document`] is owned data, made in one pass over the tree. Values keep the order of the text and
//! the place of everything; what could not be understood is [`Value::Broken`], and an error says why.
//!
//! ```
//! use aquarium_grammar::document::items;
//!
//! let text = "resources:\n  - resource:\n    name: vmtime\n  - name: diskspace\n";
//! let parse = aquarium_grammar::parse(text);
//! let section = parse.document().root.get("resources").expect("the key is given");
//! let names: Vec<_> = items(section, "resource").iter().filter_map(|item| item.get("name")?.text()).collect();
//! assert_eq!(names, ["vmtime", "diskspace"]);
//! ```

mod comments;
mod decode;
mod items;
mod lower;
mod scalar;
mod split;

pub use comments::{Comment, Placement};
pub use items::{Item, items};
pub use scalar::{Scalar, Style};

use crate::Span;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// Its value: a mapping, if the file is a policy.
    pub root: Value,
    /// Its comments, in order.
    pub comments: Vec<Comment>,
}

/// What a key or a dash has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: as if the key were not given. The place is where a value could stand.
    Missing(Span),
    /// Something that could not be understood; an error was reported.
    Broken(Span),
    /// A text.
    Scalar(Scalar),
    /// A name with overrides below it.
    Named(Box<Named>),
    /// Keys with values.
    Mapping(Mapping),
    /// Items.
    Sequence(Sequence),
}

/// A name with overrides below it: `pricelist: default` and deeper keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: Scalar,
    /// The overrides.
    pub overrides: Mapping,
}

/// Keys with values, in the order of the text. A key may be there twice: an error was reported, and [`Mapping::get`]
/// gives the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// From the first key to the end of the last value, or from brace to brace.
    pub span: Span,
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether it is written in braces.
    pub is_flow: bool,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Scalar,
    /// Its value.
    pub value: Value,
    /// From the key to the end of the value.
    pub span: Span,
}

/// Items, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// From the first dash to the end of the last item, or from bracket to bracket.
    pub span: Span,
    /// The items.
    pub items: Vec<Value>,
    /// Whether it is written in brackets.
    pub is_flow: bool,
}

impl Default for Value {
    fn default() -> Self {
        Self::Missing(Span::default())
    }
}

impl Value {
    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Missing(span) | Self::Broken(span) => *span,
            Self::Scalar(scalar) => scalar.span,
            Self::Named(named) => named.name.span.to(named.overrides.span),
            Self::Mapping(mapping) => mapping.span,
            Self::Sequence(sequence) => sequence.span,
        }
    }

    /// The value of a key, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_mapping()?.get(key).map(|entry| &entry.value)
    }

    /// The text, if this is one (a name with overrides is none).
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.as_scalar().map(Scalar::text)
    }

    /// The scalar, if this is one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    /// The mapping, if this is one.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&Mapping> {
        if let Self::Mapping(mapping) = self { Some(mapping) } else { None }
    }

    /// The sequence, if this is one.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&Sequence> {
        if let Self::Sequence(sequence) = self { Some(sequence) } else { None }
    }

    /// Whether nothing was given.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

impl Mapping {
    /// The first entry with that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.text() == key)
    }
}
