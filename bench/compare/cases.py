"""What is measured. All systems take turns, so that what else the machine does meets them alike."""

import json
import pathlib
import re
import statistics
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field

from .process import BUILD, Took, Worker, holder
from .systems import FIRST_PORT, Cni, Limit, Netavark, Netberth, System, environment


@dataclass
class Scale:
    """How much of everything."""

    rounds: int = 40
    peer_rounds: int = 20
    containers: tuple[int, ...] = (1, 10, 100, 500, 1000)
    peer_containers: int = 100
    ports: tuple[int, ...] = (1, 1000, 60_000)
    bulk: int = 500
    connections: int = 4000
    seconds: int = 2


QUICK = Scale(12, 6, (1, 10, 100, 300), 20, (1, 1000, 20_000), 150, 1000, 1)
SMOKE = Scale(2, 1, (1, 4), 2, (1, 50), 6, 20, 1)


@dataclass
class Results:
    #: By case, then by system.
    took: dict[str, dict[str, list[Took]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    #: By figure, then by system: text as it stands in the table.
    figures: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, case: str, system: str, took: Took) -> None:
        self.took[case][system].append(took)


def attach(results: Results, scale: Scale, limit: Limit, netberth: Netberth, peers: list[System]) -> None:
    for turn in range(scale.rounds):
        ns = []
        for _ in range(3 + len(peers)):
            path = f"{limit.scratch}/given{turn}-{len(ns)}"
            limit.make(path)
            ns.append(path)
        add = results.add
        n = turn + 1
        add("attach", "limit", limit.attach(n, ns[0]))
        add("detach", "limit", limit.detach(n, ns[0]))
        netberth.prepare(n)
        add("attach", "netberth", netberth.attach(n, ns[1]))
        add("detach", "netberth", netberth.detach(n, ns[1]))
        netberth.forget(n)
        add("define and attach", "netberth", netberth.define_and_attach(n, ns[1]))
        netberth.detach(n, ns[1])
        netberth.forget(n)
        # Numbers of its own: a link that the kernel has still to reap is not in the way.
        n = turn + 201
        add("attach, new namespace", "limit", limit.attach_new(n))
        add("remove with the namespace", "limit", limit.remove(n))
        netberth.prepare(n)
        add("attach, new namespace", "netberth", netberth.attach_new(n))
        add("remove with the namespace", "netberth", netberth.remove(n))
        netberth.worker.do("unendpoint", "foo", netberth.plain.format(n))
        n = turn + 401
        add("attach, fresh process", "limit", limit.once(n, ns[2]))
        limit.detach(n, ns[2])
        netberth.prepare(n)
        add("attach, fresh process", "netberth", netberth.once(n, ns[2]))
        netberth.detach(n, ns[2])
        netberth.forget(n)
        for system, path in zip(peers, ns[3:]):
            if turn < scale.peer_rounds:
                system.prepare(n)
                add("attach", system.name, system.attach(n, path))
                add("detach", system.name, system.detach(n, path))
        for path in ns:
            limit.drop(path)
        for system in (limit, netberth):
            add("create a network", system.name, system.network(turn))
            add("delete a network", system.name, system.network_delete(turn))


def nth(results: Results, scale: Scale, scratch: pathlib.Path, peers: list[System]) -> None:
    """The n-th container on one bridge: `plain` ones have names that cannot stand in a hosts file."""
    limit = Limit(scratch)
    named = Netberth(scratch / "named")
    plain = Netberth(scratch / "plain", "number {}")
    last = max(scale.containers)
    for n in range(1, last + 1):
        for system in (limit, plain, named, *(peers if n <= scale.peer_containers else ())):
            path = f"{limit.scratch}/n{n}-{'named' if system is named else system.name}"
            limit.make(path)
            system.prepare(n + 2000)
            took = system.attach(n + 2000, path)
            name = "netberth, with hosts files" if system is named else system.name
            for mark in scale.containers:
                # The ten around it: one alone is chance.
                if mark - 10 < n <= mark or n == mark == 1:
                    results.add(f"container {mark}", name, took)
    for label, system in (("netberth", plain), ("netberth, with hosts files", named)):
        memory = system.memory()
        results.figures[f"resident memory, {last} joined"][label] = f"{memory['VmRSS'] / 1024:.1f} MiB"
        files = pathlib.Path(system.state)
        disk = sum(one.stat().st_size for one in files.glob("netberth.*"))
        used = sum(one.stat().st_blocks * 512 for one in files.rglob("*") if one.is_file())
        results.figures[f"records on disk an endpoint, {last} joined"][label] = f"{disk / last / 1024:.1f} KiB"
        results.figures[f"all of the state directory an endpoint, {last} joined"][label] = f"{used / last / 1024:.1f} KiB"
    for system in (limit, named, plain):
        system.close()


def kth(results: Results, scale: Scale, scratch: pathlib.Path) -> None:
    """The k-th published port, the others being of containers that are joined."""
    limit, netberth = Limit(scratch), Netberth(scratch)
    have, at = 0, 5000
    for mark in scale.ports:
        while have < mark - 1:
            some = min(mark - 1 - have, 10_000)
            ports = [{"proto": 17, "port": 80, "host_port": 1 + have + index} for index in range(some)]
            name = f"full{have}"
            netberth.worker.do("endpoint", "foo", json.dumps({"name": name, "port_mapping": ports}))
            netberth.worker.do("join", "foo", name, json.dumps({"container_id": name}))
            lines = ", ".join(f"{1 + have + index} : 10.77.0.2 . 80" for index in range(some))
            limit.host.run("nft -f -", f"add element ip least pub {{ {lines} }}\n")
            have += some
        for _ in range(scale.rounds):
            at += 1
            # Above those, in the limit's map of TCP too.
            for system in (limit, netberth):
                path = f"{limit.scratch}/k{at}-{system.name}"
                limit.make(path)
                port = 60_100 + at - 5000 - FIRST_PORT
                system.prepare(port)
                results.add(f"port {mark}", system.name, system.attach(port, path))
                system.detach(port, path)
                if system is netberth:
                    netberth.forget(port)
                limit.drop(path)
    limit.close()
    netberth.close()


def bulk(results: Results, scale: Scale, scratch: pathlib.Path) -> None:
    for turn, single in enumerate([True, False] * (2 if scale.bulk > 10 else 1)):
        netberth = Netberth(scratch / f"bulk{turn}")
        if single:
            total = Took(0, 0)
            for n in range(scale.bulk):
                foo, name, spec = netberth.join_words(n, None)
                total += netberth.worker.do("attach", foo, netberth.endpoint(n), name, spec)
        else:
            total = netberth.many(range(scale.bulk))
        results.add(f"{scale.bulk} containers", "one by one" if single else "in bulk", total)
        netberth.close()


def threads(results: Results, scale: Scale, scratch: pathlib.Path) -> None:
    """Two at once on two networks, beside one: netberth's threads, and two processes of the limit."""
    netberth, limit = Netberth(scratch / "threads"), Limit(scratch / "threads")
    netberth.net("bar", "10.91.0.0/16")
    count = max(scale.rounds, 4)
    for one_or_two in (1, 2):
        took = netberth.worker.do("parallel", one_or_two, count, "foo", "bar")
        rate = one_or_two * count / took.wall * 1000
        results.figures[f"joins a second, {one_or_two} at once on as many networks"]["netberth"] = f"{rate:.0f}"
        workers = [Worker(limit.host, str(BUILD / "limit"), "serve") for _ in range(one_or_two)]
        for n in range(one_or_two * count):
            limit.make(limit.path(one_or_two * 1000 + n))
        begun = time.monotonic()
        for step in range(count):
            for at, worker in enumerate(workers):
                n = one_or_two * 1000 + step * one_or_two + at
                worker.send("attach", *limit.words(n, limit.path(n)))
        for _ in range(count):
            for worker in workers:
                worker.answer()
        rate = one_or_two * count / (time.monotonic() - begun)
        results.figures[f"joins a second, {one_or_two} at once on as many networks"]["limit"] = f"{rate:.0f}"
        for worker in workers:
            worker.close()
    netberth.close()
    limit.close()


OUTSIDE = "ip link add out type veth peer name eth0 netns {pid} && ip addr add 192.0.2.1/24 dev out && ip link set out up"
INSIDE = "ip link set lo up && ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up && ip route add default via 192.0.2.1"


class Path:
    """A client outside, a published port, and a server in the container behind it."""

    def __init__(self, system: System, port: int, ns: str) -> None:
        self.port = port
        program = ["nsenter", f"--net={ns}", str(BUILD / "traffic"), "server", "80"]
        self.server = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout and self.server.stdout.readline() == "ready\n"
        self.outside = holder()
        system.host.run(OUTSIDE.format(pid=self.outside.pid))
        self.run("sh", "-ec", INSIDE)

    def run(self, *program: str) -> str:
        enter = ["nsenter", "-t", str(self.outside.pid), "-n"]
        return subprocess.check_output([*enter, *program], text=True)

    def traffic(self, verb: str, amount: int) -> list[float]:
        text = self.run(str(BUILD / "traffic"), verb, "192.0.2.1", str(self.port), str(amount))
        return [float(line) for line in text.split()]

    def close(self) -> None:
        for process in (self.server, self.outside):
            process.kill()
            process.wait()


def traffic(results: Results, scale: Scale, scratch: pathlib.Path) -> None:
    """A port among one and among many, beside the limit's rules, which are what one writes by hand."""
    paths = {}
    systems: list[System] = []
    many = max(scale.ports)
    for label, count in (("1 port", 1), (f"{many} ports", many)):
        for kind in (Limit, Netberth):
            system = kind(scratch / label.replace(" ", "-"))
            systems.append(system)
            ns = system.path(0)
            maker = next(one for one in reversed(systems) if isinstance(one, Limit))
            maker.make(ns)
            system.prepare(1)
            system.attach(1, ns)
            for first in range(0, count - 1, 10_000):
                some = range(first, min(first + 10_000, count - 1))
                if isinstance(system, Netberth):
                    ports = [{"proto": 6, "port": 80, "host_port": 2 + n if n < 9_000 else 3_000 + n} for n in some]
                    name = f"full{first}"
                    system.worker.do("endpoint", "foo", json.dumps({"name": name, "port_mapping": ports}))
                    system.worker.do("join", "foo", name, json.dumps({"container_id": name}))
                else:
                    lines = ", ".join(f"{2 + n if n < 9_000 else 3_000 + n} : 10.77.0.9 . 80" for n in some)
                    system.host.run("nft -f -", f"add element ip least pub {{ {lines} }}\n")
            paths[label, system.name] = Path(system, FIRST_PORT + 1, ns)
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    middles: dict[tuple[str, str], list[float]] = defaultdict(list)
    streams: dict[tuple[str, str], list[float]] = defaultdict(list)
    turns = list(paths.items())
    for turn in range(16):
        # Each is first as often as the others: what went before it is not the same for all.
        for key, path in turns[turn % len(turns) :] + turns[: turn % len(turns)]:
            each = path.traffic("connect", scale.connections // 4)
            rates[key].append(len(each) / sum(each) * 1e9)
            middles[key].append(statistics.median(each) / 1000)
            if turn < 4:
                streams[key] += path.traffic("stream", max(1, scale.seconds // 2))
    for (label, name), _ in paths.items():
        shown = "hand-written nft" if name == "limit" else name
        key = (label, name)
        figures = results.figures
        figures[f"connections a second, {label}"][shown] = f"{statistics.median(rates[key]):.0f}"
        figures[f"microseconds to connect, {label}"][shown] = f"{statistics.median(middles[key]):.0f}"
        figures[f"throughput, {label}"][shown] = f"{statistics.median(streams[key]) * 8 / 1e9:.1f} Gbit/s"
    for path in paths.values():
        path.close()
    for system in systems:
        system.close()


def calls(results: Results, scratch: pathlib.Path, limit: Limit, netberth: Netberth, peers: list[System]) -> None:
    """System calls, and programs that are executed, of one attach; memory and processor of the runs before."""
    numbers = {limit: 3001, netberth: 3002} | {peer: 3003 + at for at, peer in enumerate(peers)}
    for system, n in numbers.items():
        ns = f"{limit.scratch}/calls{n}"
        limit.make(ns)
        system.prepare(n)
        if isinstance(system, (Netavark, Cni)):
            counted = spawned(system, n, ns)
        else:
            worker = system.worker
            counted = served(worker, lambda: system.attach(n, ns))
        system_calls, programs = counted
        results.figures["system calls of an attach"][system.name] = str(system_calls)
        results.figures["programs executed by an attach"][system.name] = str(programs)


def served(worker: Worker, act) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    trace = BUILD / "trace"
    trace.unlink(missing_ok=True)
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", str(trace), "-p", str(worker.process.pid)])
    time.sleep(0.7)
    act()
    time.sleep(0.2)
    strace.terminate()
    strace.wait()
    return counted(trace.read_text())


def spawned(system: System, n: int, ns: str) -> tuple[int, int]:
    trace = BUILD / "trace"
    pid = system.spawn.process.pid
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", str(trace), "-p", str(pid)])
    time.sleep(0.7)
    system.attach(n, ns)
    time.sleep(0.2)
    strace.terminate()
    strace.wait()
    return counted(trace.read_text())


def counted(trace: str) -> tuple[int, int]:
    lines = [line for line in trace.splitlines() if re.match(r"\d+ +[a-z0-9_]+\(", line)]
    # Who has other threads is seen to begin a program on one line and to have begun it on another.
    begun = [line for line in trace.splitlines() if re.search(r"\bexecve(\(| resumed).* = 0$", line)]
    return len(lines), len(begun)
