//! Rehearsals change nothing.

use super::bed::Bed;

#[test]
fn every_changing_command_can_be_rehearsed() {
    let bed = Bed::new();
    bed.furnish();
    std::fs::write(
        bed.path("joins"),
        r#"[{"network":"web","endpoint":{"name":"m"},"container":{"container_id":"m1"}}]"#,
    )
    .unwrap();
    let before = bed.world();
    for (line, part) in [
        ("network create more --subnet 10.90.0.0/24", "type bridge"),
        ("endpoint create web more -p 90:90", ""),
        ("join web idle c9", "ip link add nb"),
        ("join --from joins", "ip link add nb"),
        ("detach web front", "ip link del nb"),
        ("endpoint rm --force web front", "ip link del nb"),
        ("service publish more --network web", ""),
        ("service attach api backend-3", "nft "),
        ("service detach api backend-1", "nft "),
        ("service detach --drain api backend-1", "nft "),
        ("service rm --force api", "nft "),
        ("sandbox rm c1container backend-1", "c1container"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let dry = bed.ok(&[words.as_slice(), &["--dry-run"]].concat());
        assert!(dry.contains(part), "{line}: {dry}");
        let plan = bed.ok(&[&["plan"], words.as_slice()].concat());
        // New ids are made by chance, and names of devices of them.
        let by_chance = ["create", "publish", "attach", "--from"];
        if !by_chance.iter().any(|word| line.contains(word)) {
            assert_eq!(plan, dry, "{line}");
        }
        // One document for each verb, a line each.
        for document in bed.ok(&[&["--json", "plan"], words.as_slice()].concat()).lines() {
            let document: serde_json::Value = serde_json::from_str(document).unwrap();
            assert!(document["plan"].is_array(), "{line}: {document}");
        }
        before.same(&bed.world(), line);
    }
    assert_eq!(bed.run(&["network", "ls", "--dry-run"]).status, 2);
    assert_eq!(bed.run(&["network", "rm", "-f", "web", "--dry-run"]).status, 2);
    assert_eq!(bed.run(&["plan", "network", "rm", "-f", "web"]).status, 2);
    before.same(&bed.world(), "what was refused or rehearsed");
}

#[test]
fn what_is_malformed_does_not_even_make_a_directory() {
    let bed = Bed::new();
    let said = bed.run(&["network", "create", "web", "--request", "{\"nme\":1}"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("unknown key `nme`"), "{said:?}");
    assert_eq!(bed.run(&["version"]).status, 0);
    assert!(!bed.path("state").exists() && !bed.path("run").exists());
}
