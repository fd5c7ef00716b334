//! aquariumc
fn main() {}
