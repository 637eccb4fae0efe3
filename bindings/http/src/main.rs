//! The HTTP server over netberth.

fn main() {}
