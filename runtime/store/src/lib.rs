//! aquarium-store
