//! Whenever a process dies, the next open makes it so that its verb was done or was never begun.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a loop of a test that cannot go on must say so"
)]

mod common;

use std::panic::catch_unwind;
use std::path::Path;

use common::scenarios::{ENDPOINTS, JOINS, LEAVES, NETWORKS, Scenario, ports, services};
use common::verbs::{difference, tear_down};
use common::world::{State, Undisturbed, World, same, whole_life};

/// What a loop found.
#[derive(Default)]
struct Count {
    points: usize,
    undone: usize,
}

/// After the repair: before or after, and from there on everything works.
fn check(world: &World, scenario: &Scenario, undisturbed: &Undisturbed, n: usize) -> bool {
    let name = scenario.name;
    let state = world.state();
    assert!(!state.has_intent(), "{name}, call {n}: an intent is left");
    if services::is_one(scenario) {
        assert_eq!(world.netberth().verify().unwrap().differences, [], "{name}, call {n}");
    }
    let undone = state == undisturbed.before;
    if !undone && !undisturbed.after.contains(&state) {
        let to = |expected: &State| expected.difference(&state);
        let (before, after) = (to(&undisturbed.before), to(undisturbed.after()));
        panic!("{name}, call {n}: neither before:\n{before}nor after:\n{after}");
    }
    if state != *undisturbed.after() {
        world.again(scenario.verb).unwrap_or_else(|error| panic!("{name}, {n}: again: {error}"));
        same(name, n, "after", undisturbed.after(), &world.state());
    }
    // Of equal states one was taken down already.
    if !services::is_one(scenario) {
        tear_down(world.netberth()).unwrap_or_else(|error| panic!("{name}, {n}: {error}"));
        whole_life(name, n, &undisturbed.pristine, &world.state());
    }
    undone
}

/// A world whose process died before the `n`-th call of the verb; none if the verb has fewer.
fn killed(directory: &Path, scenario: &Scenario, n: usize) -> Option<World> {
    let world = World::prepared(directory, scenario);
    if services::is_one(scenario) {
        world.script.count_effects();
    }
    world.script.die_at(n);
    let result = world.run(scenario.verb);
    if world.script.failed().is_empty() {
        assert!(result.is_ok(), "{}: {result:?}", scenario.name);
        return None;
    }
    assert!(result.is_err(), "{}: dead before call {n}, and done", scenario.name);
    Some(world)
}

/// Dies before every call in turn.
fn kill_at_every_call(scenario: &Scenario) -> Count {
    let directory = tempfile::tempdir().unwrap();
    let undisturbed = Undisturbed::of(directory.path(), scenario);
    let mut count = Count::default();
    for n in 1.. {
        let Some(mut world) = killed(directory.path(), scenario, n) else { return count };
        world.script.calm(0);
        world.open().unwrap_or_else(|error| panic!("{}, {n}: {error}", scenario.name));
        count.points += 1;
        count.undone += usize::from(check(&world, scenario, &undisturbed, n));
    }
    unreachable!("a verb has an end")
}

/// The same without a new open: the handle lives on, and the next verb repairs.
fn lose_the_store_at_every_call(scenario: &Scenario) -> Count {
    let directory = tempfile::tempdir().unwrap();
    let undisturbed = Undisturbed::of(directory.path(), scenario);
    let mut count = Count::default();
    for n in 1.. {
        let Some(world) = killed(directory.path(), scenario, n) else { return count };
        world.script.calm(0);
        // Any verb that takes the lock will do.
        world.netberth().network_delete("there is none").unwrap_err();
        count.points += 1;
        count.undone += usize::from(check(&world, scenario, &undisturbed, n));
    }
    unreachable!("a verb has an end")
}

/// Dies before every call, and the process that repairs dies before every call of its own.
fn kill_the_repair(scenario: &Scenario) -> Count {
    let directory = tempfile::tempdir().unwrap();
    let undisturbed = Undisturbed::of(directory.path(), scenario);
    let mut count = Count::default();
    for n in 1.. {
        for m in 1.. {
            let Some(mut world) = killed(directory.path(), scenario, n) else { return count };
            world.script.calm(0);
            world.script.die_at(m);
            let opened = world.open();
            let whole = world.script.failed().is_empty();
            assert_eq!(opened.is_ok(), whole, "{}, {n}, {m}: {opened:?}", scenario.name);
            world.script.calm(0);
            if !whole {
                world.open().unwrap_or_else(|error| panic!("{}, {n}, {m}: {error}", scenario.name));
            }
            count.points += 1;
            count.undone += usize::from(check(&world, scenario, &undisturbed, n));
            if whole {
                break;
            }
        }
    }
    unreachable!("a verb has an end")
}

