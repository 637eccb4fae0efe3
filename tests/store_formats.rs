//! Files of every format that was ever written: `tests/golden/store/format-N.db` is one that the
//! netberth of its time made, `format-N.txt` what `sqlite3` found in it then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use netberth::kernel::fake::Fake;
use netberth::model::{Filter, NetworkSpec};
use netberth::store::conformance::everything;
use netberth::store::{Embedded, Record, Select, Store, Table};
use netberth::{Config, Kind, Netberth};

const FIRST: &[u8] = include_bytes!("golden/store/format-1.db");
const FOUND: &str = include_str!("golden/store/format-1.txt");

/// A state directory with a file of the first format.
fn first() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("netberth.db"), FIRST).unwrap();
    dir
}

fn listed(records: &[Record]) -> Vec<String> {
    let line = |record: &Record| {
        let Record { key, text, revision } = record;
        format!("{} '{}' {} {revision} {text}", key.table.name(), key.parent, key.id)
    };
    let mut lines: Vec<String> = records.iter().map(line).collect();
    lines.sort();
    lines
}

fn format(dir: &Path) -> i64 {
    let connection = rusqlite::Connection::open(dir.join("netberth.db")).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn expected() -> Vec<String> {
    let mut lines: Vec<String> = FOUND.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_first_format_is_opened_and_brought_to_the_present_one() {
    let dir = first();
    assert_eq!(format(dir.path()), 1);
    assert_eq!(expected().len(), 36);
    for _ in 0..2 {
        let store = Embedded::open(dir.path()).unwrap();
        assert_eq!(listed(&everything(&store).unwrap()), expected());
        drop(store);
        assert_eq!(format(dir.path()), 2);
    }
}

#[test]
fn many_that_open_it_at_once_find_the_same() {
    for _ in 0..8 {
        let dir = first();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let store = Embedded::open(dir.path()).unwrap();
                    assert_eq!(listed(&everything(&store).unwrap()), expected());
                });
            }
        });
        assert_eq!(format(dir.path()), 2);
    }
}

#[test]
fn one_that_is_damaged_stays_in_its_format_and_as_it_is() {
    // The last: what a page no longer uses may hold others.
    let place = FIRST.windows(9).rposition(|bytes| bytes == b"\"internal").unwrap();
    let mut bytes = FIRST.to_vec();
    bytes[place] ^= 1;
    let dir = first();
    let file = dir.path().join("netberth.db");
    fs::write(&file, &bytes).unwrap();
    for _ in 0..2 {
        let error = Embedded::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "{error}");
        assert!(error.message().contains("not as it was written"), "{error}");
        assert!(fs::read(&file).unwrap() == bytes, "it was written to");
    }
    assert_eq!(format(dir.path()), 1);
}

#[test]
fn a_netberth_of_its_time_may_still_be_writing() {
    let dir = first();
    let old = rusqlite::Connection::open(dir.path().join("netberth.db")).unwrap();
    let store = Embedded::open(dir.path()).unwrap();
    // What the older library says to put a record again, to the letter of its statement.
    let rows = old
        .execute(
            "INSERT OR REPLACE INTO record (tbl, parent, id, revision, born, sum, text)
             SELECT tbl, parent, id, revision, born, sum, text FROM record",
            [],
        )
        .unwrap();
    assert_eq!(rows, 36);
    assert_eq!(listed(&everything(&store).unwrap()), expected());
}

#[test]
fn its_networks_live_on_and_its_unfinished_verb_is_undone() {
    let dir = first();
    let config = Config {
        state_dir: dir.path().to_owned(),
        run_dir: dir.path().join("run"),
        ..Config::default()
    };
    let store = Arc::new(Embedded::open(dir.path()).unwrap());
    assert_eq!(store.list(&Select::all(Table::Intent)).unwrap().len(), 1);
    let fake = Arc::new(Fake::new());
    let netberth = Netberth::open_with(config, fake, store.clone()).unwrap();
    assert_eq!(store.list(&Select::all(Table::Intent)).unwrap(), []);
    let networks = netberth.networks(&Filter::all(), true).unwrap();
    let names: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!(names, ["none", "host", "bridge", "wéb", "db"]);
    let endpoints = netberth.endpoints("wéb", &Filter::all(), false).unwrap();
    assert_eq!(endpoints.len(), 2);
    assert_eq!(netberth.sandboxes().unwrap().len(), 1);
    let spec = NetworkSpec::from_json(br#"{"name":"new"}"#).unwrap();
    netberth.network_create(&spec).unwrap();
}
