//! netberth on the fake kernel and a store in memory, both under one script.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use netberth::kernel::fake::Fake;
use netberth::store::Memory;
use netberth::{Config, Netberth, Result};

use super::faulty::{FaultyKernel, FaultyStore, Script};
use super::scenarios::Scenario;
use super::verbs::{Verb, difference, dump, tear_down};

/// The first random number of the verb that is tried.
const TRIED: u64 = 1000;

/// The fake kernel and the store, as text to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub kernel: String,
    pub store: String,
}

impl State {
    /// What differs, one line each.
    pub fn difference(&self, found: &State) -> String {
        difference(&self.kernel, &found.kernel) + &difference(&self.store, &found.store)
    }

    /// Whether a verb is under way, or something is left of one.
    pub fn has_intent(&self) -> bool {
        self.store.lines().any(|line| line.starts_with("intent/"))
    }

    /// Whether something is marked as half taken down.
    pub fn has_mark(&self) -> bool {
        let marks = [
            r#""deleting":true"#,
            r#""detaching":true"#,
            r#""draining":true"#,
            r#""state":"deleting""#,
        ];
        marks.iter().any(|mark| self.store.contains(mark))
    }
}

/// A host and its netberth.
pub struct World {
    pub fake: Arc<Fake>,
    pub script: Arc<Script>,
    store: Arc<Memory>,
    netberth: Option<Netberth>,
    directory: PathBuf,
}

impl World {
    /// A new host on which nothing was done yet. Worlds that follow each other may have the same
    /// directory: only the lock is a real file.
    pub fn new(directory: &Path, scenario: &Scenario) -> World {
        let fake = Arc::new(Fake::new());
        (scenario.outside)(&fake, directory);
        let mut world = World {
            fake,
            script: Script::new(),
            store: Arc::new(Memory::new()),
            netberth: None,
            directory: directory.to_owned(),
        };
        world.open().unwrap();
        world
    }

    /// The same with the scenario's verbs before the one that is tried.
    pub fn prepared(directory: &Path, scenario: &Scenario) -> World {
        let world = World::new(directory, scenario);
        for verb in scenario.setup {
            world.run(*verb).unwrap_or_else(|error| panic!("{}: {verb:?}: {error}", scenario.name));
        }
        (scenario.meanwhile)(&world.fake, directory);
        world.script.calm(TRIED);
        world
    }

    /// As a new process: the handle before it is gone.
    pub fn open(&mut self) -> Result<()> {
        self.netberth = None;
        let config = Config {
            state_dir: self.directory.join("state"),
            run_dir: self.directory.join("run"),
            ..Config::default()
        };
        let kernel = FaultyKernel { inner: self.fake.clone(), script: self.script.clone() };
        let store = FaultyStore { inner: self.store.clone(), script: self.script.clone() };
        self.netberth = Some(Netberth::open_with(config, Arc::new(kernel), Arc::new(store))?);
        Ok(())
    }

    pub fn netberth(&self) -> &Netberth {
        self.netberth.as_ref().unwrap()
    }

    pub fn run(&self, verb: Verb) -> Result<()> {
        verb.run(self.netberth(), &self.directory)
    }

    /// The verb again, with the choices of the first time.
    pub fn again(&self, verb: Verb) -> Result<()> {
        self.script.calm(TRIED);
        self.run(verb)
    }

    pub fn state(&self) -> State {
        let mut kernel: Vec<String> = self.fake.snapshot().lines().map(str::to_owned).collect();
        // Namespaces that are made again come later.
        kernel.sort();
        State { kernel: kernel.join("\n"), store: dump(&*self.store) }
    }
}

/// What a scenario looks like without faults.
pub struct Undisturbed {
    /// Nothing was done yet.
    pub pristine: State,
    /// Before the verb.
    pub before: State,
    /// After each of its parts; the last is after the verb.
    pub after: Vec<State>,
}

impl Undisturbed {
    pub fn of(directory: &Path, scenario: &Scenario) -> Undisturbed {
        let name = scenario.name;
        let empty = World::new(directory, scenario);
        (scenario.meanwhile)(&empty.fake, directory);
        let pristine = empty.state();
        drop(empty);
        let world = World::prepared(directory, scenario);
        let before = world.state();
        let whole = [scenario.verb];
        let parts = if scenario.parts.is_empty() { &whole } else { scenario.parts };
        let mut after = Vec::new();
        for part in parts {
            world.again(*part).unwrap_or_else(|error| panic!("{name}: {error}"));
            after.push(world.state());
        }
        assert_ne!(Some(&before), after.last(), "{name}: it did nothing");
        tear_down(world.netberth()).unwrap_or_else(|error| panic!("{name}: tear down: {error}"));
        whole_life(name, 0, &pristine, &world.state());
        Undisturbed { pristine, before, after }
    }

    pub fn after(&self) -> &State {
        self.after.last().unwrap()
    }
}

/// Everything was taken down: the same as before all, but for the last automatic port of a protocol,
/// which outlives its endpoint so that the next one does not get the port at once.
#[track_caller]
pub fn whole_life(name: &str, n: usize, pristine: &State, found: &State) {
    let stays = |line: &&str| line.starts_with("cursor/port/");
    let store: Vec<&str> = found.store.lines().filter(|line| !stays(line)).collect();
    let found = State { kernel: found.kernel.clone(), store: store.join("\n") };
    same(name, n, "the whole life", pristine, &found);
}

/// Both states are the same, or the test ends with what differs.
#[track_caller]
pub fn same(name: &str, n: usize, what: &str, expected: &State, found: &State) {
    assert!(expected == found, "{name}, call {n}: {what}:\n{}", expected.difference(found));
}
