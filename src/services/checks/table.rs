//! Netberth's own table: its rules are constant, its elements are what the records say.

use std::collections::{BTreeMap, HashMap};

use super::{Action, Finding, Known, NOTHING, TABLE, of, of_host};
use crate::model::{Difference, Owner};
use crate::plan::Step;
use crate::plan::rules::{
    self, Element, ListedChain, ListedObject, ListedTable, SetElements, TableFamily,
};

/// A set and an element's key, as text.
type Place<'a> = (&'a str, String);

pub(super) fn check(known: &Known<'_>) -> Vec<Finding> {
    let expected = known.records.iter().flat_map(|record| &record.steps);
    let expected = expected.into_iter().any(|done| matches!(done.step, Step::Table { .. }));
    let mut tables = known.facts.rules.tables.iter();
    let found = tables.find(|table| table.family == TableFamily::Inet && table.name == TABLE);
    let object = format!("table inet {TABLE}");
    match (expected, found) {
        (false, None) => Vec::new(),
        (false, Some(_)) => {
            let table = of_host(object, NOTHING, "a table that no network recorded");
            let mend = [Action::Undo(Step::Table { name: TABLE.to_owned() })];
            vec![Finding::from(table).mended(mend)]
        }
        (true, None) => {
            let mut all = vec![reloading(of_host(object, "the table with its rules", NOTHING))];
            // With the table everything in it is gone.
            let elements = elements(known, None).into_iter();
            all.extend(elements.map(|one| reloading(one.difference).following(true)));
            all
        }
        (true, Some(found)) => {
            let mut all = Vec::new();
            if found.dormant {
                all.push(of_host(object, "an active table", "flags dormant: no rule is in force"));
            }
            all.extend(sets(known.table, found));
            all.extend(chains(known.table, found));
            all.extend(objects(found));
            let broken = !all.is_empty();
            let mut all: Vec<Finding> = all.into_iter().map(reloading).collect();
            let elements = elements(known, Some(found)).into_iter();
            // They come with the table, where that is made anew.
            all.extend(elements.map(|one| if broken { reloading(one.difference) } else { one }));
            all
        }
    }
}

/// Rules are constant: what differs in one is set right by the whole table, in one batch. Who is
/// connected does not notice.
fn reloading(difference: Difference) -> Finding {
    Finding::from(difference).mended([Action::Reload])
}

fn sets(expected: &ListedTable, found: &ListedTable) -> Vec<Difference> {
    let own = rules::table(TABLE);
    let named = |name: &str| format!("set inet {TABLE} {name}");
    let mut all = Vec::new();
    for set in &expected.sets {
        let text = own.set(&set.name).map(|set| one_line(&set.to_string())).unwrap_or_default();
        match found.set(&set.name) {
            None => all.push(of_host(named(&set.name), &text, NOTHING)),
            Some(other) if other.form != set.form => {
                all.push(of_host(named(&set.name), &text, "a set of another type or flags"));
            }
            Some(_) => {}
        }
    }
    for set in found.sets.iter().filter(|set| !set.anonymous) {
        if expected.set(&set.name).is_none() {
            all.push(of_host(named(&set.name), NOTHING, "a set that is not netberth's"));
        } else if set.unread > 0 {
            let what = format!("{} elements of a form that netberth never makes", set.unread);
            all.push(of_host(named(&set.name), NOTHING, &what));
        }
    }
    all
}