/// A call fails and, while it is undone, an undoing too; the world after each such pair.
fn fail_the_undoing(scenario: &Scenario, mut then: impl FnMut(World, &Undisturbed)) {
    let directory = tempfile::tempdir().unwrap();
    let undisturbed = Undisturbed::of(directory.path(), scenario);
    for n in 1.. {
        for m in 1.. {
            let world = World::prepared(directory.path(), scenario);
            world.script.fail_twice(n, m);
            let result = world.run(scenario.verb);
            let failures = world.script.failed().len();
            world.script.calm(0);
            if failures == 0 {
                return;
            }
            let error = result.expect_err("a failure that is not told");
            if failures == 1 {
                break;
            }
            // What is in a namespace that goes need not be told of.
            let told = error.cleanup().len() == 1 || !world.state().has_intent();
            assert!(told, "{}, {n}, {m}: {error}", scenario.name);
            then(world, &undisturbed);
        }
    }
}

fn of_all<'a>(
    what: &str,
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    try_it: fn(&Scenario) -> Count,
) {
    let mut failed = Vec::new();
    let mut all = Count::default();
    for scenario in scenarios {
        match catch_unwind(|| try_it(scenario)) {
            Ok(Count { points, undone }) => {
                all.points += points;
                all.undone += undone;
            }
            Err(_) => failed.push(scenario.name),
        }
    }
    let Count { points, undone } = all;
    println!("{what}: {points} points, {undone} undone, {} done", points - undone);
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_death_while_building_is_repaired_by_the_next_open() {
    of_all("building", [NETWORKS, JOINS].into_iter().flatten(), kill_at_every_call);
}

#[test]
fn a_death_while_taking_down_is_repaired_by_the_next_open() {
    of_all("taking down", [ENDPOINTS, LEAVES].into_iter().flatten(), kill_at_every_call);
}

#[test]
fn a_death_with_ports_is_repaired_by_the_next_open() {
    let all = [ports::CLAIMS, ports::LIVE, ports::DEAD].into_iter().flatten();
    of_all("ports", all, kill_at_every_call);
}

/// Exactly the back ends that are recorded are in the maps.
#[test]
fn a_death_with_services_is_repaired_by_the_next_open() {
    let all = [services::ATTACHES, services::DETACHES, services::GROWTH].into_iter().flatten();
    of_all("services", all, kill_at_every_call);
}

#[test]
fn a_handle_that_lost_its_store_repairs_at_its_next_verb() {
    let all = [NETWORKS, ENDPOINTS, LEAVES].into_iter().flatten();
    of_all("the next verb", all, lose_the_store_at_every_call);
}

fn building() -> impl Iterator<Item = &'static Scenario> {
    let groups = [NETWORKS, ENDPOINTS, JOINS, ports::LIVE].into_iter().flatten();
    groups.filter(|scenario| scenario.verb.builds())
}

#[test]
fn what_cannot_be_undone_is_undone_before_the_next_verb() {
    let most = [
        "several subnets",
        "the first on bridge",
        "a service",
        "own namespace",
        "files elsewhere",
        "a second that goes first",
        "parents",
        "again after detaching",
        "of every sort",
    ];
    let mut points = 0;
    for scenario in building().filter(|scenario| most.contains(&scenario.name)) {
        fail_the_undoing(scenario, |mut world, undisturbed| {
            points += 1;
            if points % 2 == 0 {
                world.open().unwrap();
            } else {
                world.netberth().network_delete("there is none").unwrap_err();
            }
            assert!(check(&world, scenario, undisturbed, points), "{}", scenario.name);
        });
    }
    println!("two failures: {points} points");
}

/// The undoing fails again and again, and meanwhile the same is built by another verb.
#[test]
fn what_others_need_by_then_is_left_alone() {
    let most = ["several subnets", "the first on bridge", "own namespace", "files elsewhere"];
    let mut points = 0;
    for scenario in building().filter(|scenario| most.contains(&scenario.name)) {
        fail_the_undoing(scenario, |mut world, undisturbed| {
            points += 1;
            let name = scenario.name;
            // The first undoing of the verb is that of what is left.
            world.script.calm(1000);
            world.script.fail_undoing(1);
            let again = world.run(scenario.verb);
            world.script.calm(0);
            if again.is_ok() {
                world.open().unwrap();
                // Lines of others' files are in no plan: what is left of them is taken away.
                let is_name = |line: &&str| line.starts_with("file ") && line.contains("/hosts ");
                let kernel = |state: &State| {
                    let lines = state.kernel.lines().filter(|line| !is_name(line));
                    lines.collect::<Vec<_>>().join("\n")
                };
                let (expected, found) = (kernel(undisturbed.after()), kernel(&world.state()));
                assert_eq!(difference(&expected, &found), "", "{name}, {points}");
            }
            tear_down(world.netberth()).unwrap();
            world.open().unwrap();
            whole_life(name, points, &undisturbed.pristine, &world.state());
        });
    }
    println!("two failures, and another: {points} points");
}

/// Every sort of verb, each in the situation in which it does most.
#[test]
fn a_repair_that_dies_is_repaired_in_turn() {
    let most = [
        "ipv6",
        "delete one of two",
        "a service",
        "a given namespace",
        "the default route moves",
        "delete a sandbox on two networks",
    ];
    let scenarios = [NETWORKS, ENDPOINTS, JOINS, LEAVES].into_iter().flatten();
    let chosen = scenarios.filter(|scenario| most.contains(&scenario.name));
    of_all("repairs", chosen, kill_the_repair);
}
