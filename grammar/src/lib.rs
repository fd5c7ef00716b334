//! Text to tree.

pub mod expression;
