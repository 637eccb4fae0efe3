"""`make bench`: run by scripts/bench, in namespaces of its own."""

import json
import pathlib
import subprocess
import sys
import time

from . import cases, plot, report
from .process import BUILD
from .systems import Cni, Limit, Netavark, Netberth, System


def main(size: str, command: str) -> None:
    scale = {"full": cases.Scale(), "quick": cases.QUICK, "smoke": cases.SMOKE}[size]
    results = cases.Results()
    # In this program's own mounts: it ends with them, and with the namespaces that are mounted in it.
    scratch = BUILD / "scratch"
    scratch.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(scratch)], check=True)
    run(results, scale, scratch)
    packages = report.versions(BUILD / "peers")
    peers = [name for name in results.took["attach"] if name not in ("limit", "netberth")]
    text = report.text(results, command, peers, packages)
    out = pathlib.Path("bench/results") if size == "full" else BUILD / "results"
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.md").write_text(text)
    (out / "results.svg").write_text(plot.picture(results))
    raw = {case: {name: [vars(one) for one in all] for name, all in of.items()} for case, of in results.took.items()}
    (BUILD / "results.json").write_text(json.dumps({"took": raw, "figures": results.figures}))
    print(text)
    print(f"written to {out}", file=sys.stderr)


def run(results: cases.Results, scale: cases.Scale, scratch: pathlib.Path) -> None:
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:5.0f} s  {what}", file=sys.stderr, flush=True)

    limit, netberth = Limit(scratch), Netberth(scratch)
    peers: list[System] = []
    if (BUILD / "peers").exists():
        peers = [Netavark(scratch), Cni(scratch)]
    say("attach and detach")
    cases.attach(results, scale, limit, netberth, peers)
    say("system calls")
    cases.calls(results, scratch, limit, netberth, peers)
    say("the n-th container")
    cases.nth(results, scale, scratch / "nth", peers)
    say("the k-th port")
    cases.kth(results, scale, scratch / "kth")
    say("in bulk")
    cases.bulk(results, scale, scratch / "bulk")
    say("two at once")
    cases.threads(results, scale, scratch / "two")
    say("traffic")
    cases.traffic(results, scale, scratch / "traffic")
    say("done")
    for system in (limit, netberth, *peers):
        system.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
