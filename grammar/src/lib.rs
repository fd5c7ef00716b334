//! aquarium-grammar
