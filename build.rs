//! Build script: the pages' third-party modules.
fn main() {}
