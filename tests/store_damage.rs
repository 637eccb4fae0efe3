//! Damaged, foreign and newer files: an error or the whole content, never silent emptiness.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::fs;
use std::path::{Path, PathBuf};

use netberth::Kind;
use netberth::store::conformance::{commit, delete, everything, put};
use netberth::store::{Embedded, Expect, Key, Record, Store, Table};

/// A state directory with `count` records, all of them in the file and none in its log.
fn filled(count: usize) -> (tempfile::TempDir, Vec<Record>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path()).unwrap();
    let tables = [Table::Network, Table::Endpoint, Table::Lease];
    let changes = (0..count)
        .map(|n| {
            let key = Key::new(tables[n % 3], "web", format!("id{n:05}"));
            put(&key, &format!("{{\"n\":{n},\"text\":\"{}\"}}", "y".repeat(n % 97)), Expect::Any)
        })
        .collect();
    commit(&store, changes).unwrap();
    let all = everything(&store).unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(dir.path().join("netberth.db")).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    assert!(!dir.path().join("netberth.db-wal").exists());
    (dir, all)
}

/// What opening and reading everything gives.
fn read(dir: &Path) -> netberth::Result<Vec<Record>> {
    everything(&Embedded::open(dir)?)
}

/// Whether it was an error; a panic where it was other content.
fn errs_or_is(dir: &Path, all: &[Record], what: &str) -> bool {
    match read(dir) {
        Ok(found) => {
            assert!(found == all, "{what}: other content without an error");
            false
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Store, "{what}: {error}");
            assert!(error.message().contains("netberth.db"), "{what}: {error} names no file");
            true
        }
    }
}

fn remove_log(dir: &Path) {
    for name in ["netberth.db-wal", "netberth.db-shm"] {
        let _ = fs::remove_file(dir.join(name));
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for count in [0, 3, 300] {
        let (dir, all) = filled(count);
        let file = dir.path().join("netberth.db");
        let whole = fs::read(&file).unwrap();
        let lengths = (0..whole.len()).step_by(509).chain([1, 511, 512, 4095, whole.len() - 1]);
        for length in lengths {
            fs::write(&file, &whole[..length]).unwrap();
            remove_log(dir.path());
            let what = format!("cut to {length} of {}", whole.len());
            assert!(errs_or_is(dir.path(), &all, &what), "{what}: was read as whole");
            assert_eq!(fs::read(&file).unwrap(), &whole[..length], "{what}: was written to");
        }
    }
}

/// A record may be found by its key, or the reading fails; it is not silently absent.
fn each_is_found_or_errs(dir: &Path, all: &[Record], what: &str) {
    let Ok(store) = Embedded::open(dir) else { return };
    for record in all {
        if let Ok(found) = store.get(&record.key) {
            assert_eq!(found.as_ref(), Some(record), "{what}");
        }
    }
}

#[test]
fn flipped_bytes_in_a_small_file_never_change_what_is_read() {
    let (dir, all) = filled(60);
    let file = dir.path().join("netberth.db");
    let whole = fs::read(&file).unwrap();
    let (mut errors, mut tried) = (0, 0);
    let dense = 0..200;
    for (place, mask) in
        dense.chain((200..whole.len()).step_by(13)).flat_map(|p| [(p, 1), (p, 0xff)])
    {
        let mut bytes = whole.clone();
        bytes[place] ^= mask;
        fs::write(&file, &bytes).unwrap();
        remove_log(dir.path());
        let what = format!("byte {place} of {} by {mask:#x}", whole.len());
        tried += 1;
        errors += usize::from(errs_or_is(dir.path(), &all, &what));
        each_is_found_or_errs(dir.path(), &all, &what);
    }
    assert!(errors * 20 > tried, "{errors} errors of {tried}: the test hits nothing");
}

#[test]
fn flipped_bytes_in_a_large_file_never_change_a_list() {
    let (dir, all) = filled(6000);
    let file = dir.path().join("netberth.db");
    let whole = fs::read(&file).unwrap();
    assert!(whole.len() > 300 * 1024, "{} bytes are not large", whole.len());
    let mut errors = 0;
    for place in (3..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        remove_log(dir.path());
        errors += usize::from(errs_or_is(dir.path(), &all, &format!("byte {place}")));
    }
    assert!(errors > 30, "{errors} errors");
}

fn refusal(dir: &Path) -> String {
    let before = fs::read(dir.join("netberth.db")).ok();
    let error = read(dir).unwrap_err();
    assert_eq!(error.kind(), Kind::Store, "{error}");
    assert_eq!(fs::read(dir.join("netberth.db")).ok(), before, "a refused file was changed");
    error.message()
}

#[test]
fn what_is_not_a_file_of_netberth_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("netberth.db");
    fs::write(&file, "my own notes, which nobody may overwrite\n".repeat(99)).unwrap();
    assert!(refusal(dir.path()).contains("not a file of netberth"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let error = read(dir.path()).unwrap_err();
    assert!(error.message().contains("no file"), "{error}");
    fs::remove_dir(&file).unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE record (id); PRAGMA user_version=1").unwrap();
    drop(other);
    assert!(refusal(dir.path()).contains("not of netberth"));
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let (dir, _) = filled(3);
    let connection = rusqlite::Connection::open(dir.path().join("netberth.db")).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let text = refusal(dir.path());
    assert!(text.contains("format 3") && text.contains("knows 1 to 2"), "{text}");
}

#[test]
fn a_file_that_is_gone_while_its_log_is_there_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path()).unwrap();
    commit(&store, vec![put(&Key::new(Table::Network, "", "a"), "a", Expect::Any)]).unwrap();
    drop(store);
    fs::remove_file(dir.path().join("netberth.db")).unwrap();
    assert!(refusal(dir.path()).contains("missing"));
    assert!(dir.path().join("netberth.db-wal").exists());
    // And a log whose file was emptied keeps what it holds.
    fs::write(dir.path().join("netberth.db"), "").unwrap();
    let log = fs::read(dir.path().join("netberth.db-wal")).unwrap();
    assert!(refusal(dir.path()).contains("cut off"));
    assert_eq!(fs::read(dir.path().join("netberth.db-wal")).unwrap(), log);
}

#[test]
fn an_older_copy_is_refused_until_it_is_wanted() {
    let (dir, all) = filled(3);
    let file = dir.path().join("netberth.db");
    let copy = fs::read(&file).unwrap();
    // Nothing but a removal: that is forgotten, too.
    let store = Embedded::open(dir.path()).unwrap();
    commit(&store, vec![delete(&all[0].key, Expect::Any)]).unwrap();
    drop(store);
    fs::write(&file, &copy).unwrap();
    remove_log(dir.path());
    let text = refusal(dir.path());
    assert!(text.contains("ends at revision") && text.contains("remove netberth.mark"), "{text}");
    fs::remove_file(dir.path().join("netberth.mark")).unwrap();
    assert_eq!(read(dir.path()).unwrap(), all);
}

#[test]
fn records_that_were_there_are_not_begun_anew_in_silence() {
    let (dir, _) = filled(3);
    fs::remove_file(dir.path().join("netberth.db")).unwrap();
    remove_log(dir.path());
    let text = refusal(dir.path());
    assert!(text.contains("missing") && text.contains("netberth.mark away"), "{text}");
    assert!(!dir.path().join("netberth.db").exists());
    fs::remove_file(dir.path().join("netberth.mark")).unwrap();
    assert_eq!(read(dir.path()).unwrap(), []);
}
