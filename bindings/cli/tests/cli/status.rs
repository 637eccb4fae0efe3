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
