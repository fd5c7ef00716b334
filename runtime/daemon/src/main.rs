//! aquariumd
fn main() {}
