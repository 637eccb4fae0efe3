//! Plans as they are recorded: the namespace that most steps of a join are in is written once.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::Ns;
use crate::plan::Done;
use crate::store::{self, Record};

/// A plan in which `""` stands for the path of a namespace.
#[derive(Serialize, Deserialize)]
struct Within {
    ns: Ns,
    steps: Vec<Done>,
}

/// No path is empty.
fn stands_for_it() -> Ns {
    Ns::At { path: PathBuf::new(), cookie: None }
}

/// The text of a plan.
pub(super) fn encode(steps: &[Done]) -> Result<String> {
    let elsewhere = steps.iter().map(|done| done.step.place()).find(|place| **place != Ns::Host);
    let Some(ns) = elsewhere.cloned() else { return store::encode(&steps) };
    let mut steps = steps.to_vec();
    for at in steps.iter_mut().filter_map(|done| done.step.ns_mut()) {
        if *at == ns {
            *at = stands_for_it();
        }
    }
    store::encode(&Within { ns, steps })
}

/// The plan of a record.
pub(super) fn decode(record: &Record) -> Result<Vec<Done>> {
    let (_, document) = record.text.split_once("\"record\":").unwrap_or_default();
    if document.trim_start().starts_with('[') {
        return store::decode(record);
    }
    let Within { ns, mut steps } = store::decode(record)?;
    for at in steps.iter_mut().filter_map(|done| done.step.ns_mut()) {
        if *at == stands_for_it() {
            at.clone_from(&ns);
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;
    use crate::store::{Key, Table};

    fn record(text: String) -> Record {
        Record { key: Key::new(Table::Steps, "e", "c"), text, revision: 1 }
    }

    fn up(ns: Ns) -> Done {
        Done { step: Step::Up { ns, dev: "eth0".into() }, held: false }
    }

    #[test]
    fn a_plan_comes_back_as_it_went() {
        let at = |path: &str, cookie| Ns::At { path: path.into(), cookie };
        let (one, other) = (at("/run/one", Some(7)), at("/run/other", None));
        let veth = Step::Veth {
            name: "nb1".into(),
            bridge: "nb-0".into(),
            mtu: 1500,
            ns: one.clone(),
            peer: "eth0".into(),
            mac: "02:00:00:00:00:01".into(),
        };
        let netns = Step::Netns { path: "/run/host".into(), of: Some(one.clone()) };
        let steps = [veth, netns].map(|step| Done { step, held: true });
        let steps = [&steps[..], &[up(Ns::Host), up(one.clone()), up(other), up(one)]].concat();
        let text = encode(&steps).unwrap();
        // Once for all, and where a mount is made of it.
        assert_eq!(text.matches("/run/one").count(), 2, "{text}");
        assert_eq!(decode(&record(text)).unwrap(), steps);
        for plain in [vec![], vec![up(Ns::Host)]] {
            let text = encode(&plain).unwrap();
            assert!(text.contains("\"record\":["), "{text}");
            assert_eq!(decode(&record(text)).unwrap(), plain);
        }
        assert!(decode(&record("{}".into())).is_err());
    }
}
