"""The systems that are compared. Each attaches a container with one published port, and detaches it."""

import itertools
import json
import os
import pathlib
import subprocess
import tempfile

from .process import BUILD, Host, Took, Worker

PEERS = BUILD / "peers"
#: Host ports are given out from here.
FIRST_PORT = 10_000

LEAST = """
table ip least {
    map pub { type inet_service : ipv4_addr . inet_service; }
    chain pre { type nat hook prerouting priority dstnat
        fib daddr type local dnat ip to tcp dport map @pub
    }
    chain post { type nat hook postrouting priority srcnat
        ip saddr 10.77.0.0/16 oifname != "lim0" masquerade
    }
}
"""


class System:
    """`given` are namespaces made before, and `n` a number that is not in use."""

    name = ""
    #: Whether it is a program for each call, as a runtime spawns it.
    spawned = False

    def __init__(self, scratch: pathlib.Path) -> None:
        self.host = Host()
        self.scratch = scratch / self.name.replace(" ", "-")
        self.scratch.mkdir(parents=True)
        self.spawn = Worker(self.host, str(BUILD / "spawn"))

    def path(self, n: int) -> str:
        return str(self.scratch / f"ns{n}")

    def prepare(self, n: int, published: bool = True) -> None:
        """What is there before the clock runs."""

    def attach(self, n: int, ns: str) -> Took:
        raise NotImplementedError

    def detach(self, n: int, ns: str) -> Took:
        raise NotImplementedError

    def close(self) -> None:
        self.spawn.close()
        self.host.close()


def address(net: str, n: int) -> str:
    return f"{net}.{1 + n // 250}.{2 + n % 250}"


class Limit(System):
    name = "limit"

    def __init__(self, scratch: pathlib.Path) -> None:
        super().__init__(scratch)
        self.host.run("ip link add lim0 type bridge && ip addr add 10.77.0.1/16 dev lim0 && ip link set lim0 up")
        self.host.run("nft -f -", LEAST)
        self.worker = Worker(self.host, str(BUILD / "limit"), "serve")

    def words(self, n: int, ns: str) -> tuple[object, ...]:
        return ns, f"l{n}", address("10.77", n), FIRST_PORT + n

    def make(self, path: str) -> Took:
        return self.worker.do("make", path)

    def attach(self, n: int, ns: str) -> Took:
        return self.worker.do("attach", *self.words(n, ns))

    def detach(self, n: int, ns: str) -> Took:
        return self.worker.do("unplug", *self.words(n, ns))

    def attach_new(self, n: int) -> Took:
        return self.worker.do("attach", *self.words(n, self.path(n)), "new")

    def remove(self, n: int) -> Took:
        return self.worker.do("drop", *self.words(n, self.path(n)))

    def once(self, n: int, ns: str) -> Took:
        return self.spawn.do("-", "-", BUILD / "limit", "once", "attach", *self.words(n, ns))

    def drop(self, path: str) -> None:
        self.worker.do("drop", path, "-", "10.77.0.9", 0)

    def network(self, n: int) -> Took:
        return self.worker.do("bridge", f"lb{n}", f"10.78.{n % 250}.1")

    def network_delete(self, n: int) -> Took:
        return self.worker.do("unbridge", f"lb{n}")


class Netberth(System):
    """Its records are on a disk, as they would be; what else there is, is in memory."""

    name = "netberth"
    #: A name that cannot stand in a hosts file: for runs without those.
    plain = "e{}"

    def __init__(self, scratch: pathlib.Path, plain: str = "e{}", subnet: str = "10.88.0.0/16") -> None:
        super().__init__(scratch)
        self.plain = plain
        self.place = tempfile.TemporaryDirectory(dir=BUILD)
        self.state, self.run_dir = self.place.name, str(self.scratch / "run")
        self.worker = Worker(self.host, str(BUILD / "handle"), "serve", self.state, self.run_dir)
        self.net("foo", subnet)

    def net(self, name: str, subnet: str) -> Took:
        options = {"subnets": [{"subnet": subnet}]}
        return self.worker.do("network", json.dumps({"name": name, "options": options}))

    def endpoint(self, n: int, published: bool = True) -> str:
        ports = [{"proto": 6, "port": 80, "host_port": FIRST_PORT + n}] if published else []
        return json.dumps({"name": self.plain.format(n), "port_mapping": ports})

    def prepare(self, n: int, published: bool = True) -> None:
        self.worker.do("endpoint", "foo", self.endpoint(n, published))

    def join_words(self, n: int, ns: str | None) -> tuple[str, str, str]:
        spec = {"container_id": f"c{n}"} | ({"netns": ns} if ns else {})
        return "foo", self.plain.format(n), json.dumps(spec)

    def attach(self, n: int, ns: str) -> Took:
        return self.worker.do("join", *self.join_words(n, ns))

    def detach(self, n: int, ns: str) -> Took:
        took = self.worker.do("detach", "foo", self.plain.format(n), f"c{n}")
        return took

    def forget(self, n: int) -> None:
        self.worker.do("remove", f"c{n}")
        self.worker.do("unendpoint", "foo", self.plain.format(n))

    def attach_new(self, n: int) -> Took:
        return self.worker.do("join", *self.join_words(n, None))

    def remove(self, n: int) -> Took:
        return self.worker.do("remove", f"c{n}")

    def define_and_attach(self, n: int, ns: str) -> Took:
        foo, name, spec = self.join_words(n, ns)
        return self.worker.do("attach", foo, self.endpoint(n), name, spec)

    def once(self, n: int, ns: str) -> Took:
        words = self.join_words(n, ns)
        return self.spawn.do("-", "-", BUILD / "handle", "once", self.state, self.run_dir, "join", *words)

    def network(self, n: int) -> Took:
        return self.net(f"net{n}", f"10.79.{n % 250}.0/24")

    def network_delete(self, n: int) -> Took:
        return self.worker.do("unnetwork", f"net{n}")

    def many(self, numbers: range) -> Took:
        joins = [
            {"network": "foo", "endpoint": json.loads(self.endpoint(n)), "container": {"container_id": f"c{n}"}}
            for n in numbers
        ]
        return self.worker.do("many", json.dumps(joins))

    def close(self) -> None:
        self.worker.close()
        super().close()
        self.place.cleanup()

    def memory(self) -> dict[str, int]:
        """KiB of the process."""
        text = pathlib.Path(f"/proc/{self.worker.process.pid}/status").read_text()
        lines = (line.split() for line in text.splitlines() if line.startswith("Vm"))
        return {words[0].rstrip(":"): int(words[1]) for words in lines}


