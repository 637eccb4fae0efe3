"""The examples run."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import Host

PACKAGE = Path(__file__).resolve().parent.parent


def test_the_tour(host: Host) -> None:
    told = host.run(sys.executable, str(PACKAGE / "examples/tour.py"), str(host.directory))
    assert told.rstrip().endswith("nothing is left")
    assert host.links() == {"lo"}


def test_the_example_of_the_readme(host: Host, tmp_path: Path) -> None:
    text = (PACKAGE / "README.md").read_text()
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    place = f"state_dir={str(host.state)!r}, run_dir={str(host.directory / 'run')!r}"
    assert "netberth.open()" in code
    (tmp_path / "example.py").write_text(code.replace("netberth.open()", f"netberth.open({place})"))
    told = host.run(sys.executable, str(tmp_path / "example.py"))
    assert "10.88.0.2" in told
