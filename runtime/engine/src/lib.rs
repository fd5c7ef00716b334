//! aquarium-engine
