//! The program `incoming-leads`.

fn main() {}
