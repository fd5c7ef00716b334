//! aquarium-lsp
