//! The state directory: its rights, and what stands in its way.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use netberth::Kind;
use netberth::store::conformance::{commit, everything, put};
use netberth::store::{Embedded, Expect, FileLock, Key, Store, Table};

const DIRECTORY: &str = "NETBERTH_STORE_TEST_DIRECTORY";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn is_made_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a/b");
    let store = Embedded::open(&state).unwrap();
    let lock = FileLock::open(&state).unwrap();
    let held = lock.lock(std::time::Duration::ZERO).unwrap();
    assert_eq!(mode(&state), 0o700);
    for name in ["netberth.db", "netberth.db-wal", "netberth.db-shm", "lock"] {
        assert_eq!(mode(&state.join(name)), 0o600, "{name}");
    }
    drop((held, store));
    // One that exists keeps its mode, and a link to it will do.
    fs::set_permissions(&state, fs::Permissions::from_mode(0o750)).unwrap();
    symlink(&state, dir.path().join("link")).unwrap();
    Embedded::open(&dir.path().join("link")).unwrap();
    assert_eq!(mode(&state), 0o750);
}

#[test]
fn a_file_in_its_place_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        for error in [Embedded::open(&path).unwrap_err(), FileLock::open(&path).unwrap_err()] {
            assert_eq!(error.kind(), Kind::Store, "{error}");
            assert!(error.message().contains("a file is in its place"), "{error}");
        }
    }
}

/// Not a test of its own: run again as a user without rights.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let dir = Path::new(&dir);
    for name in ["closed", "readable", "file", "closed/new", "readable/new"] {
        let error = Embedded::open(&dir.join(name)).unwrap_err();
        assert_eq!(error.kind(), Kind::Denied, "{name}: {error}");
        assert!(error.message().contains(name), "{name}: {error}");
        println!("{error}");
    }
    let error = FileLock::open(&dir.join("readable")).unwrap_err();
    assert_eq!(error.kind(), Kind::Denied, "{error}");
}

/// Needs root, to become nobody.
#[test]
fn a_user_without_rights_is_denied_in_words() {
    let dir = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    open(dir.path(), 0o755).unwrap();
    for (name, mode) in [("closed", 0o700), ("readable", 0o755), ("file", 0o777)] {
        let state = dir.path().join(name);
        Embedded::open(&state).unwrap();
        open(&state, mode).unwrap();
    }
    let program = dir.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(&program)
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, dir.path())
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches("(EACCES)").count(), 5);
}

#[test]
fn two_handles_share_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Embedded::open(dir.path()).unwrap(), Embedded::open(dir.path()).unwrap());
    let key = Key::new(Table::Network, "", "a");
    commit(&one, vec![put(&key, "a", Expect::Absent)]).unwrap();
    assert_eq!(two.get(&key).unwrap().unwrap().text, "a");
    // Closing one handle takes nothing from the other.
    drop(one);
    commit(&two, vec![put(&key, "b", Expect::Any)]).unwrap();
    drop(two);
    let three = Embedded::open(dir.path()).unwrap();
    assert_eq!(everything(&three).unwrap().len(), 1);
    assert_eq!(three.file(), fs::canonicalize(dir.path()).unwrap().join("netberth.db"));
}
