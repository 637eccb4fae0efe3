//! A server that is reached from other machines, and asks who one is.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::bed::Bed;

/// No address of loopback, wherever it is.
const ADDRESS: &str = "192.0.2.1";

/// Writes `NAME.ca`, and `NAME.pem` and `NAME.key` that it signed.
fn sign(folder: &Path, name: &str) {
    let write = |kind: &str, text: String| {
        let path = folder.join(format!("{name}.{kind}"));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    write("ca", params.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([ADDRESS.to_owned()]).unwrap();
    write("pem", params.signed_by(&key, &issuer).unwrap().pem());
    write("key", key.serialize_pem());
}

#[test]
fn only_those_who_know_each_other_talk() {
    let mut bed = Bed::new();
    bed.shell(&format!("ip addr add {ADDRESS}/32 dev lo"));
    sign(bed.folder.path(), "ours");
    sign(bed.folder.path(), "theirs");
    let address = format!("tcp://{ADDRESS}:2376");
    let papers = |authority: &str, who: &str| {
        let file = |flag: &str, name: &str, kind: &str| [flag.to_owned(), format!("{name}.{kind}")];
        [
            file("--tlscacert", authority, "ca"),
            file("--tlscert", who, "pem"),
            file("--tlskey", who, "key"),
        ]
        .concat()
    };
    let ours = papers("ours", "ours");
    let words: Vec<&str> = ours.iter().map(String::as_str).collect();
    bed.serve(&[&["--listen", address.as_str()], words.as_slice()].concat());
    let ask = |papers: &[String], line: &str| {
        let mut words = vec!["-H", address.as_str()];
        words.extend(papers.iter().map(String::as_str));
        words.extend(line.split(' '));
        bed.bare(&words)
    };
    bed.furnish();
    assert_eq!(ask(&ours, "--json endpoint ls -l"), bed.run(&["--json", "endpoint", "ls", "-l"]));
    assert_eq!(ask(&ours, "sandbox rm c1co").out, "c1co\n");
    // What another machine has is not to be entered from here.
    assert_eq!(ask(&ours, "exec backend-1 -- true").status, 8);

    let stranger = ask(&papers("theirs", "ours"), "network ls");
    assert_eq!((stranger.status, stranger.out.as_str()), (7, ""), "{stranger:?}");
    let unknown = ask(&papers("ours", "theirs"), "network rm -f web");
    assert!(unknown.status != 0 && unknown.out.is_empty(), "{unknown:?}");
    let nobody = ask(&[], "network ls");
    assert_eq!(nobody.status, 2, "{nobody:?}");
    assert!(nobody.err.contains("--tlscacert"), "{nobody:?}");
    assert!(bed.ok(&["network", "ls"]).contains("web"));
}
