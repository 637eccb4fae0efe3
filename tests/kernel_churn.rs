//! Back ends come and go a thousand times while clients make connections all the time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected says so and ends"
)]

mod common;

mod churn {
    pub(super) mod back;
}

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use churn::back::{Back, Fate, Line, wait_for_calls};
use common::bed::{Bed, HOST4, HOST6, inside};
use common::net::PORT;
use common::{on_a_host, sh};
use netberth::model::{JoinSpec, ServiceSpec};

fn attach(bed: &Bed<'_>, name: &str) -> PathBuf {
    let spec = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes()).unwrap();
    bed.netberth.service_attach("web", &spec).unwrap()
}

fn detach(bed: &Bed<'_>, name: &str, drain: bool) {
    bed.netberth.service_detach("web", name, drain).unwrap();
}

fn publish(bed: &Bed<'_>, balance: &str) -> String {
    let json = format!(
        "{{\"name\":\"web\",\"network_name\":\"foo\",\"balance\":\"{balance}\",\"port_mapping\":[\
         {{\"proto\":6,\"port\":{PORT},\"host_port\":{PORT}}}]}}"
    );
    let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
    bed.netberth.service_publish(&spec).unwrap();
    let more = bed.netberth.service("web", true).unwrap().more.unwrap();
    more.addresses[0].split('/').next().unwrap().to_owned()
}

/// The service, who is behind it all the time, and those who ask it by each way there is.
struct Scene<'a> {
    bed: &'a Bed<'a>,
    vip: String,
    client: PathBuf,
    outside: PathBuf,
    /// Those who are on the network before anything comes or goes.
    backs: [Back; 4],
}

/// Ends the clients whatever happens.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Scene<'_> {
    fn ways(&self) -> [(&Path, &str); 3] {
        [(&self.client, &self.vip), (&self.outside, HOST4), (&self.outside, HOST6)]
    }

    /// A connection that lasts, by each way, with whomever the service chooses.
    fn lines(&self) -> impl Iterator<Item = Line> {
        self.ways().into_iter().map(|(ns, to)| Line::new(ns, to))
    }

    /// Makes changes under load; every client connects between any two. Nobody may be refused.
    fn under_load(&self, times: usize, mut change: impl FnMut(usize)) -> [Fate; 3] {
        let fates: [Fate; 3] = Default::default();
        let (ends, began) = (AtomicBool::new(false), Instant::now());
        std::thread::scope(|scope| {
            let _guard = Ends(&ends);
            for ((ns, to), fate) in self.ways().into_iter().zip(&fates) {
                let ends = &ends;
                scope.spawn(move || fate.calls(ns, to, ends));
            }
            prefer_this_thread();
            for number in 0..times {
                change(number);
                wait_for_calls(&fates);
            }
        });
        for fate in &fates {
            let refused = fate.refused.lock();
            assert!(refused.is_empty(), "not made: {refused:?}");
            assert!(fate.answered() > 2 * times, "{} of {}", fate.answered(), fate.done());
        }
        let answered: usize = fates.iter().map(Fate::answered).sum();
        let took = began.elapsed();
        println!("{times} changes, {answered} connections answered in {took:.1?}");
        fates
    }
}

/// Changes do not queue for a processor with the clients that they are tried against.
fn prefer_this_thread() {
    let link = std::fs::read_link("/proc/thread-self").unwrap();
    let id = link.file_name().unwrap().to_string_lossy().into_owned();
    sh(&format!("renice -n -10 -p {id}"));
}

fn cut(fates: &[Fate]) -> usize {
    fates.iter().map(|fate| fate.cut.load(Ordering::Relaxed)).sum()
}

/// Whoever stays has answered everybody whom it accepted: nobody was cut off from it.
fn none_cut_from(back: &Back, fates: &[Fate], lines: &[Line]) {
    let answered: usize = fates.iter().map(|fate| fate.by(back.name)).sum();
    let lasting = lines.iter().filter(|line| back.name == line.with.to_string()).count();
    assert_eq!(back.accepted.load(Ordering::Relaxed), answered + lasting, "{}", back.name);
}

