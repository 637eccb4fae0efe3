//! Filters of lists, as a document.

use crate::error::Result;
use crate::model::{Filter, document, parse};

document! {
    struct FilterDoc {
        name: String,
        partial_id | "partial-id": String,
        network: String,
    }
}

/// Reads `{"name","partial_id","network"}`, of which one may be given; empty is absent.
pub(super) fn read(text: &str) -> Result<Filter> {
    let doc: FilterDoc = parse(text.as_bytes())?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = Filter {
        name: given(doc.name),
        partial_id: given(doc.partial_id),
        network: given(doc.network),
    };
    filter.check()
}
