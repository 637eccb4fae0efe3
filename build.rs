//! The soname, and which commit this is.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // rustc hides everything but the `no_mangle` functions (SQLite's included) by a version script
    // of its own; `make check` compares what is left with tests/abi/symbols.txt.
    let major = env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnetberth.so.{major}");
    println!("cargo::rustc-env=NETBERTH_COMMIT={}", commit());
}

/// The commit, as a packager states it or as git knows it, else `unknown`.
///
/// Only a release asks git: a debug build would be made anew after every commit for nothing.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=NETBERTH_COMMIT");
    if let Ok(stated) = env::var("NETBERTH_COMMIT") {
        return stated;
    }
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // A source archive unpacked inside some other repository must not borrow that one's commit.
    if !release || !Path::new(".git").exists() {
        return "unknown".to_owned();
    }
    // HEAD changes with the branch, its log with every commit. Cargo takes a path that does not
    // exist for changed, always: name only those that do.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
