//! Any sequence of calls against a simple model: what each call says, what the library tells
//! afterwards, and what the kernel has by the word of `ip` and `nft`.
//!
//! `NETBERTH_MODEL_STEPS` is how many calls there are in all, `NETBERTH_MODEL_SEED` the seed of an
//! earlier run; a failure names its own, which plays that sequence first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

#[path = "model"]
mod model {
    pub(super) mod expect;
    pub(super) mod joins;
    pub(super) mod look;
    pub(super) mod ops;
    pub(super) mod play;
    pub(super) mod shrink;
    pub(super) mod state;
}

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use common::bed::{same, snapshot};
use common::verbs::{difference, tear_down};
use common::{Host, on_a_host, sh};
use model::ops::{GIVEN, Machine, Op};
use model::play::{Real, give, open};
use model::state::Model;
use model::{expect, look, shrink};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

const STEPS: usize = 2000;
/// The kernel makes callers wait: more hosts than processors.
const AT_ONCE: u64 = 4;

/// How often each verb gave each answer.
type Tally = Mutex<BTreeMap<(&'static str, String), usize>>;

/// Calls of which the last went wrong, and how.
struct Wrong {
    calls: usize,
    how: String,
}

/// Plays a sequence on a host of its own.
fn sequence(host: &Host, ops: &[Op], tally: &Tally) -> Result<(), Wrong> {
    sh("ip link set lo up; cd /proc/sys/net/bridge 2>/dev/null || exit 0; \
        echo 0 >bridge-nf-call-iptables; echo 0 >bridge-nf-call-ip6tables");
    std::fs::write(host.path("questions"), look::QUESTIONS).unwrap();
    (0..GIVEN).for_each(|given| give(&host.directory, given));
    let netberth = open(&host.directory).unwrap();
    let before = snapshot(host);
    let mut real = Real { netberth, directory: host.directory.clone() };
    let mut model = Model::new();
    for (op, calls) in ops.iter().zip(1..) {
        let wrong = |how: String| Err(Wrong { calls, how });
        let expected = model.play(op);
        let (found, error) = real.play(op);
        if found != expected {
            return wrong(format!("{op:?}: {found}, not {expected}: {error}"));
        }
        *tally.lock().unwrap().entry((op.verb(), found)).or_default() += 1;
        let expected = expect::picture(&model).join("\n");
        let found = look::picture(&real.netberth, &host.directory).join("\n");
        if found != expected {
            let differ = difference(&expected, &found);
            return wrong(format!("after {op:?}, {error}:\n{differ}"));
        }
    }
    tear_down(&real.netberth)
        .map_err(|error| Wrong { calls: ops.len(), how: format!("tear down: {error:?}") })?;
    same(&before, &snapshot(host));
    Ok(())
}

/// The same, where a panic is a way to go wrong.
fn play(ops: &[Op], tally: &Tally) -> Result<(), Wrong> {
    let mut result = Ok(());
    let played = catch_unwind(AssertUnwindSafe(|| {
        on_a_host(|host| result = sequence(host, ops, tally));
    }));
    let panicked = |_| Wrong { calls: ops.len(), how: "a panic, which is told above".to_owned() };
    played.map_err(panicked).and(result)
}

/// A sequence of chance.
fn chance(seed: u64) -> Vec<Op> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    Machine::sequential_strategy(60..=120).new_tree(&mut runner).unwrap().current().1
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Plays sequences until there were so many calls; the first that goes wrong is told, as short as it
/// can be made, and ends all.
fn lane(mut seed: u64, wanted: usize, tally: &Tally, over: &AtomicBool) {
    let calls = || tally.lock().unwrap().values().sum::<usize>();
    while calls() < wanted && !over.load(Ordering::SeqCst) {
        let ops = chance(seed);
        if let Err(wrong) = play(&ops, tally)
            && !over.swap(true, Ordering::SeqCst)
        {
            println!("{}\nafter {} calls; they are made fewer", wrong.how, wrong.calls);
            let again = |ops: &[Op]| play(ops, tally).err().map(|wrong| (wrong.calls, wrong.how));
            let (ops, how) = shrink::shortest(&ops[..wrong.calls], wrong.how, again);
            let calls: Vec<String> = ops.iter().map(|op| format!("  {op:?}")).collect();
            panic!("NETBERTH_MODEL_SEED={seed}: {how}\nthe calls:\n{}", calls.join("\n"));
        }
        seed += AT_ONCE;
    }
}

#[test]
fn whatever_is_called_the_model_says_what_comes_of_it() {
    let random = || {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(()) >> 16
    };
    let seed = number("NETBERTH_MODEL_SEED").unwrap_or_else(random);
    let wanted = number("NETBERTH_MODEL_STEPS").map_or(STEPS, |steps| steps.try_into().unwrap());
    println!("NETBERTH_MODEL_SEED={seed}");
    let (tally, over, began) =
        (Tally::default(), AtomicBool::new(false), std::time::Instant::now());
    std::thread::scope(|scope| {
        for first in seed..seed + AT_ONCE {
            let (tally, over) = (&tally, &over);
            scope.spawn(move || lane(first, wanted, tally, over));
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{} calls in {:.1?}", tally.values().sum::<usize>(), began.elapsed());
    for ((verb, answer), count) in tally {
        println!("{count:6} {verb}: {answer}");
    }
}