/// Netberth's table has no counters with a name, no quotas, helpers of connections or flowtables.
fn objects(found: &ListedTable) -> Vec<Difference> {
    let one = |one: &ListedObject| {
        let object = format!("{} inet {TABLE} {}", one.kind, one.name);
        of_host(object, NOTHING, &format!("a {} that is not netberth's", one.kind))
    };
    found.objects.iter().map(one).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn chains(expected: &ListedTable, found: &ListedTable) -> Vec<Difference> {
    let own = rules::table(TABLE);
    let named = |name: &str| format!("chain inet {TABLE} {name}");
    let mut all = Vec::new();
    for chain in &expected.chains {
        let written = own.chains.iter().find(|known| known.name == chain.name);
        let rules: Vec<String> = written
            .map(|chain| chain.rules.iter().map(ToString::to_string).collect())
            .unwrap_or_default();
        let base = written.and_then(|chain| chain.base).map(|base| base.to_string());
        let base = base.unwrap_or_else(|| "no hook".to_owned());
        match found.chain(&chain.name) {
            None => {
                let text = format!("{} rules, {base}", rules.len());
                all.push(of_host(named(&chain.name), &text, NOTHING));
            }
            Some(other) => {
                if other.base != chain.base {
                    let what = "another type, hook, priority or policy";
                    all.push(of_host(named(&chain.name), &base, what));
                }
                all.extend(of_chain(chain, &rules, other));
            }
        }
    }
    let more = found.chains.iter().filter(|chain| expected.chain(&chain.name).is_none());
    all.extend(more.map(|chain| {
        let what = format!("a chain of {} rules that is not netberth's", chain.rules.len());
        of_host(named(&chain.name), NOTHING, &what)
    }));
    all
}

/// Which rules are missing, which are there besides; `texts` are those of the chain as it should be.
fn of_chain(expected: &ListedChain, texts: &[String], found: &ListedChain) -> Vec<Difference> {
    let forms = |chain: &ListedChain| -> Vec<String> {
        chain.rules.iter().map(|rule| rule.form.clone()).collect()
    };
    if forms(expected) == forms(found) {
        return Vec::new();
    }
    let place = format!("rule inet {TABLE} {}", expected.name);
    let mut left: Vec<(&str, &str)> = expected
        .rules
        .iter()
        .map(|rule| rule.form.as_str())
        .zip(texts.iter().map(String::as_str))
        .collect();
    let mut all = Vec::new();
    for rule in &found.rules {
        if let Some(at) = left.iter().position(|(form, _)| *form == rule.form) {
            left.remove(at);
        } else {
            let object = format!("{place} handle {}", rule.handle);
            let text = rule.to_string();
            // Of what lets every packet pass nothing is told.
            let text = if text.is_empty() { "a rule that is not netberth's" } else { &text };
            all.push(of_host(object, NOTHING, text));
        }
    }
    all.extend(left.into_iter().map(|(_, text)| of_host(place.clone(), text, NOTHING)));
    if all.is_empty() {
        let object = format!("chain inet {TABLE} {}", expected.name);
        all.push(of_host(object, "its rules in their order", "the same rules in another order"));
    }
    all
}

/// Elements against the records; without a table all are missing.
fn elements(known: &Known<'_>, found: Option<&ListedTable>) -> Vec<Finding> {
    let sets = found.map(|table| table.sets.as_slice()).unwrap_or_default();
    let mut there: BTreeMap<Place<'_>, &Element> = BTreeMap::new();
    for set in sets.iter().filter(|set| !set.anonymous && known.table.set(&set.name).is_some()) {
        there.extend(set.elements.iter().map(|one| ((set.name.as_str(), key(one)), one)));
    }
    let one = |set: &str, element: &Element| {
        vec![SetElements { set: set.to_owned(), elements: vec![element.clone()] }]
    };
    let mut all = Vec::new();
    for (owner, (set, element)) in recorded(known) {
        let found = there.remove(&(set, key(element)));
        if found.is_some_and(|found| found.data == element.data) {
            continue;
        }
        let text = found.map_or_else(|| NOTHING.to_owned(), ToString::to_string);
        let difference = of(owner, object(set, element), &element.to_string(), &text);
        let remove = found.map(|found| one(set, found)).unwrap_or_default();
        let swap = Step::Swap { remove, add: one(set, element) };
        all.push(Finding::from(difference).mended([Action::Do(swap)]));
    }
    all.extend(there.into_iter().map(|((set, _), element)| {
        let difference = of_host(object(set, element), NOTHING, &element.to_string());
        let swap = Step::Swap { remove: one(set, element), add: Vec::new() };
        Finding::from(difference).mended([Action::Do(swap)])
    }));
    all
}

/// Everything that the sets should have.
pub(crate) fn all_elements(known: &Known<'_>) -> Vec<SetElements> {
    let mut sets: BTreeMap<&str, Vec<Element>> = BTreeMap::new();
    for (_, (set, element)) in recorded(known) {
        sets.entry(set).or_default().push(element.clone());
    }
    let named =
        |(set, elements): (&str, Vec<Element>)| SetElements { set: set.to_owned(), elements };
    sets.into_iter().map(named).collect()
}

/// Every element that a record has, in the order of the records; of two for one place the later.
fn recorded<'a>(known: &Known<'a>) -> Vec<(&'a Owner, (&'a str, &'a Element))> {
    let mut order = Vec::new();
    let mut latest: HashMap<Place<'a>, usize> = HashMap::new();
    for record in known.records {
        for done in &record.steps {
            let Step::Elements { sets } = &done.step else { continue };
            for set in sets {
                for element in &set.elements {
                    latest.insert((&set.set, key(element)), order.len());
                    order.push((&record.owner, (set.set.as_str(), element)));
                }
            }
        }
    }
    let kept = order.into_iter().enumerate();
    let kept = kept.filter(|(at, (_, (set, one)))| latest.get(&(*set, key(one))) == Some(at));
    kept.map(|(_, one)| one).collect()
}

/// The element without what it leads to.
fn key(element: &Element) -> String {
    Element { data: Vec::new(), ..element.clone() }.to_string()
}

fn object(set: &str, element: &Element) -> String {
    format!("element inet {TABLE} {set} {{ {} }}", key(element))
}
