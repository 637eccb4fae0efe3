"""The results as tables, for people."""

import os
import pathlib
import platform
import statistics
import subprocess

from .cases import Results
from .process import Took


def middle(all: list[Took]) -> float:
    return statistics.median(one.wall for one in all)


def late(all: list[Took]) -> float:
    ordered = sorted(one.wall for one in all)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def processor(all: list[Took]) -> float:
    return statistics.median(one.cpu for one in all)


def milliseconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def times(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def machine() -> str:
    model = next(
        (line.split(": ")[1] for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    load = os.getloadavg()[0]
    return f"Linux {platform.release()}, {os.cpu_count()} x {model}, {memory} GiB; load {load:.1f} when it began"


def versions(peers: pathlib.Path) -> str:
    packages = sorted(peers.glob("*.deb"))
    names = [package.name.split("_") for package in packages]
    wanted = ("netavark", "containernetworking-plugins", "iptables")
    return ", ".join(f"{name[0]} {name[1].replace('%3a', ':')}" for name in names if name[0] in wanted)


def timings(results: Results) -> str:
    rows = []
    for case, systems in results.took.items():
        base = systems.get("limit")
        for system, took in systems.items():
            ratio = f"{times(middle(took) / middle(base))}" if base else ""
            work = f"{times(processor(took) / processor(base))}" if base and processor(base) else ""
            rows.append(
                [case, system, milliseconds(middle(took)), milliseconds(late(took)), ratio, milliseconds(processor(took)), work]
            )
    head = ["", "system", "median, ms", "p95, ms", "x limit", "processor, ms", "x limit"]
    return table(head, rows)


def figures(results: Results) -> str:
    rows = [[figure, system, text] for figure, systems in results.figures.items() for system, text in systems.items()]
    return table(["", "system", ""], rows)


def ratio(results: Results, case: str, one: str, other: str) -> float:
    took = results.took[case]
    return middle(took[one]) / middle(took[other])


def short(results: Results, peers: list[str]) -> str:
    """The table of the README."""
    rows = []
    for case in ("attach", "attach, new namespace", "attach, fresh process", "detach", "remove with the namespace"):
        took = results.took.get(case)
        if took:
            cells = [milliseconds(middle(took[name])) if name in took else "" for name in ("limit", "netberth", *peers)]
            rows.append([case, *cells])
    return table(["median, ms", "limit", "netberth", *peers], rows)


def text(results: Results, command: str, peers: list[str], packages: str) -> str:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    parts = [
        "# netberth beside its peers\n",
        f"`{command}`, commit {commit}. {machine()}. Peers: {packages or 'none'}.\n",
        "One published port each; see [../README.md](../README.md) for what is measured and how.\n",
        short(results, peers),
        "## All\n",
        timings(results),
        figures(results),
        derived(results),
        "![times](results.svg)\n",
    ]
    return "\n".join(parts)


def derived(results: Results) -> str:
    """What the targets are about."""
    rows = []
    for prefix in ("container", "port"):
        marks = [case for case in results.took if case.startswith(prefix + " ")]
        if len(marks) > 1:
            for system in results.took[marks[0]]:
                if system in results.took[marks[-1]]:
                    first, last = results.took[marks[0]][system], results.took[marks[-1]][system]
                    rows.append([f"{marks[-1]} to {marks[0]}, {system}", times(middle(last) / middle(first))])
    for case, took in results.took.items():
        if "in bulk" in took:
            rows.append([f"{case}: in bulk to one by one", times(ratio(results, case, "in bulk", "one by one"))])
    return table(["", "ratio"], rows)
