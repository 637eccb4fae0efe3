"""Hosts, and the processes in them that are told what to do by lines."""

import pathlib
import subprocess
from dataclasses import dataclass

BUILD = pathlib.Path("build/bench").resolve()


@dataclass
class Took:
    """Milliseconds of the clock and of the processor; KiB of memory at the most, where known."""

    wall: float
    cpu: float
    memory: int = 0

    def __add__(self, other: "Took") -> "Took":
        memory = max(self.memory, other.memory)
        return Took(self.wall + other.wall, self.cpu + other.cpu, memory)


def holder() -> "subprocess.Popen[bytes]":
    """A process in a network namespace of its own, which ends with this one."""
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    process = subprocess.Popen(["unshare", "-n", "cat"], stdin=pipe, stdout=nowhere)
    own = pathlib.Path("/proc/self/ns/net").readlink()
    while pathlib.Path(f"/proc/{process.pid}/ns/net").readlink() == own:
        pass
    return process


class Host:
    """A network namespace that stands for a host: one for each system, so that none has another's rules."""

    def __init__(self) -> None:
        self.holder = holder()
        self.run("ip link set lo up && sysctl -qw net.ipv4.ip_forward=1")

    def enter(self, *program: str) -> list[str]:
        return ["nsenter", "-t", str(self.holder.pid), "-n", *program]

    def run(self, line: str, text: str | None = None) -> str:
        done = subprocess.run(self.enter("sh", "-ec", line), input=text, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{line}: {done.stderr}")
        return done.stdout

    def close(self) -> None:
        self.holder.kill()
        self.holder.wait()


class Worker:
    """A program that does what a line says and answers with what it took."""

    def __init__(self, host: Host, *program: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(host.enter(*program), stdin=pipe, stdout=pipe, text=True)
        self.program = program

    def send(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Took:
        assert self.process.stdout
        numbers = self.process.stdout.readline().split()
        if not numbers:
            raise RuntimeError(f"{self.program[0]} ended: {self.process.wait()}")
        return Took(int(numbers[0]) / 1e6, int(numbers[1]) / 1e6, int(numbers[2]) if numbers[2:] else 0)

    def do(self, *words: object) -> Took:
        self.send(*words)
        return self.answer()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
