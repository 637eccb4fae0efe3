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
    pub(super) mod state;
}

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::bed::{same, snapshot};
use common::verbs::{difference, tear_down};
use common::{Host, on_a_host, sh};
use model::ops::{GIVEN, Machine, Op};
use model::play::{Real, give, open};
use model::state::Model;
use model::{expect, look};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

const STEPS: usize = 2000;
/// The kernel makes callers wait: more hosts than processors.
const AT_ONCE: u64 = 4;
/// How many sequences are tried to make one shorter that has failed.
const SHRINKS: u32 = 400;

/// How often each verb gave each answer.
type Tally = Mutex<BTreeMap<(&'static str, String), usize>>;

/// Plays a sequence on a host of its own, and tells at which call it was wrong, and how.
fn sequence(host: &Host, ops: &[Op], seen: &AtomicUsize, tally: &Tally) -> Result<(), String> {
    sh("ip link set lo up; cd /proc/sys/net/bridge 2>/dev/null || exit 0; \
        echo 0 >bridge-nf-call-iptables; echo 0 >bridge-nf-call-ip6tables");
    std::fs::write(host.path("questions"), look::QUESTIONS).unwrap();
    (0..GIVEN).for_each(|given| give(&host.directory, given));
    let netberth = open(&host.directory).unwrap();
    let before = snapshot(host);
    let mut real = Real { netberth, directory: host.directory.clone() };
    let mut model = Model::new();
    for (number, op) in ops.iter().enumerate() {
        seen.fetch_add(1, Ordering::SeqCst);
        let expected = model.play(op);
        let (found, error) = real.play(op);
        if found != expected {
            return Err(format!("call {number}, {op:?}: {found}, not {expected}; {error}"));
        }
        *tally.lock().unwrap().entry((op.verb(), found)).or_default() += 1;
        let expected = expect::picture(&model).join("\n");
        let found = look::picture(&real.netberth, &host.directory).join("\n");
        if found != expected {
            let differ = difference(&expected, &found);
            return Err(format!("after call {number}, {op:?}, {error}:\n{differ}"));
        }
    }
    tear_down(&real.netberth).map_err(|error| format!("tear down: {error:?}"))?;
    same(&before, &snapshot(host));
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// One sequence of chance, made shorter if it fails.
fn chance(seed: u64, tally: &Tally) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: SHRINKS,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = Machine::sequential_strategy(40..=100);
    let outcome = runner.run(&strategy, |(_, ops, count)| {
        let count = count.unwrap_or_default();
        let mut result = Ok(());
        on_a_host(|host| result = sequence(host, &ops, &count, tally));
        result.map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("NETBERTH_MODEL_SEED={seed}: {why}"),
        Err(TestError::Fail(why, (_, ops, _))) => {
            let calls: Vec<String> = ops.iter().map(|op| format!("  {op:?}")).collect();
            panic!("NETBERTH_MODEL_SEED={seed}: {why}\nafter these calls:\n{}", calls.join("\n"));
        }
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
    let (tally, began) = (Tally::default(), std::time::Instant::now());
    let calls = || tally.lock().unwrap().values().sum::<usize>();
    std::thread::scope(|scope| {
        for lane in 0..AT_ONCE {
            let (tally, calls) = (&tally, &calls);
            scope.spawn(move || {
                let mut seed = seed + lane;
                while calls() < wanted {
                    chance(seed, tally);
                    seed += AT_ONCE;
                }
            });
        }
    });
    println!("{} calls in {:.1?}", calls(), began.elapsed());
    for ((verb, answer), count) in tally.into_inner().unwrap() {
        println!("{count:6} {verb}: {answer}");
    }
}
