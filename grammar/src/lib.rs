//! Text to tree: the lexer, the document parser, the document model and the expression grammar.
//!
//! Whatever the text, [`parse`] gives a lossless tree, what could be understood of it as a
//! [`Document`], and what is wrong with it as [`SyntaxError`]s. This crate knows the surface of the
//! language, not what its keys mean: it must not know resources, prices or agreements.
//!
//! ```
//! let parse = aquarium_grammar::parse("aquariumpolicy:\n  timezone: Europe/Athens\n");
//! let policy = parse.document().root.get("aquariumpolicy").expect("the key is given");
//! assert_eq!(policy.get("timezone").and_then(|zone| zone.text()), Some("Europe/Athens"));
//! assert!(parse.errors().is_empty());
//! ```

#![deny(clippy::float_arithmetic)]

pub mod document;
pub mod error;
pub mod expression;
pub mod format;
mod lexer;
mod parser;
mod span;
pub mod syntax;

pub use document::Document;
pub use error::{Edit, ErrorKind, Fix, SyntaxError};
pub use parser::{Limits, Parse, Reading, parse, parse_bytes, parse_with};
pub use span::Span;
pub use syntax::{SyntaxKind, SyntaxNode, SyntaxToken};
