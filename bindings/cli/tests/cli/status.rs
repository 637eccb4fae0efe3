//! Exit statuses, and what is wrong with the words themselves.

use super::bed::Bed;

#[test]
fn verify_has_a_status_of_its_own() {
    let bed = Bed::new();
    // Settings that other tests may have are those of a network of its own.
    bed.furnish();
    let sound = bed.run(&["verify"]);
    bed.shell("nft flush ruleset");
    let broken = bed.run(&["verify"]);
    assert_eq!(broken.status, 1, "{broken:?}");
    assert!(broken.out.lines().count() > sound.out.lines().count(), "{sound:?} {broken:?}");
    assert!(broken.err.is_empty() && sound.err.is_empty());
    let json = bed.run(&["--json", "verify"]);
    assert!(json.status == 1 && json.out.starts_with("{\"differences\":[{"), "{json:?}");
}

#[test]
fn what_differs_is_repaired() {
    let bed = Bed::new();
    bed.furnish();
    // What the host itself keeps from working is not for repair to change.
    let sound = bed.run(&["--json", "verify"]);
    bed.shell("nft delete element inet netberth pub4_any '{ tcp . 8080 }'");
    assert_ne!(bed.run(&["--json", "verify"]), sound);
    let before = bed.world();
    let plan = bed.ok(&["repair", "--dry-run"]);
    assert!(plan.contains("pub4_any { tcp . 8080 : 10.88.0.2 . 80 }"), "{plan}");
    assert_eq!(bed.ok(&["plan", "repair"]), plan);
    before.same(&bed.world(), "what was refused or rehearsed");
    let said = bed.run(&["repair"]);
    assert!(
        said.out.starts_with("repaired endpoint front: element inet netberth pub4_any"),
        "{said:?}"
    );
    assert_eq!((said.status, said.err.as_str()), (sound.status, ""), "{said:?}");
    assert_eq!(bed.run(&["--json", "verify"]), sound);
    let again = bed.run(&["--json", "repair"]);
    assert!(again.out.starts_with("{\"repaired\":[],\"differences\":["), "{again:?}");
}

#[test]
fn what_is_left_of_the_dead_is_collected() {
    let bed = Bed::new();
    bed.furnish();
    assert_eq!(bed.ok(&["gc"]), "nothing to collect");
    bed.shell("umount -l run/netns/c1container");
    // The kernel takes the links away when it comes to it: what is recorded is compared.
    let before = bed.ok(&["--json", "endpoint", "ls", "--long"]);
    assert!(!bed.ok(&["gc", "--dry-run"]).is_empty());
    assert_eq!(bed.ok(&["--json", "endpoint", "ls", "--long"]), before);
    assert!(bed.ok(&["sandbox", "ls", "-q"]).contains("c1container"));
    let said = bed.ok(&["gc"]);
    assert!(said.starts_with("collected sandbox c1container: "), "{said}");
    assert_eq!(bed.ok(&["sandbox", "ls", "-q"]), "backend-1\nbackend-2");
    assert_eq!(bed.ok(&["--json", "gc"]), "{\"collected\":[]}");
}

#[test]
fn words_that_mean_nothing_are_refused() {
    let bed = Bed::new();
    for line in [
        "netwrk ls",
        "network",
        "network create",
        "network create web --subnet 10.0.0.1",
        "endpoint create web front -p 80:90:100",
        "join web front",
        "join --from x --request {}",
        "join web front c1 --atomic",
        "join web front c1 --pid 1 --netns /x",
        "exec c1",
        "completion tcsh",
        "network ls -H /run/x.sock",
        "network ls --tlscert x",
    ] {
        let said = bed.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{line}: {said:?}");
        assert!(!said.err.is_empty(), "{line}");
    }
    assert!(bed.run(&["netwrk", "ls"]).err.contains("'network'"), "it knows what was meant");
    assert!(!bed.path("state").exists());
}

#[test]
fn a_state_directory_that_is_none() {
    let bed = Bed::new();
    std::fs::write(bed.path("state"), "").unwrap();
    let said = bed.run(&["network", "ls"]);
    assert!([7, 9, 10].contains(&said.status), "{said:?}");
    assert!(said.err.starts_with("error: "), "{said:?}");
}
