//! What every store must do, as one function that any of them is put through.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use super::{Batch, Change, Expect, Key, Record, Select, Store, Table};
use crate::error::{Kind, Result};

/// Puts an empty store through the suite; panics where it does not conform.
pub fn conforms(store: &dyn Store) {
    is_empty(store);
    puts_and_gets(store);
    compares_and_sets(store);
    is_atomic(store);
    sees_its_own_changes(store);
    keeps_the_order_of_creation(store);
    selects(store);
    keeps_every_text(store);
    keeps_an_intent_until_the_next_commit(store);
    is_empty(store);
}

/// A change that writes.
pub fn put(key: &Key, text: &str, expect: Expect) -> Change {
    Change::Put { key: key.clone(), text: text.into(), expect }
}

/// A change that removes.
pub fn delete(key: &Key, expect: Expect) -> Change {
    Change::Delete { key: key.clone(), expect }
}

/// Commits changes, not durably.
pub fn commit(store: &dyn Store, changes: Vec<Change>) -> Result<()> {
    store.commit(&Batch { changes, durable: false })
}

/// Everything in a store, table by table in order of creation.
pub fn everything(store: &dyn Store) -> Result<Vec<Record>> {
    let mut all = Vec::new();
    for table in Table::ALL {
        all.extend(store.list(&Select::all(table))?);
    }
    Ok(all)
}

fn web(id: &str) -> Key {
    Key::new(Table::Endpoint, "web", id)
}

fn texts(store: &dyn Store, select: &Select<'_>) -> Vec<String> {
    store.list(select).unwrap().into_iter().map(|record| record.text).collect()
}

fn revision(store: &dyn Store, key: &Key) -> u64 {
    store.get(key).unwrap().unwrap().revision
}

fn refused(store: &dyn Store, changes: Vec<Change>, key: &Key) {
    let before = everything(store).unwrap();
    let error = commit(store, changes).unwrap_err();
    assert_eq!(error.kind(), Kind::Exists, "{error}");
    assert!(error.message().contains(&key.to_string()), "{error} does not name {key}");
    assert_eq!(everything(store).unwrap(), before, "a refused batch changed something");
}

fn keeps_an_intent_until_the_next_commit(store: &dyn Store) {
    assert_eq!(store.intended().unwrap(), None);
    for text in ["join", "", "de\0tach \u{1f980}"] {
        store.intend("what is replaced").unwrap();
        store.intend(text).unwrap();
        assert_eq!(store.intended().unwrap().as_deref(), Some(text));
        let key = web("a");
        refused(store, vec![put(&key, "a", Expect::Revision(7))], &key);
        assert_eq!(store.intended().unwrap().as_deref(), Some(text), "a refused batch drops it");
        store.commit(&Batch::default()).unwrap();
        assert_eq!(store.intended().unwrap(), None);
    }
}

fn is_empty(store: &dyn Store) {
    assert!(Table::ALL.iter().all(|table| store.is_empty(*table).unwrap()));
    assert_eq!(everything(store).unwrap(), []);
    assert_eq!(store.get(&web("a")).unwrap(), None);
}

fn clear(store: &dyn Store) {
    let all = everything(store).unwrap();
    commit(store, all.iter().map(|record| delete(&record.key, Expect::Any)).collect()).unwrap();
}

fn puts_and_gets(store: &dyn Store) {
    let key = web("a");
    store.commit(&Batch::default()).unwrap();
    commit(store, vec![put(&key, "one", Expect::Any)]).unwrap();
    assert!(!store.is_empty(Table::Endpoint).unwrap() && store.is_empty(Table::Lease).unwrap());
    let first = store.get(&key).unwrap().unwrap();
    assert_eq!((&first.key, first.text.as_str()), (&key, "one"));
    assert!(first.revision > 0);
    let changes = vec![put(&key, "two", Expect::Any)];
    store.commit(&Batch { changes, durable: true }).unwrap();
    let second = store.get(&key).unwrap().unwrap();
    assert_eq!(second.text, "two");
    assert!(second.revision > first.revision);
    // The same id elsewhere is another record.
    let others = [
        Key::new(Table::Endpoint, "db", "a"),
        Key::new(Table::Endpoint, "", "a"),
        Key::new(Table::Lease, "web", "a"),
    ];
    for other in &others {
        assert_eq!(store.get(other).unwrap(), None);
        commit(store, vec![put(other, "other", Expect::Absent)]).unwrap();
    }
    assert_eq!(store.get(&key).unwrap().unwrap(), second);
    commit(store, vec![delete(&key, Expect::Any), delete(&key, Expect::Any)]).unwrap();
    assert_eq!(store.get(&key).unwrap(), None);
    assert_eq!(store.get(&others[0]).unwrap().unwrap().text, "other");
    // A record that is made again never has a revision that it had before.
    commit(store, vec![put(&key, "three", Expect::Absent)]).unwrap();
    assert!(revision(store, &key) > second.revision);
    clear(store);
}

fn compares_and_sets(store: &dyn Store) {
    let (key, none) = (web("a"), web("none"));
    refused(store, vec![put(&none, "x", Expect::Revision(1))], &none);
    refused(store, vec![delete(&none, Expect::Revision(1))], &none);
    commit(store, vec![delete(&none, Expect::Absent)]).unwrap();
    commit(store, vec![put(&key, "one", Expect::Absent)]).unwrap();
    let first = revision(store, &key);
    refused(store, vec![put(&key, "x", Expect::Absent)], &key);
    refused(store, vec![delete(&key, Expect::Absent)], &key);
    for wrong in [0, first + 1, u64::MAX] {
        refused(store, vec![put(&key, "x", Expect::Revision(wrong))], &key);
        refused(store, vec![delete(&key, Expect::Revision(wrong))], &key);
    }
    commit(store, vec![put(&key, "two", Expect::Revision(first))]).unwrap();
    let second = revision(store, &key);
    refused(store, vec![put(&key, "x", Expect::Revision(first))], &key);
    commit(store, vec![delete(&key, Expect::Revision(second))]).unwrap();
    refused(store, vec![put(&key, "x", Expect::Revision(second))], &key);
    assert_eq!(store.get(&key).unwrap(), None);
}

