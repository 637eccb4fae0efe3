//! What the files beside the code promise: versions, dependencies, the record of changes.

use std::process::Command;

use super::sources;
use super::{bites, hold};

/// What would bring a runtime, a server or a second opinion on cryptography into the process of
/// everyone who links to the library.
const NOT_IN_THE_LIBRARY: &[&str] = &[
    "async-std",
    "axum",
    "futures",
    "hyper",
    "mio",
    "openssl",
    "reqwest",
    "rtnetlink",
    "rustls",
    "smol",
    "tokio",
    "tracing-subscriber",
];

/// The forbidden packages of a `cargo tree --prefix none`.
fn unwanted(tree: &str) -> Vec<String> {
    let family = |name: &str, bad: &str| name == bad || name.starts_with(&format!("{bad}-"));
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let unwanted = names.filter(|name| NOT_IN_THE_LIBRARY.iter().any(|bad| family(name, bad)));
    unwanted.map(str::to_owned).collect()
}

/// The version of the workspace.
fn version(manifest: &str) -> &str {
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    line.and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
}

/// The macros of the header that do not say this version.
fn wrong_macros(header: &str, version: &str) -> Vec<String> {
    let mut parts = version.split('.');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let expected = [
        ("NETBERTH_VERSION_MAJOR", part()),
        ("NETBERTH_VERSION_MINOR", part()),
        ("NETBERTH_VERSION_PATCH", part()),
        ("NETBERTH_VERSION", format!("\"{version}\"")),
    ];
    let lines = expected.iter().map(|(name, value)| format!("#define {name} {value}"));
    lines.filter(|expected| !header.lines().any(|line| line == expected)).collect()
}

/// A changelog begins with what is not released yet, and knows the version that is.
fn changelog_faults(changelog: &str) -> Vec<String> {
    let first = changelog.lines().find(|line| line.starts_with("## ")).unwrap_or("nothing");
    let unreleased = first == "## Unreleased";
    let fault = format!("CHANGELOG.md: the first section is {first}, not ## Unreleased");
    if unreleased { Vec::new() } else { vec![fault] }
}

#[test]
fn the_library_stays_small() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "netberth", "-e", "normal"])
        .args(["--prefix", "none"])
        .current_dir(sources::root())
        .output()
        .expect("cargo is there, for it runs this");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(tree.starts_with("netberth v"), "{tree}");
    hold("the library may not depend on:", &unwanted(&tree));
}

#[test]
fn the_header_says_the_version() {
    let (manifest, header) = (sources::read("Cargo.toml"), sources::read("include/netberth.h"));
    hold("mend cbindgen.toml and run `make header`:", &wrong_macros(&header, version(&manifest)));
    assert_eq!(version(&manifest), env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_changelog_is_kept() {
    hold("say what changes for users:", &changelog_faults(&sources::read("CHANGELOG.md")));
}

#[test]
fn an_unwanted_dependency_is_seen() {
    let tree = "netberth v0.1.0 (/somewhere)\nlibc v0.2.0\ntokio v1.0.0\nhyper-util v0.1.0\n\
                futures-core v0.3.0 (*)\nhyperfine v1.0.0\n";
    bites(&unwanted(tree), &["tokio", "hyper-util", "futures-core"]);
}

#[test]
fn a_wrong_version_is_seen() {
    let header = "#define NETBERTH_VERSION_MAJOR 1\n#define NETBERTH_VERSION_MINOR 20\n\
                  #define NETBERTH_VERSION_PATCH 3\n#define NETBERTH_VERSION \"1.2.3\"\n";
    let manifest = "[workspace.package]\nversion = \"1.2.3\"\n[a]\nversion = \"9\"\n";
    bites(&wrong_macros(header, version(manifest)), &["#define NETBERTH_VERSION_MINOR 2"]);
}

#[test]
fn a_changelog_that_is_not_kept_is_seen() {
    assert!(changelog_faults("# Changelog\n\n## Unreleased\n\n## 0.1.0\n").is_empty());
    bites(&changelog_faults("# Changelog\n\n## 0.1.0\n\n## Unreleased\n"), &["## 0.1.0, not"]);
    bites(&changelog_faults(""), &["nothing, not"]);
}
