//! A failed step leaves nothing: for every verb in every situation, every single call of the kernel
//! or the store fails once.
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

use common::faulty::{Call, Manner};
use common::scenarios::{ENDPOINTS, JOINS, LEAVES, NETWORKS, Scenario, ports, services};
use common::verbs::{Verb, tear_down};
use common::world::{Undisturbed, World, same, whole_life};

/// The situations of services in which questions fail too.
const QUESTIONED: &[&str] = &["the second", "where it is by an endpoint", "one of two", "drain"];

/// Tries the verb until no call is left to fail; how many there are.
fn fail_every_call(scenario: &Scenario, manner: Manner) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let undisturbed = Undisturbed::of(directory.path(), scenario);
    for n in 1.. {
        let world = World::prepared(directory.path(), scenario);
        if services::is_one(scenario) && !QUESTIONED.contains(&scenario.name) {
            world.script.count_effects();
        }
        world.script.fail_once(n, manner);
        let result = world.run(scenario.verb);
        let Some(call) = world.script.failed().first().copied() else {
            assert!(result.is_ok(), "{}: {result:?}", scenario.name);
            return n - 1;
        };
        let name = format!("{} ({call:?})", scenario.name);
        // What is in a namespace that goes need not be told of.
        let told = result.is_err() || (call == Call::Undo && world.state() == *undisturbed.after());
        assert!(told, "{name}, call {n} failed and nobody said so");
        if scenario.verb.builds() {
            same(&name, n, "before", &undisturbed.before, &world.state());
            world.again(scenario.verb).unwrap_or_else(|error| panic!("{name}, {n}: {error}"));
        } else if result.is_err() {
            finish(&world, scenario, &undisturbed, &name, n, call);
        }
        same(&name, n, "after", undisturbed.after(), &world.state());
        // Of equal states one was taken down already.
        if services::is_one(scenario) {
            continue;
        }
        tear_down(world.netberth()).unwrap_or_else(|error| panic!("{name}, {n}: {error}"));
        whole_life(&name, n, &undisturbed.pristine, &world.state());
    }
    unreachable!("a verb has an end")
}

/// A verb that takes down was interrupted by a failure and is called again.
fn finish(
    world: &World,
    scenario: &Scenario,
    undisturbed: &Undisturbed,
    name: &str,
    n: usize,
    call: Call,
) {
    let state = world.state();
    match call {
        Call::Apply | Call::Undo => {
            assert!(!state.has_intent(), "{name}, call {n}: an intent is left");
            // A service that could not be forgotten everywhere is whole itself.
            let parts = undisturbed.after.iter().chain([&undisturbed.before]);
            let whole = parts.into_iter().any(|part| part.store == state.store);
            assert!(whole || state.has_mark(), "{name}, call {n}: nothing is marked");
        }
        Call::Ask | Call::Read => {
            let untouched = scenario.parts.is_empty();
            if untouched {
                same(name, n, "before", &undisturbed.before, &state);
            }
        }
        Call::Commit => {}
    }
    let finished_by_the_lock = state.has_intent();
    let again = world.again(scenario.verb);
    assert!(again.is_ok() || finished_by_the_lock, "{name}, call {n}: {again:?}");
}

fn fail_every_call_of(group: &str, scenarios: &[Scenario]) {
    let mut failed = Vec::new();
    for scenario in scenarios {
        // Only what builds sends several steps together; an endpoint builds nothing but `bridge`.
        let builds = match scenario.verb {
            Verb::Endpoint(network, _) => network == "bridge",
            // A back end is joined, and then there is one step more.
            Verb::Attach(..) | Verb::Publish(_) if services::is_one(scenario) => false,
            verb => verb.builds(),
        };
        let manners = [Manner::OneByOne, Manner::Together];
        let manners = if builds { &manners[..] } else { &manners[..1] };
        for manner in manners.iter().copied() {
            match catch_unwind(|| fail_every_call(scenario, manner)) {
                Ok(calls) => println!("{group}: {}: {calls} calls, {manner:?}", scenario.name),
                Err(_) => failed.push(format!("{}, {manner:?}", scenario.name)),
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_network_that_fails_leaves_nothing() {
    fail_every_call_of("network", NETWORKS);
}

#[test]
fn an_endpoint_that_fails_leaves_nothing() {
    fail_every_call_of("endpoint", ENDPOINTS);
}

#[test]
fn a_join_that_fails_leaves_nothing() {
    fail_every_call_of("join", JOINS);
}

#[test]
fn a_detaching_that_fails_can_be_called_again() {
    fail_every_call_of("leave", LEAVES);
}

#[test]
fn services_that_fail_are_as_recorded() {
    fail_every_call_of("attach", services::ATTACHES);
    fail_every_call_of("detach", services::DETACHES);
}

#[test]
fn ports_that_fail_leave_nothing() {
    fail_every_call_of("claimed ports", ports::CLAIMS);
    fail_every_call_of("live ports", ports::LIVE);
    fail_every_call_of("dead ports", ports::DEAD);
}
