//! The shapes that `/openapi.json` describes. Documents are read and written by the core alone;
//! the tests below hold that these say the same.

#![expect(dead_code, reason = "shapes: described, never built")]

mod answers;
mod parameters;
mod requests;

pub(crate) use answers::{Backend, Endpoint, Network, Refusals, Sandbox, Version};
pub(crate) use parameters::{Change, Filters, Force, OfNetwork, Verbose};
pub(crate) use requests::{EndpointCreate, Join, NetworkCreate, ServiceCreate};
