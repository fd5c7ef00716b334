//! aquarium-tests