fn is_atomic(store: &dyn Store) {
    let (old, gone) = (web("old"), web("gone"));
    commit(store, vec![put(&old, "old", Expect::Any), put(&gone, "gone", Expect::Any)]).unwrap();
    let good = [
        put(&web("new"), "new", Expect::Absent),
        put(&old, "changed", Expect::Any),
        delete(&gone, Expect::Any),
        put(&Key::new(Table::Intent, "", "i"), "i", Expect::Any),
    ];
    // The failing change first, last, and everywhere between.
    for place in 0..=good.len() {
        let mut changes = good.to_vec();
        let bad = Key::new(Table::Network, "", "bad");
        changes.insert(place, put(&bad, "bad", Expect::Revision(7)));
        refused(store, changes, &bad);
    }
    commit(store, good.to_vec()).unwrap();
    assert_eq!(texts(store, &Select::of(Table::Endpoint, "web")), ["changed", "new"]);
    clear(store);
}

fn sees_its_own_changes(store: &dyn Store) {
    let key = web("a");
    let made = put(&key, "one", Expect::Absent);
    refused(store, vec![made.clone(), made.clone()], &key);
    refused(store, vec![delete(&key, Expect::Any), delete(&key, Expect::Revision(1))], &key);
    commit(store, vec![made.clone(), delete(&key, Expect::Any), made.clone()]).unwrap();
    commit(store, vec![delete(&key, Expect::Any), made, put(&key, "two", Expect::Any)]).unwrap();
    assert_eq!(texts(store, &Select::all(Table::Endpoint)), ["two"]);
    clear(store);
}

fn keeps_the_order_of_creation(store: &dyn Store) {
    for id in ["c", "a", "d", "b"] {
        commit(store, vec![put(&web(id), id, Expect::Absent)]).unwrap();
    }
    let (f, e) = (put(&web("f"), "f", Expect::Any), put(&web("e"), "e", Expect::Any));
    commit(store, vec![f, e]).unwrap();
    let all = Select::of(Table::Endpoint, "web");
    assert_eq!(texts(store, &all), ["c", "a", "d", "b", "f", "e"]);
    commit(store, vec![put(&web("c"), "c2", Expect::Any)]).unwrap();
    assert_eq!(texts(store, &all), ["c2", "a", "d", "b", "f", "e"]);
    commit(store, vec![delete(&web("a"), Expect::Any)]).unwrap();
    commit(store, vec![put(&web("a"), "a2", Expect::Any)]).unwrap();
    assert_eq!(texts(store, &all), ["c2", "d", "b", "f", "e", "a2"]);
    commit(store, vec![put(&Key::new(Table::Endpoint, "aaa", "a"), "z", Expect::Any)]).unwrap();
    assert_eq!(
        texts(store, &Select::all(Table::Endpoint)),
        ["c2", "d", "b", "f", "e", "a2", "z"],
        "in order of creation over all parents"
    );
    clear(store);
}

fn selects(store: &dyn Store) {
    for (parent, id) in [("p", "ab"), ("p", "abc"), ("p", "b"), ("q", "abd"), ("", "ab"), ("p", "")]
    {
        let key = Key::new(Table::Lease, parent, id);
        commit(store, vec![put(&key, &format!("{parent}/{id}"), Expect::Any)]).unwrap();
    }
    let select = |parent, prefix| Select { table: Table::Lease, parent, prefix };
    assert_eq!(texts(store, &select(Some("p"), "ab")), ["p/ab", "p/abc"]);
    assert_eq!(texts(store, &select(None, "ab")), ["p/ab", "p/abc", "q/abd", "/ab"]);
    assert_eq!(texts(store, &select(Some(""), "")), ["/ab"]);
    assert_eq!(texts(store, &select(Some("p"), "")), ["p/ab", "p/abc", "p/b", "p/"]);
    assert_eq!(texts(store, &select(Some("p"), "abcd")), [""; 0]);
    assert_eq!(texts(store, &select(Some("none"), "")), [""; 0]);
    // No character is a wildcard.
    for prefix in ["%", "_", "a%", "*", "'", "\""] {
        assert_eq!(texts(store, &select(None, prefix)), [""; 0], "{prefix}");
    }
    clear(store);
}

fn keeps_every_text(store: &dyn Store) {
    let odd = ["", " ", "é", "e\u{301}", "\u{1f980}", "a\0b", "'; --", "\u{10ffff}", "A", "a", "%"];
    for id in odd {
        commit(store, vec![put(&Key::new(Table::Name, id, id), id, Expect::Absent)]).unwrap();
    }
    for id in odd {
        let found = store.get(&Key::new(Table::Name, id, id)).unwrap().unwrap();
        assert_eq!((found.key.id.as_str(), found.text.as_str()), (id, id));
        let select = Select { table: Table::Name, parent: Some(id), prefix: id };
        assert_eq!(texts(store, &select), [id]);
    }
    assert_eq!(texts(store, &Select::all(Table::Name)), odd);
    let large = "\u{1f980}0123456789ab".repeat(256 * 1024);
    let key = Key::new(Table::Sandbox, "", "large");
    commit(store, vec![put(&key, &large, Expect::Any)]).unwrap();
    assert!(store.get(&key).unwrap().unwrap().text == large, "4 MiB came back changed");
    clear(store);
}