def tools() -> str:
    """A PATH with the packages' programs, by the names that Debian's alternatives would give them."""
    bin = PEERS / "bin"
    if not bin.exists():
        bin.mkdir()
        for name in ("iptables", "ip6tables", "iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore"):
            (bin / name).symlink_to(PEERS / "usr/sbin/xtables-nft-multi")
    return f"{bin}:{PEERS / 'usr/sbin'}:{PEERS / 'usr/bin'}:{os.environ['PATH']}"


def environment() -> list[str]:
    libraries = PEERS / "usr/lib" / subprocess.check_output(["gcc", "-print-multiarch"], text=True).strip()
    return [f"PATH={tools()}", f"LD_LIBRARY_PATH={libraries}", f"XTABLES_LIBDIR={libraries / 'xtables'}"]


class Netavark(System):
    name = "netavark"
    spawned = True

    def document(self, n: int) -> pathlib.Path:
        of = "1" * 56
        document = {
            "container_id": f"{n:08x}{of}",
            "container_name": f"c{n}",
            "networks": {"bench": {"static_ips": [address("10.89", n)], "interface_name": "eth0"}},
            "network_info": {
                "bench": {
                    "name": "bench",
                    "id": f"{0:08x}{of}",
                    "driver": "bridge",
                    "network_interface": "podman9",
                    "subnets": [{"subnet": "10.89.0.0/16", "gateway": "10.89.0.1"}],
                    "ipv6_enabled": False,
                    "internal": False,
                    "dns_enabled": False,
                    "ipam_options": {"driver": "host-local"},
                }
            },
            "port_mappings": [
                {"container_port": 80, "host_ip": "", "host_port": FIRST_PORT + n, "protocol": "tcp", "range": 1}
            ],
        }
        path = self.scratch / f"{n}.json"
        path.write_text(json.dumps(document))
        return path

    def prepare(self, n: int, published: bool = True) -> None:
        self.document(n)

    def call(self, verb: str, n: int, ns: str) -> Took:
        program = PEERS / "usr/lib/podman/netavark"
        config = self.scratch / "config"
        return self.spawn.do(
            self.scratch / f"{n}.json", "-", *environment(), program, "--config", config, verb, ns
        )

    def attach(self, n: int, ns: str) -> Took:
        return self.call("setup", n, ns)

    def detach(self, n: int, ns: str) -> Took:
        return self.call("teardown", n, ns)


class Cni(System):
    """The plugins `bridge` (which runs `host-local`) and `portmap`, one after the other, as a runtime does."""

    name = "CNI"
    spawned = True

    def prepare(self, n: int, published: bool = True) -> None:
        common = {"cniVersion": "1.0.0", "name": "bench"}
        ipam = {
            "type": "host-local",
            "dataDir": str(self.scratch / "ipam"),
            "ranges": [[{"subnet": "10.90.0.0/16"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = common | {"type": "bridge", "bridge": "cni9", "isGateway": True, "ipMasq": True, "hairpinMode": True}
        ports = [{"hostPort": FIRST_PORT + n, "containerPort": 80, "protocol": "tcp"}]
        portmap = common | {"type": "portmap", "capabilities": {"portMappings": True}}
        portmap |= {"runtimeConfig": {"portMappings": ports}}
        self.bridge = bridge | {"ipam": ipam}
        self.portmap = portmap
        (self.scratch / f"bridge{n}").write_text(json.dumps(self.bridge))

    def call(self, command: str, plugin: str, n: int, ns: str, output: str) -> Took:
        cni = PEERS / "usr/lib/cni"
        own = [f"CNI_COMMAND={command}", f"CNI_CONTAINERID=c{n}", f"CNI_NETNS={ns}", "CNI_IFNAME=eth0", f"CNI_PATH={cni}"]
        return self.spawn.do(self.scratch / f"{plugin}{n}", output, *environment(), *own, cni / plugin)

    def attach(self, n: int, ns: str) -> Took:
        result = self.scratch / f"result{n}"
        took = self.call("ADD", "bridge", n, ns, str(result))
        document = self.portmap | {"prevResult": json.loads(result.read_text())}
        (self.scratch / f"portmap{n}").write_text(json.dumps(document))
        return took + self.call("ADD", "portmap", n, ns, "-")

    def detach(self, n: int, ns: str) -> Took:
        took = self.call("DEL", "portmap", n, ns, "-")
        return took + self.call("DEL", "bridge", n, ns, "-")


def fresh(start: int = 0) -> "itertools.count[int]":
    """Numbers that nobody has."""
    return itertools.count(start)
