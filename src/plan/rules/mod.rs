//! nf_tables as data: tables, chains, sets, maps and their elements.

mod element;

pub use element::{Element, SetElements, Value};
