//! Fixtures that several features share.

use std::path::PathBuf;

/// The folder of real test material beside the project; `None` (and a line saying so) where it is missing.
#[allow(dead_code, reason = "used as features land")]
pub fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if folder.join("vectors").is_dir() {
        Some(folder)
    } else {
        println!("skipped: no ../shared");
        None
    }
}
