//! What `nft` lists, but for elements.

use serde_json::Value;

use crate::common::{on_a_host, sh};

/// The table without elements, as the document has it.
const CONSTANT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules/netberth.nft");

/// Every object of the running ruleset but for elements and the kernel's numbers, one a line.
pub(crate) fn constant_part() -> String {
    let document: Value = serde_json::from_str(&sh("nft -s -j list ruleset")).unwrap();
    let objects = document["nftables"].as_array().unwrap().iter();
    let objects = objects.filter(|object| object.get("metainfo").is_none());
    let lines = objects.map(|object| without_elements(object.clone()).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

fn without_elements(mut object: Value) -> Value {
    for inner in object.as_object_mut().unwrap().values_mut() {
        let inner = inner.as_object_mut().unwrap();
        inner.remove("elem");
        inner.remove("handle");
    }
    object
}

/// The same of a host that has nothing but the constant table, read by `nft -f` from its document.
pub(crate) fn constant_table() -> String {
    let mut found = String::new();
    on_a_host(|_| {
        sh(&format!("nft -f {CONSTANT}"));
        found = constant_part();
    });
    found
}
