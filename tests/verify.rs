//! After every verb in every situation, and after every one that failed, nothing is found to differ:
//! records and kernel say the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a loop of a test that cannot go on must say so"
)]

mod common;

use common::faulty::Manner;
use common::scenarios::{all, services};
use common::world::World;
use netberth::model::Difference;

fn differences(world: &World) -> Vec<Difference> {
    let mut all = world.netberth().verify().unwrap().differences;
    // Some scenarios are about a container that ended without a word, and that is told.
    all.retain(|one| !one.object.starts_with("namespace "));
    all
}

#[test]
fn every_verb_leaves_what_it_has_recorded() {
    for (group, scenario) in all() {
        let directory = tempfile::tempdir().unwrap();
        let world = World::prepared(directory.path(), scenario);
        assert_eq!(differences(&world), [], "{group}: {}, before", scenario.name);
        world.run(scenario.verb).unwrap();
        assert_eq!(differences(&world), [], "{group}: {}", scenario.name);
    }
}

#[test]
fn a_verb_that_failed_leaves_what_is_recorded() {
    for (group, scenario) in all().into_iter().filter(|(_, scenario)| scenario.verb.builds()) {
        let directory = tempfile::tempdir().unwrap();
        for n in 1.. {
            let world = World::prepared(directory.path(), scenario);
            if services::is_one(scenario) {
                world.script.count_effects();
            }
            world.script.fail_once(n, Manner::OneByOne);
            let result = world.run(scenario.verb);
            if world.script.failed().is_empty() {
                result.unwrap();
                break;
            }
            assert_eq!(differences(&world), [], "{group}: {}, call {n}", scenario.name);
        }
    }
}