/// Four containers on a network, of which two are behind the service.
fn scene(balance: &str, test: impl FnOnce(&Scene<'_>) + Send) {
    on_a_host(|host| {
        let bed = Bed::new(host);
        bed.network(r#"{"name":"foo","options":{"ipv6":true}}"#);
        let vip = publish(&bed, balance);
        // Connections that were reset need not be remembered for ten seconds: each change goes through
        // what the kernel remembers.
        sh("sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_close=1");
        let backs = ["a", "b", "c", "d"].map(|name| {
            let key = bed.container("foo", name).key;
            Back::new(&key, name)
        });
        attach(&bed, "a");
        attach(&bed, "b");
        let (client, outside) = (bed.container("foo", "client").key, bed.outside());
        test(&Scene { bed: &bed, vip, client, outside, backs });
    });
}

/// With drain nobody notices: a thousand are attached, and a thousand drained.
#[test]
fn two_thousand_changes_are_not_noticed() {
    scene("round-robin", |scene| {
        let mut lines = Vec::new();
        let fates = scene.under_load(2000, |number| {
            if number % 97 == 0 {
                lines.extend(scene.lines());
            }
            match number % 4 {
                0 => drop(attach(scene.bed, "c")),
                1 => detach(scene.bed, "a", true),
                2 => drop(attach(scene.bed, "a")),
                _ => detach(scene.bed, "c", true),
            }
        });
        assert_eq!(cut(&fates), 0);
        scene.backs[..3].iter().for_each(|back| none_cut_from(back, &fates, &lines));
        assert!(['a', 'b'].iter().all(|name| lines.iter().any(|line| line.with == *name)));
        // With those who are draining now, too.
        lines.iter_mut().for_each(Line::talk);
    });
}

/// Without it, what was connected to the one that goes may end, and nothing else: a thousand are
/// attached, and a thousand detached.
#[test]
fn who_goes_at_once_takes_only_its_own_connections() {
    scene("random", |scene| {
        let stay = |line: &Line| ['a', 'b'].contains(&line.with);
        let mut lines = Vec::new();
        let fates = scene.under_load(2000, |number| {
            if number % 97 == 0 {
                lines.extend(scene.lines().filter(stay));
            }
            let name = ["c", "d"][number / 2 % 2];
            if number % 2 == 0 {
                attach(scene.bed, name);
            } else {
                detach(scene.bed, name, false);
            }
        });
        println!("{} cut", cut(&fates));
        scene.backs[..2].iter().for_each(|back| none_cut_from(back, &fates, &lines));
        assert!(lines.len() > 20, "{}", lines.len());
        lines.iter_mut().for_each(Line::talk);
    });
}

/// Their interfaces come and go with them.
#[test]
fn places_of_their_own_come_and_go() {
    scene("source", |scene| {
        let given = ["e", "f"].map(|name| {
            let ns = scene.bed.namespace(name);
            inside(&ns, "ip link set lo up");
            (Back::new(&ns, name), ns)
        });
        let mut lines: Vec<Line> = scene.lines().collect();
        let fates = scene.under_load(60, |number| {
            let (back, ns) = &given[number / 2 % 2];
            if number % 2 == 0 {
                let json = format!(
                    "{{\"container_id\":\"{}\",\"netns\":\"{}\"}}",
                    back.name,
                    ns.display()
                );
                let spec = JoinSpec::from_json(json.as_bytes()).unwrap();
                scene.bed.netberth.service_attach("web", &spec).unwrap();
            } else {
                detach(scene.bed, back.name, false);
            }
        });
        scene.backs[..2].iter().for_each(|back| none_cut_from(back, &fates, &lines));
        lines.iter_mut().for_each(Line::talk);
    });
}
