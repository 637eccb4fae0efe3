//! How many new connections a second a service takes, alone and beside 999 others; and the same of
//! rules in the way of kube-proxy's iptables mode, one rule for each service and each back end.
//!
//! `cargo bench --bench service_rate [-- SERVICES]`, as root. Four hosts stand side by side and are
//! asked in turn, a short round each, so that whatever else the machine does is shared by all.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::enum_glob_use,
    reason = "a measurement that meets the unexpected says so and ends"
)]

#[path = "../tests/common/mod.rs"]
mod common;

mod rate {
    pub(super) mod linear;
    pub(super) mod load;
    pub(super) mod site;
}

use std::process::ExitCode;

use common::bed::Bed;
use common::on_a_host;
use rate::load::{Load, Rates};
use rate::site::{Rules, Site};

/// What the claim is about.
const SERVICES: usize = 1000;
const ROUNDS: usize = 160;
/// Beside others a service takes at least so much of what it takes alone.
const CLAIM: f64 = 0.9;

/// Builds a host for each of `plans`, one within the other because each ends with its thread, and
/// then runs `work`.
fn with_sites(
    plans: &[(Rules, usize)],
    sites: &mut Vec<Site>,
    work: &mut (dyn FnMut(&[Site]) + Send),
) {
    let Some(((rules, services), rest)) = plans.split_first() else { return work(sites) };
    on_a_host(|host| {
        let bed = Bed::new(host);
        sites.push(Site::new(&bed, *rules, *services));
        with_sites(rest, sites, work);
    });
}

/// Every load on every site, `ROUNDS` times, beginning with another one each time.
fn measure(sites: &[Site]) -> Vec<Vec<Rates>> {
    let mut all = vec![vec![Rates::default(); sites.len()]; Load::ALL.len()];
    for round in 0..ROUNDS {
        for (load, rates) in Load::ALL.iter().zip(&mut all) {
            for at in (0..sites.len()).map(|at| (at + round) % sites.len()) {
                rates[at].push(load.round(&sites[at], round));
            }
        }
    }
    all
}

fn main() -> ExitCode {
    let number = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let many: usize = number.unwrap_or(SERVICES);
    let plans =
        [(Rules::Netberth, 1), (Rules::Netberth, many), (Rules::Linear, 1), (Rules::Linear, many)];
    let mut rates = Vec::new();
    with_sites(&plans, &mut Vec::new(), &mut |sites| rates = measure(sites));
    if report(&rates, many) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the table, and tells whether the claim holds.
fn report(rates: &[Vec<Rates>], many: usize) -> bool {
    println!("\nnew connections a second to the last service, medians of {ROUNDS} rounds");
    println!("{:34} {:>9} {many:>9} {:>8} {:>14}", "services:", 1, "ratio", "by processor");
    let mut holds = true;
    for (load, rates) in Load::ALL.iter().zip(rates) {
        for (name, pair) in [("netberth", &rates[..2]), ("linear", &rates[2..])] {
            let by_clock = pair[1].ratio(&pair[0], |took| took.by_clock);
            let by_processor = pair[1].ratio(&pair[0], |took| took.by_processor);
            let (one, all) = (pair[0].rate(), pair[1].rate());
            println!(
                "{:24} {name:9} {one:9.0} {all:9.0} {by_clock:8.3} {by_processor:14.3}",
                load.name()
            );
            holds &= name == "linear" || by_processor >= CLAIM;
        }
    }
    println!(
        "\nratios are the medians of those of each round; by processor = what else runs is left out"
    );
    println!("netberth: within a tenth of one service alone: {}", if holds { "yes" } else { "no" });
    holds
}
