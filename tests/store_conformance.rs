//! Every store through the one suite.

use std::sync::Arc;

use netberth::store::conformance::{commit, conforms, everything, put};
use netberth::store::{Embedded, Expect, Key, Memory, Overlay, Select, Store, Table};

#[test]
fn memory_conforms() {
    conforms(&Memory::new());
}

#[test]
fn embedded_conforms_and_again_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        conforms(&Embedded::open(dir.path()).unwrap());
    }
}

#[test]
fn overlay_conforms_over_both() {
    let dir = tempfile::tempdir().unwrap();
    let embedded: Arc<dyn Store> = Arc::new(Embedded::open(dir.path()).unwrap());
    conforms(&Overlay::over(Arc::clone(&embedded)));
    assert_eq!(everything(&*embedded).unwrap(), []);
    let memory = Memory::new();
    conforms(&Overlay::over(&memory as &dyn Store));
    conforms(&Overlay::over(&Overlay::over(&memory)));
    assert_eq!(everything(&memory).unwrap(), []);
}

#[test]
fn an_overlay_shows_what_is_beneath_and_leaves_it_alone() {
    let key = |id: &str| Key::new(Table::Network, "", id);
    let base = Memory::new();
    let made = ["a", "b", "c"].map(|id| put(&key(id), id, Expect::Absent)).to_vec();
    commit(&base, made).unwrap();
    let before = everything(&base).unwrap();
    let over = Overlay::over(&base as &dyn Store);
    assert_eq!(everything(&over).unwrap(), before);
    let beneath = before[1].revision;
    let changes = vec![
        put(&key("d"), "d", Expect::Absent),
        put(&key("b"), "b2", Expect::Revision(beneath)),
        netberth::store::conformance::delete(&key("a"), Expect::Any),
        put(&key("a"), "a2", Expect::Absent),
    ];
    commit(&over, changes).unwrap();
    let texts: Vec<String> =
        over.list(&Select::all(Table::Network)).unwrap().into_iter().map(|r| r.text).collect();
    assert_eq!(texts, ["b2", "c", "d", "a2"]);
    assert!(over.get(&key("b")).unwrap().unwrap().revision > beneath);
    assert_eq!(everything(&base).unwrap(), before);
    // What comes and goes beneath is seen, save for what was changed above.
    commit(&base, vec![put(&key("e"), "e", Expect::Any)]).unwrap();
    commit(&base, vec![netberth::store::conformance::delete(&key("b"), Expect::Any)]).unwrap();
    assert!(over.get(&key("e")).unwrap().is_some());
    assert_eq!(over.get(&key("b")).unwrap().unwrap().text, "b2");
    let listed = over.list(&Select::all(Table::Network)).unwrap();
    assert_eq!(listed.iter().filter(|record| record.text == "b2").count(), 1);
}
