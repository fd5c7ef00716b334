//! aquarium-ide
