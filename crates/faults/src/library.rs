//! The shared object, built when a test needs it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Builds the shared object (once a process; Cargo knows when there is nothing to do) and returns its path, for
/// `LD_PRELOAD`. It has a target directory of its own, so that a build of this crate without its feature never
/// replaces it.
///
/// # Panics
/// If it cannot be built: without it a test would prove nothing.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/faults");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--lib", "--features", "preload", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            .env_remove("LD_PRELOAD")
            .status();
        assert!(
            built.as_ref().is_ok_and(|status| status.success()),
            "building the library failed: {built:?}"
        );
        let library = target.join("debug/libfaults.so");
        library.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", library.display()))
    })
}
