//! Texts that stand in a file again and again: each is kept, and read as an expression, once.
//!
//! A long price list has thousands of prices and a hundred different ones; the keys are the same few resources.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aquarium_grammar::expression::{Parsed, parse};

/// The texts of a file.
#[derive(Debug, Default)]
pub struct Texts {
    texts: HashSet<Arc<str>>,
    /// By text, and whether it may hold comments.
    expressions: HashMap<(Arc<str>, bool), Arc<Parsed>>,
}

impl Texts {
    /// The text, kept once.
    pub fn kept(&mut self, text: &str) -> Arc<str> {
        if let Some(kept) = self.texts.get(text) {
            return Arc::clone(kept);
        }
        let kept: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&kept));
        kept
    }

    /// The text as an expression. `comments`: whether it may hold comments, as in a block scalar.
    pub fn parsed(&mut self, text: &Arc<str>, comments: bool) -> Arc<Parsed> {
        let parsed = self.expressions.entry((Arc::clone(text), comments));
        Arc::clone(parsed.or_insert_with(|| Arc::new(parse(text, comments))))
    }
}
