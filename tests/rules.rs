//! The rules on a running kernel: which elements each scenario adds to the constant table, as the
//! documents in `docs/rules` say, and that nothing is left of any of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

mod rules {
    mod damage;
    mod document;
    mod listing;
    mod removal;
    mod scenarios;
}
