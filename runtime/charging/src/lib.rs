//! aquarium-charging
